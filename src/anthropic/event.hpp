// One event of a response of the Messages API, as a variant of views. Reading an event allocates
// nothing once the reader has seen one as large. It refuses to know who gets it and in which
// format.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "base/error.hpp"
#include "json/reader.hpp"
#include "json/text.hpp"

namespace ccproxy::anthropic {

using json::JsonText;

// The counts so far in one message: a later event replaces an earlier one, unless its count is
// missing.
struct TokenCounts {
  std::optional<std::int64_t> input, output, cache_read, cache_write, thinking;
};

struct MessageStart {
  TokenCounts tokens{};
  JsonText service_tier{};  // standard, priority or batch; empty when missing
  bool fast = false;        // usage.speed
};

enum class BlockKind {
  kText,
  kThinking,
  kRedactedThinking,
  kToolUse,
  kServerToolUse,
  kWebSearchResult,  // web_search_tool_result
  kOther,
};

struct BlockStart {
  std::int64_t index = 0;
  BlockKind kind = BlockKind::kOther;
  JsonText id{}, name{};     // of a tool_use block
  JsonText text{};           // the first part of a text or thinking block, usually empty
  JsonText signature{};      // of a thinking block, usually empty
  std::string_view input{};  // of a tool_use block: JSON, usually {}
  std::string_view raw{};    // the whole content_block

  // True when the input has at least one member.
  [[nodiscard]] bool has_input() const {
    return input.starts_with('{') && input.find('"') != std::string_view::npos;
  }
};

struct TextDelta {
  JsonText text{};
};
struct ThinkingDelta {
  JsonText text{};
};
struct SignatureDelta {
  JsonText signature{};
};
// A piece of the JSON text of a tool's input, cut at any place. It is a string of the event, so
// that it has one more level of escapes.
struct InputJsonDelta {
  JsonText partial{};
};
struct CitationDelta {
  JsonText type{}, url{}, title{};  // empty when missing
  std::string_view raw{};           // the whole citation
  JsonText source{};                // of a search result that the client has sent
  JsonText document_title{}, file_id{};
};
struct OtherDelta {
  std::string_view raw{};  // the whole delta
};
struct BlockStop {
  std::int64_t index = 0;
};

struct MessageDelta {
  JsonText stop_reason{}, stop_sequence{};  // empty when null
  JsonText category{}, explanation{};       // of stop_details
  TokenCounts tokens{};
};
struct MessageStop {};
struct Ping {};
struct Failure {
  JsonText type{}, message{};
  std::optional<std::int64_t> retry_after{};  // seconds; of a response that is an error as a whole
};
// An event of a type that this program does not know.
struct Unknown {};

using MessageEvent = std::variant<MessageStart, BlockStart, TextDelta, ThinkingDelta,
                                  SignatureDelta, InputJsonDelta, CitationDelta, OtherDelta,
                                  BlockStop, MessageDelta, MessageStop, Ping, Failure, Unknown>;

// The parsers for an event: one for each depth, since a parser cannot be used during its own walk.
// A worker uses one EventReader for all responses. Only the views of the last event refer to it.
struct EventReader {
  json::Reader outer, middle, inner, innermost;
};

// Reads one event. An empty `name` is replaced by the "type" of the JSON. The views are valid until
// `reader` reads the next event. Fails with kUpstreamBroke when `data` is not a JSON object.
[[nodiscard]] Result<MessageEvent> read_event(EventReader& reader, std::string_view name,
                                              std::string_view data);

}  // namespace ccproxy::anthropic
