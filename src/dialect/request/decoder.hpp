// The steps that a request of every dialect goes through: the dialect reads it into turns, tools
// and parameters; then these are put in the order that upstream demands, adapted to what the model
// can do, and written (rules A.2.3 to A.3.5).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dialect/request/block.hpp"
#include "dialect/request/context.hpp"
#include "dialect/request/conversation_builder.hpp"
#include "dialect/request/parameters.hpp"
#include "dialect/request/remembered_turn.hpp"
#include "dialect/request/report.hpp"
#include "dialect/request/response_format.hpp"
#include "dialect/request/thinking.hpp"
#include "dialect/request/tool_names.hpp"
#include "dialect/request/tools.hpp"
#include "dialect/request/turns.hpp"

namespace ccproxy::dialect {

class RequestDecoder {
 public:
  // `input_param` is the field of the request that holds the conversation. All must outlive the
  // object.
  RequestDecoder(json::Value request, const RequestContext& context, std::string_view input_param);
  RequestDecoder(const RequestDecoder&) = delete;
  RequestDecoder& operator=(const RequestDecoder&) = delete;
  RequestDecoder(RequestDecoder&&) = delete;
  RequestDecoder& operator=(RequestDecoder&&) = delete;
  virtual ~RequestDecoder() = default;

  // Fails with kInvalidRequest or kNotFound. May be called once.
  [[nodiscard]] Result<Decoded> run();

 protected:
  // Reads the request into the members below. Errors go to the report.
  virtual void read() = 0;

  // Reads the member `system`, as the Messages API has it: a text, or a list of texts.
  void read_system();
  // What a ConversationBuilder needs to fill in `system_` and `turns_`.
  [[nodiscard]] ConversationParts conversation_parts();
  // Reads `tool_choice`. In a request without tools, adds those that its history calls: upstream
  // requires them.
  void choose_tools(const ConversationBuilder& conversation);

  const json::Value request_;
  const RequestContext& context_;
  const anthropic::Capabilities& can_;
  Decoded decoded_;
  RequestArena arena_;
  Report report_;
  ToolNames names_;
  RequestTools tools_;
  std::vector<Block> system_;  // texts
  Turns turns_;
  RequestParameters parameters_;
  ResponseFormat format_;
  ReasoningRequest reasoning_;
  ReasoningDisplay display_;
  TurnForm form_ = TurnForm::kItems;

 private:
  void settle();
  void settle_schemas();
  [[nodiscard]] std::string digest_of_schemas();
  void restore_thinking();
  [[nodiscard]] bool has_thinking() const;
  void add_hints();
  void write();
  void write_plan();
  [[nodiscard]] std::size_t estimated_size();
  void write_member(std::string_view name, std::string_view json);
  void write_output_config();
  void write_blocks(std::string_view name, std::span<const Block> blocks);
  void write_turn(const Turn& turn);

  std::string_view input_param_;
  ThinkingChoice thinking_;
  std::string sampling_;
  CacheControl cache_ = CacheControl::kNone;
};

}  // namespace ccproxy::dialect
