// What a decoder of any dialect is given, and what it makes: a request for the Messages API and all
// that the way back needs.
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
  bool defaulted = false;  // the request named none
  bool marked = false;     // its name ended in [1m], which is not carried on
};

// Fails with kInvalidRequest when the request is not an object or its model not a string.
[[nodiscard]] Result<RequestedModel> requested_model(const json::Outline& request,
                                                     std::string_view default_model);

class TurnMemory;

struct RequestContext {
  const RequestedModel& asked;
  std::string_view model;  // the id to send
  const anthropic::Capabilities& can;
  const TranslationOptions& options;
  bool strict = false;      // of this request: options.strict or the client's header
  bool is_unknown = false;  // nobody knows what the model can do
  bool is_cursor = false;   // its User-Agent
  bool is_codex = false;    // likewise
  std::optional<std::int64_t> most_tokens{};  // what is left of the context, learned from a 400
  // Digests of sets of schemas that the provider could not compile (Decoded::schemas).
  std::span<const std::string> refused_schemas{};
  // Members of tools that the provider has refused in this request.
  std::span<const std::string_view> left_out{};
  std::string_view account{};  // tag of the credential in use, which signatures can be bound to
  const TurnMemory* memory = nullptr;  // turns that thought; nullptr when there are none
  // Of Responses alone.
  const History* history = nullptr;  // what the request refers to; nullptr where nothing is kept
  bool keeps = false;                // answers can be kept
  std::string_view key{};            // of the ids of what is made for this request
  bool compacts = false;             // the conversation is to be summed up instead of continued
  bool counts = false;               // only to be counted: without what says how to answer
};

struct Decoded {
  std::string body;  // to send
  ReplyPlan plan;
  std::vector<std::string> betas{};           // anthropic-beta values that it needs
  std::optional<anthropic::Effort> effort{};  // as sent
  std::string schemas{};       // digest of all that the provider is to enforce; empty without
  bool has_tools = false;      // that the client runs
  std::uint64_t question = 0;  // with tools: what_is_answered() by the reply
  bool may_pause = false;      // the provider runs tools of its own
};

// Puts a paused turn of the assistant's behind the messages of a decoded body, which had `size`
// bytes before there was any, so that it goes on. One that was put there before goes. `blocks` are
// elements of a JSON array.
void append_turn(std::string& body, std::size_t size, std::string_view blocks);

}  // namespace ccproxy::dialect
