// The input and output of a decoder of any dialect: the context of a request as plain values, and
// the Messages request with the plan of its reply.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "anthropic/capabilities.hpp"
#include "base/error.hpp"
#include "base/translation_options.hpp"
#include "dialect/history.hpp"
#include "dialect/reply_plan.hpp"
#include "json/outline.hpp"

namespace ccproxy::dialect {

// The model as the client named it, and the effort that its name may end in ("sonnet:high").
struct RequestedModel {
  std::string name;
  std::string effort{};
  bool defaulted = false;  // the request names none
  bool marked = false;     // the name ended in [1m], which is removed and not sent upstream
};

// Reads the model of a request. Fails with kInvalidRequest when the request is not an object or its
// model not a string.
[[nodiscard]] Result<RequestedModel> requested_model(const json::Outline& request,
                                                     std::string_view default_model);

class TurnMemory;

// What a decoder knows beside the request. All must outlive the decoder.
struct RequestContext {
  const RequestedModel& requested;
  std::string_view model;  // the id to send upstream
  const anthropic::Capabilities& can;
  const TranslationOptions& options;
  bool strict = false;      // for this request: options.strict or the client's header
  bool is_unknown = false;  // the capabilities of the model are not known
  bool is_cursor = false;   // the client is Cursor, by its User-Agent
  bool is_codex = false;    // likewise Codex
  // Limit of max_tokens: what is left of the model's context, as upstream's 400 has said.
  std::optional<std::int64_t> max_tokens_limit{};
  // Digests of sets of schemas that the provider could not compile (Decoded::schemas).
  std::span<const std::string> refused_schemas{};
  // Members of tools that the provider has refused in this request.
  std::span<const std::string_view> refused_members{};
  std::string_view account{};  // tag of the credential in use, which signatures can be bound to
  const TurnMemory* memory = nullptr;  // turns with thinking; nullptr when there are none
  // Of Responses alone:
  const History* history = nullptr;  // what the request refers to; nullptr when nothing is stored
  bool can_store = false;            // replies can be stored
  std::string_view key{};            // part of the ids that are made for this request
  bool compacts = false;             // the reply is a summary of the conversation
  bool counts = false;  // only tokens are counted: parameters of the reply are left out
};

struct Decoded {
  std::string body;  // JSON to send upstream
  ReplyPlan plan;
  std::vector<std::string> betas{};           // anthropic-beta values that the body needs
  std::optional<anthropic::Effort> effort{};  // as sent
  std::string schemas{};   // digest of the schemas that the provider is to enforce; empty without
  bool has_tools = false;  // tools that the client runs
  std::uint64_t question = 0;  // with tools: question_hash() of the turns
  bool may_pause = false;      // the provider runs tools, so the reply may be a pause_turn
};

// Appends a paused turn of the assistant to the messages of a decoded body, so that upstream
// continues it. `size` is the size of the body as it was decoded: a turn that was appended before
// is replaced. `blocks` are elements of a JSON array.
void append_turn(std::string& body, std::size_t size, std::string_view blocks);

}  // namespace ccproxy::dialect
