// One event of an answer of the Messages API, as a variant of views. Reading one allocates nothing
// once the reader has seen its largest. It refuses to know who is told and in which format.
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

// Cumulative within one message: the later number counts, a missing one leaves the earlier.
struct TokenCounts {
  std::optional<std::int64_t> input, output, cache_read, cache_write, thinking;
};

struct MessageStart {
  TokenCounts tokens{};
  JsonText service_tier{};  // standard, priority, batch; empty when it was not told
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
  JsonText id{}, name{};     // of a tool's use
  JsonText text{};           // what a text or thinking block says already
  JsonText signature{};      // of thinking that is signed already
  std::string_view input{};  // of a tool's use: JSON, usually {}
  std::string_view raw{};    // the whole content_block

  // True when the input has a member.
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
// A piece of a tool's input: JSON text, cut anywhere, inside a JSON string.
struct InputJsonDelta {
  JsonText partial{};
};
struct CitationDelta {
  JsonText type{}, url{}, title{};  // empty where there is none
  std::string_view raw{};           // the whole citation
  // Of a search result that the client brought along, and of a document.
  JsonText source{}, document_title{}, file_id{};
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
  std::optional<std::int64_t> retry_after{};  // seconds; of an answer that was one as a whole
};
// An event that nobody knows yet.
struct Unknown {};

using MessageEvent = std::variant<MessageStart, BlockStart, TextDelta, ThinkingDelta,
                                  SignatureDelta, InputJsonDelta, CitationDelta, OtherDelta,
                                  BlockStop, MessageDelta, MessageStop, Ping, Failure, Unknown>;

// What events are parsed with: one parser per depth, since none can be used inside its own walk.
// A worker keeps one for all its answers; nothing outlives a call but the views of the last event.
struct EventReader {
  json::Reader outer, middle, inner, innermost;
};

// Reads one event. Without a `name` the JSON's own "type" tells what it is. The views live until
// `reader` reads the next one. Fails with kUpstreamBroke when `data` is not a JSON object.
[[nodiscard]] Result<MessageEvent> read_event(EventReader& reader, std::string_view name,
                                              std::string_view data);

}  // namespace ccproxy::anthropic
