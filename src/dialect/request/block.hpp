// A block of content on its way up, and the turns that blocks make. Text is seldom copied: views
// point into the client's JSON, or to what RequestArena keeps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory_resource>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "json/outline.hpp"

namespace ccproxy::dialect {

// A prompt cache breakpoint behind a block, by how long it lives.
enum class CacheControl : std::uint8_t { kNone, kFiveMinutes, kOneHour };

struct Block {
  enum class Kind : std::uint8_t {
    kText,        // text: what it says, escaped
    kImage,       // text: Base64; name: its media type
    kPdf,         // text: Base64; id: title, escaped, or empty; name: more members, with commas
    kPlainFile,   // text: what it says, escaped; id, name: as of kPdf
    kToolUse,     // text: the input as JSON; id, name; content: members beside these (call_members)
    kToolResult,  // text where it came as one string, else content; id
    kThinking,    // text: the whole block as JSON
    kVerbatim,    // text: the whole block as JSON
    kServer,      // the same, of a tool of the provider's, not yet settled; name: its type; id
  };

  Kind kind = Kind::kText;
  CacheControl cache_control = CacheControl::kNone;
  bool is_error = false;      // of a tool's result
  bool floats = false;        // thinking whose place in its turn the client could not tell
  std::uint32_t message = 0;  // index of the client's message that it came in, where it is known
  std::string_view text{};
  std::string_view id{}, name{};
  std::span<Block> content{};
  std::uint64_t meaning = 0;  // of kToolUse: the json::value_hash of the input where it is known
};

enum class Role : std::uint8_t { kUser, kAssistant, kSystem };

struct Turn {
  Role role = Role::kUser;
  std::uint32_t message = 0;         // index of the client's message that it began with
  std::pmr::vector<Block> blocks{};  // in the memory of the texts made for the request
};

// Texts that are not in the request as they are needed. What it keeps lives as long as it does.
class RequestArena {
 public:
  std::string_view keep(std::string&& text);
  std::string_view keep(std::string_view text);
  std::span<Block> keep(std::span<const Block> blocks);
  // The string, decoded.
  std::string_view decode(json::JsonText string);

  // Memory for what lives as long as the texts do: it is taken in large pieces and never given back
  // before the end.
  [[nodiscard]] std::pmr::memory_resource* memory() { return &memory_; }

 private:
  std::pmr::monotonic_buffer_resource memory_{4096};
  std::deque<std::string> large_;
  std::string scratch_;
};

// A string that is to be looked into: decoded where it has escapes, else a view of the request.
[[nodiscard]] std::string_view plain_text(json::Value string, RequestArena& arena);

// True for the types of blocks that hold what the model thought.
[[nodiscard]] constexpr bool is_thought(std::string_view type) {
  return type == "thinking" || type == "redacted_thinking";
}

// Members that a tool's use has beside type, id, name and input, written as `,"caller":{...}`, for
// Block::content: few calls have any, and each block of a request is paid for in memory.
[[nodiscard]] std::span<Block> call_members(std::string&& members, RequestArena& arena);
// Those of a block as the API writes it.
[[nodiscard]] std::span<Block> call_members(json::Value block, RequestArena& arena);

// Gives the last block the mark, or the longer of two; false where it cannot have one.
bool set_last_cache_control(std::span<Block> blocks, CacheControl cache_control);

// Appends the block as JSON.
void append_block(std::string& out, const Block& block);

// `,"title":"..."` and what else a document says of itself; of kPdf and kPlainFile.
void append_document_members(std::string& out, const Block& block);

// `,"cache_control":{...}`, or nothing.
void append_cache_control(std::string& out, CacheControl cache_control);

}  // namespace ccproxy::dialect
