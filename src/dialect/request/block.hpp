// A block of content of the Messages request that is being built, and the turns that blocks make.
// Text is seldom copied: views point into the client's JSON or into the RequestArena.
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

// A prompt cache breakpoint behind a block, by how long the cache entry lives.
enum class CacheControl : std::uint8_t { kNone, kFiveMinutes, kOneHour };

struct Block {
  enum class Kind : std::uint8_t {
    kText,        // text: escaped
    kImage,       // text: Base64; name: media type
    kPdf,         // text: Base64; id: title, escaped, or empty; name: more members, with commas
    kPlainFile,   // text: escaped; id, name: as for kPdf
    kToolUse,     // text: the input as JSON; id, name; content: other members (call_members)
    kToolResult,  // text where it came as one string, else content; id
    kThinking,    // text: the whole block as JSON
    kVerbatim,    // text: the whole block as JSON
    kServer,      // as kVerbatim, but not yet settled (server_blocks.hpp); name: its type; id
  };

  Kind kind = Kind::kText;
  CacheControl cache_control = CacheControl::kNone;
  bool is_error = false;      // of kToolResult
  bool is_unplaced = false;   // of kThinking: its place in the turn is not known
  std::uint32_t message = 0;  // number of the client's message that it came in (Turns), if known
  std::string_view text{};
  std::string_view id{}, name{};
  std::span<Block> content{};
  std::uint64_t input_hash = 0;  // of kToolUse: json::value_hash of the input; 0: not known
};

enum class Role : std::uint8_t { kUser, kAssistant, kSystem };

struct Turn {
  Role role = Role::kUser;
  std::uint32_t message = 0;         // number of the client's message that it began with
  std::pmr::vector<Block> blocks{};  // in the memory of the RequestArena
};

// Owns the texts and blocks that a request does not hold in the form that is needed. They live as
// long as the arena.
class RequestArena {
 public:
  // A large text is moved, not copied.
  std::string_view store(std::string&& text);
  std::string_view store(std::string_view text);
  std::span<Block> store(std::span<const Block> blocks);
  // Stores the string decoded.
  std::string_view decode(json::JsonText string);

  // Memory for containers that live no longer than the arena. It is allocated in large pieces, and
  // freed only with the arena.
  [[nodiscard]] std::pmr::memory_resource* memory() { return &memory_; }

 private:
  std::pmr::monotonic_buffer_resource memory_{4096};
  std::deque<std::string> large_;
  std::string scratch_;
};

// The string decoded: a view of the request where it has no escapes, else of the arena.
[[nodiscard]] std::string_view plain_text(json::Value string, RequestArena& arena);

// True for the types of blocks that hold thinking.
[[nodiscard]] constexpr bool is_thinking(std::string_view type) {
  return type == "thinking" || type == "redacted_thinking";
}

// Members that a tool_use block has beside type, id, name and input, such as `,"caller":{...}`, as
// its Block::content. They have no member of their own in Block since few calls have any, and a
// request may have hundreds of thousands of blocks.
[[nodiscard]] std::span<Block> call_members(std::string&& members, RequestArena& arena);
// The same, taken from a block as the API writes it.
[[nodiscard]] std::span<Block> call_members(json::Value block, RequestArena& arena);

// Gives the last block the breakpoint, or the longer one where it has one already. Returns false
// where it cannot have one: there is no block, or it is thinking.
bool set_last_cache_control(std::span<Block> blocks, CacheControl cache_control);

// Appends the block as JSON.
void append_block(std::string& out, const Block& block);

// Appends `,"title":"..."` and the other members of a kPdf or kPlainFile.
void append_document_members(std::string& out, const Block& block);

// Appends `,"cache_control":{...}`, or nothing for kNone.
void append_cache_control(std::string& out, CacheControl cache_control);

}  // namespace ccproxy::dialect
