// Builds the conversation of a Messages request from a history: messages become turns and system
// blocks, calls get ids and the names of their tools upstream, results find their calls. The
// readers of the dialects (chat/messages.hpp, responses/input.hpp) only identify what each message
// or item is. The builder refuses to know how a dialect writes one, and what may follow what: that
// is request/turns.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dialect/request/block.hpp"
#include "dialect/request/call_input.hpp"
#include "dialect/request/content.hpp"
#include "dialect/request/context.hpp"
#include "dialect/request/param_path.hpp"
#include "dialect/request/report.hpp"
#include "dialect/request/tool_names.hpp"
#include "dialect/request/tools.hpp"
#include "dialect/request/turns.hpp"
#include "json/outline.hpp"

namespace ccproxy::dialect {

// What a conversation is read with and written to. All must outlive the builder.
struct ConversationParts {
  const RequestContext& context;
  Report& report;
  RequestArena& arena;
  const RequestTools& tools;
  std::vector<std::string>& betas;  // gains the anthropic-beta values that the content needs
  std::vector<Block>& system;       // gains the texts of leading system messages
  Turns& turns;                     // gains everything else
};

// A tool call in the history.
struct HistoryCall {
  ClientCall call;            // `name` is the tool's as RequestTools knows it
  std::uint32_t message = 0;  // the number that Turns knows the message by
  std::size_t index = 0;     // of the message or item in its list, for the id of a call without one
  std::size_t position = 0;  // among the calls of the message, likewise
  bool has_upstream_name = false;  // `name` is the tool's name upstream
  CacheControl cache_control = CacheControl::kNone;
};

class ConversationBuilder {
 public:
  explicit ConversationBuilder(const ConversationParts& parts);

  [[nodiscard]] const RequestContext& context() const { return context_; }
  [[nodiscard]] Report& report() { return report_; }
  [[nodiscard]] RequestArena& arena() { return arena_; }
  [[nodiscard]] const RequestTools& tools() const { return tools_; }
  [[nodiscard]] Turns& turns() { return turns_; }

  // Appends the blocks of `content` to `out`: of a text, or of a list of parts, for each of which
  // `read_part(part, path, out)` is called. `path` is the place of the content. Anything else is
  // refused; reading ends at the first part that is refused.
  template <class ReadPart>
  void read_content(json::Value content, ParamPath path, std::vector<Block>& out,
                    const ReadPart& read_part);

  // The same where only parts stand that any message may have. Images and documents are refused
  // unless `allows_files`.
  void read_content(json::Value content, const ParamPath& path, bool allows_files,
                    std::vector<Block>& out);

  // Appends the block of a part that any message may have.
  void read_part(json::Value part, const ParamPath& path, bool allows_files,
                 std::vector<Block>& out) {
    content_.read_part(part, path, allows_files, out);
  }

  // Add the blocks of a message, which may be none. `message` is the number that Turns knows it by.
  // System messages go to the system blocks until another message has been added, and to a turn of
  // their own from then on.
  void add_system(std::uint32_t message, std::span<const Block> blocks);
  // Ends the assistant's turn, where there are blocks.
  void add_user(std::uint32_t message, std::span<const Block> blocks);
  // Begins the assistant's turn or continues it.
  void add_assistant(std::uint32_t message, std::span<const Block> blocks) {
    is_leading_ = false;
    is_in_assistant_turn_ = true;
    turns_.add(Role::kAssistant, message, blocks);
  }

  // True until the first message that is not a system message has been added.
  [[nodiscard]] bool is_leading() const { return is_leading_; }
  // True while the next message of the assistant continues the last turn.
  [[nodiscard]] bool is_in_assistant_turn() const { return is_in_assistant_turn_; }
  void end_assistant_turn() { is_in_assistant_turn_ = false; }

  // Must be called before the calls of a message are read: unless the assistant's turn continues,
  // results no longer belong to calls of the turn before.
  void begin_calls() {
    if (!is_in_assistant_turn_) open_calls_.clear();
  }

  // The input of a call of `tool`: `arguments` is text for a custom tool, else a JSON object,
  // usually in a string. `id` is the client's id of the call.
  [[nodiscard]] CallInput function_input(std::string_view tool, json::Value arguments,
                                         std::string_view id);
  // The same for a tool that takes a JSON object in any case.
  [[nodiscard]] CallInput json_input(json::Value arguments, std::string_view id) {
    return open_calls_.input_of(arguments, id);
  }

  // Appends the call to `out`. Returns false, and appends nothing, when the turn has it already.
  // Members that it has beside these are the caller's to set (call_members()).
  bool add_call(HistoryCall call, std::vector<Block>& out);
  // An id for a call that cannot have one of the client's. It is `wanted`, unless that is taken.
  [[nodiscard]] std::string_view new_call_id(std::string_view wanted) {
    return ids_.assign({}, wanted);
  }
  // Appends a call whose id is of new_call_id().
  void add_new_call(HistoryCall call, std::vector<Block>& out);

  // The id upstream of the call that the next result for the client's `id` belongs to. For an id
  // that no call of the turn has, the id itself, so that a person can read it.
  [[nodiscard]] std::string_view take_result_id(std::string_view id) {
    return open_calls_.take_result_id(id);
  }
  // Sets the content of a result: a text stays one text, parts become blocks, as in read_content().
  template <class ReadPart>
  void read_result(json::Value content, const ParamPath& path, Block& result,
                   const ReadPart& read_part);

  // The tools that the history calls, as RequestTools knows them, in the order of their calls.
  [[nodiscard]] const std::vector<std::string_view>& called_tools() const { return called_tools_; }

 private:
  // `call` has the name of its tool upstream; `tool` is the name that RequestTools knows.
  void append_call(HistoryCall& call, std::string_view tool, std::string_view id,
                   std::vector<Block>& out);

  const RequestContext& context_;
  Report& report_;
  RequestArena& arena_;
  const RequestTools& tools_;
  std::vector<Block>& system_;
  Turns& turns_;
  Content content_;
  CallIds ids_;
  OpenCalls open_calls_;
  std::vector<std::string_view> called_tools_;
  std::vector<Block> result_parts_;  // of the result that is being read
  bool is_leading_ = true;
  bool is_in_assistant_turn_ = false;
};

template <class ReadPart>
void ConversationBuilder::read_content(json::Value content, ParamPath path, std::vector<Block>& out,
                                       const ReadPart& read_part) {
  if (content.is_string()) return Content::add_text(content.text(), CacheControl::kNone, out);
  if (content.is_absent()) return;
  if (!content.is_array()) return report_.refuse_type(path.param(), "a string or an array");
  for (const json::Value part : content.children()) {
    ++path.part;
    read_part(part, path, out);
    if (report_.refused()) return;
  }
}

template <class ReadPart>
void ConversationBuilder::read_result(json::Value content, const ParamPath& path, Block& result,
                                      const ReadPart& read_part) {
  if (content.is_string()) {
    result.text = content.text().escaped;
    return;
  }
  result_parts_.clear();
  read_content(content, path, result_parts_, read_part);
  result.content = arena_.store(result_parts_);
}

}  // namespace ccproxy::dialect
