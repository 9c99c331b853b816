#include "dialect/request/block.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <type_traits>

#include "json/text.hpp"

namespace ccproxy::dialect {
namespace {

using std::string_view_literals::operator""sv;  // for the members that nearly every block has

void append_tool_result(std::string& out, const Block& block) {
  out.append(R"({"type":"tool_result","tool_use_id":")"sv).append(block.id).append(1, '"');
  if (block.is_error) out += R"(,"is_error":true)";
  if (!block.text.empty()) {
    out.append(R"(,"content":")"sv).append(block.text).append(1, '"');
    return;
  }
  if (block.content.empty()) return;
  out += R"(,"content":[)";
  for (const Block& inner : block.content) {
    if (&inner != block.content.data()) out += ',';
    append_block(out, inner);
  }
  out += ']';
}

}  // namespace

std::string_view RequestArena::store(std::string_view text) {
  auto* stored = static_cast<char*>(memory_.allocate(text.size(), 1));
  std::copy(text.begin(), text.end(), stored);
  return {stored, text.size()};
}

std::span<Block> RequestArena::store(std::span<const Block> blocks) {
  static_assert(std::is_trivially_destructible_v<Block>, "the arena runs no destructors");
  auto* stored = static_cast<Block*>(memory_.allocate(blocks.size_bytes(), alignof(Block)));
  std::uninitialized_copy(blocks.begin(), blocks.end(), stored);
  return {stored, blocks.size()};
}

// A large text, such as an image, is not held twice.
std::string_view RequestArena::store(std::string&& text) {
  constexpr std::size_t kLarge = 4096;
  if (text.size() < kLarge) return store(std::string_view(text));
  return large_.emplace_back(std::move(text));
}

std::string_view RequestArena::decode(json::JsonText string) {
  constexpr std::size_t kMaxCopied = 65'536;
  scratch_.clear();
  json::append_decoded(scratch_, string);
  if (scratch_.size() > kMaxCopied) return large_.emplace_back(std::exchange(scratch_, {}));
  return store(std::string_view(scratch_));
}

std::string_view plain_text(json::Value string, RequestArena& arena) {
  const std::string_view escaped = string.text().escaped;
  return escaped.find('\\') == std::string_view::npos ? escaped : arena.decode(string.text());
}

std::span<Block> call_members(std::string&& members, RequestArena& arena) {
  if (members.empty()) return {};
  const Block written{.kind = Block::Kind::kVerbatim, .text = arena.store(std::move(members))};
  return arena.store(std::span<const Block>(&written, 1));
}

std::span<Block> call_members(json::Value block, RequestArena& arena) {
  constexpr std::array<std::string_view, 5> kOwn = {"type", "id", "name", "input", "cache_control"};
  std::string more;
  for (const json::Value member : block.children()) {
    if (std::find(kOwn.begin(), kOwn.end(), member.name()) != kOwn.end()) continue;
    more += ",\"";
    json::append_escaped(more, member.name());
    more.append("\":").append(member.raw());
  }
  return call_members(std::move(more), arena);
}

bool set_last_cache_control(std::span<Block> blocks, CacheControl cache_control) {
  if (blocks.empty() || blocks.back().kind == Block::Kind::kThinking) return false;
  blocks.back().cache_control = std::max(blocks.back().cache_control, cache_control);
  return true;
}

void append_cache_control(std::string& out, CacheControl cache_control) {
  if (cache_control == CacheControl::kFiveMinutes)
    out += R"(,"cache_control":{"type":"ephemeral"})";
  if (cache_control == CacheControl::kOneHour)
    out += R"(,"cache_control":{"type":"ephemeral","ttl":"1h"})";
}

void append_document_members(std::string& out, const Block& block) {
  if (!block.id.empty()) out.append(R"(,"title":")").append(block.id).append("\"");
  out += block.name;
}

void append_block(std::string& out, const Block& block) {
  switch (block.kind) {
    case Block::Kind::kText:
      out.append(R"({"type":"text","text":")"sv).append(block.text).append(1, '"');
      break;
    case Block::Kind::kImage:
      out.append(R"({"type":"image","source":{"type":"base64","media_type":")").append(block.name);
      out.append(R"(","data":")").append(block.text).append("\"}");
      break;
    case Block::Kind::kPdf:
      out +=
          R"({"type":"document","source":{"type":"base64","media_type":"application/pdf","data":")";
      out.append(block.text).append("\"}");
      append_document_members(out, block);
      break;
    case Block::Kind::kPlainFile:
      out += R"({"type":"document","source":{"type":"text","media_type":"text/plain","data":")";
      out.append(block.text).append("\"}");
      append_document_members(out, block);
      break;
    case Block::Kind::kToolUse:
      out.append(R"({"type":"tool_use","id":")"sv).append(block.id).append(R"(","name":")"sv);
      out.append(block.name).append(R"(","input":)"sv).append(block.text);
      for (const Block& members : block.content) out += members.text;
      break;
    case Block::Kind::kToolResult: append_tool_result(out, block); break;
    case Block::Kind::kServer:
    case Block::Kind::kThinking:
    case Block::Kind::kVerbatim: out.append(block.text, 0, block.text.size() - 1); break;
  }
  append_cache_control(out, block.cache_control);
  out += '}';
}

}  // namespace ccproxy::dialect
