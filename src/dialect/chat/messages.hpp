// The messages of a Chat Completions request become turns and system blocks (rules A.2,
// A.2.2, A.3.4). It refuses to know what may follow what: that is request/turns.hpp.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "dialect/request/call_input.hpp"
#include "dialect/request/content.hpp"
#include "dialect/request/message_tools.hpp"
#include "dialect/request/tool_names.hpp"
#include "dialect/request/turns.hpp"

namespace ccproxy::dialect {

class ChatMessages {
 public:
  // All must outlive it. Text of leading system messages goes into `system`, the rest into `turns`.
  ChatMessages(const MessageTools& with, std::vector<Block>& system, Turns& turns);

  void read(json::Value messages);

  // Names of the tools that the history calls, as the client knows them, in the order of their use.
  [[nodiscard]] const std::vector<std::string_view>& called() const { return called_; }

 private:
  // What this program reads of a message, gathered in one walk over it.
  struct Message {
    std::size_t index = 0;
    json::Value role{}, content{}, refusal{}, tool_calls{}, function_call{}, name{}, tool_call_id{},
        is_error{}, thinking_blocks{}, reasoning_details{};
    CacheControl cache_control = CacheControl::kNone;
  };
  static Message fields_of(json::Value message, std::size_t index);
  void read_message(const Message& message);
  void read_system(const Message& message);
  void read_user(const Message& message);
  void add_named(const Message& message);
  void read_assistant(const Message& message);
  void read_tool(const Message& message);
  void read_function(const Message& message);
  void add(Role role, const Message& message, std::span<Block> blocks);

  void read_content(json::Value content, std::size_t index, bool allows_files,
                    std::vector<Block>& out);
  void add_result(std::string_view id, json::Value content, const Message& message,
                  std::vector<Block>& out);
  void add_result_part(json::Value part, std::size_t index, std::vector<Block>& out);

  // The assistant's side, in assistant.cpp.
  void read_said(const Message& message);
  bool read_own_part(json::Value part, ParamPath place);
  void read_signed_thoughts(const Message& message, std::vector<Block>& out);
  void read_calls(const Message& message);
  void read_call(json::Value call, std::size_t index, std::size_t position);
  void read_legacy_call(const Message& message);
  static void add_thought(std::string_view block, bool has_place, std::vector<Block>& out);
  // A call, and where it stands: number `position` among the parts or calls of a message.
  struct CallSaid {
    ClientCall call;
    std::size_t message;
    std::size_t position = 0;
    CacheControl cache_control = CacheControl::kNone;
    std::span<Block> members{};  // call_members
  };
  // Nothing for one that the turn has already.
  void add_call(CallSaid said, std::vector<Block>& out);
  void add_block(CallSaid said, std::string_view id, std::vector<Block>& out);

  const RequestContext& context_;
  Report& report_;
  RequestArena& arena_;
  const RequestTools& tools_;
  Content content_;
  CallIds ids_;
  std::vector<Block>& system_;
  Turns& turns_;
  OpenCalls open_calls_;
  std::unordered_map<std::string_view, std::vector<std::string_view>> open_functions_;  // by name
  std::vector<std::string_view> called_;
  // Of the message that is being read, and of a result in it.
  std::vector<Block> blocks_, thoughts_, calls_, parts_;
  std::size_t legacy_calls_ = 0;
  bool is_leading_ = true;       // only system messages so far
  bool in_assistant_ = false;    // what comes next from the assistant joins its last turn
  bool has_call_parts_ = false;  // among the parts of the message that is being read
};

}  // namespace ccproxy::dialect
