#include "dialect/request/reasoning_tags.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "json/text.hpp"

namespace ccproxy::dialect {
namespace {

constexpr std::string_view kSpace = " \t\r\n\f\v";

struct Tag {
  std::string_view name, open, close;
};

constexpr std::array<Tag, 4> kTags = {{{"think", "<think>", "</think>"},
                                       {"thinking", "<thinking>", "</thinking>"},
                                       {"reasoning", "<reasoning>", "</reasoning>"},
                                       {"thought", "<thought>", "</thought>"}}};

std::string_view without_space_before(std::string_view text) {
  return text.substr(std::min(text.find_first_not_of(kSpace), text.size()));
}

// Wrapped thinking at the beginning of a text.
struct Wrapped {
  const Tag* tag;
  std::string_view words, rest;
};

std::optional<Wrapped> wrapped_at(std::string_view text) {
  for (const Tag& tag : kTags) {
    if (!text.starts_with(tag.open)) continue;
    const std::string_view inside = text.substr(tag.open.size());
    const std::size_t end = inside.find(tag.close);
    if (end == std::string_view::npos) return std::nullopt;
    return Wrapped{&tag, inside.substr(0, end), inside.substr(end + tag.close.size())};
  }
  return std::nullopt;
}

bool begins_with_tag(std::string_view text) {
  return std::any_of(kTags.begin(), kTags.end(),
                     [text](const Tag& tag) { return text.starts_with(tag.open); });
}

// False for an escaped text that cannot begin with a tag, so that it need not be decoded.
bool may_begin_with_tag(std::string_view escaped) {
  while (!escaped.empty()) {
    if (kSpace.find(escaped.front()) != std::string_view::npos)
      escaped.remove_prefix(1);
    else if (escaped.starts_with("\\n") || escaped.starts_with("\\r") || escaped.starts_with("\\t"))
      escaped.remove_prefix(2);
    else
      return escaped.front() == '<' || escaped.starts_with("\\u00");
  }
  return false;
}

// The tags that the conversation itself names, in its system prompt or in the user's text.
class NamedTags {
 public:
  NamedTags(std::span<const Block> system, const std::vector<Turn>& turns)
      : system_(system), turns_(turns) {}

  bool has(const Tag& tag) {
    auto& known = known_.at(static_cast<std::size_t>(&tag - kTags.data()));
    if (!known) known = is_named(tag);
    return *known;
  }

 private:
  // "<" may be escaped as "\u003c".
  static bool names(const Block& block, std::string_view name) {
    if (block.kind != Block::Kind::kText) return false;
    const std::string_view text = block.text;
    for (auto at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
      const std::string_view before = text.substr(0, at);
      if (before.ends_with('<') || before.ends_with("u003c") || before.ends_with("u003C"))
        return true;
    }
    return false;
  }

  [[nodiscard]] bool is_named(const Tag& tag) const {
    const auto names_it = [&tag](const Block& block) { return names(block, tag.name); };
    if (std::any_of(system_.begin(), system_.end(), names_it)) return true;
    return std::any_of(turns_.begin(), turns_.end(), [&](const Turn& turn) {
      return turn.role != Role::kAssistant &&
             std::any_of(turn.blocks.begin(), turn.blocks.end(), names_it);
    });
  }

  std::span<const Block> system_;
  const std::vector<Turn>& turns_;
  std::array<std::optional<bool>, kTags.size()> known_{};
};

// The text without the wrapped thinking that it begins with.
std::string_view unwrapped(std::string_view text, NamedTags& named) {
  while (const auto wrapped = wrapped_at(without_space_before(text))) {
    const bool is_blank = without_space_before(wrapped->words).empty();
    if (!is_blank && named.has(*wrapped->tag)) break;
    text = without_space_before(wrapped->rest);
  }
  return text;
}

// The text without any wrapped thinking. The end of a tag that is never closed is searched for
// once, however often it is opened.
std::string without_wrapped(std::string_view text) {
  std::string rest;
  bool is_unclosed = false;
  while (!text.empty()) {
    const std::size_t tag = std::min(text.find('<'), text.size());
    rest += text.substr(0, tag);
    text.remove_prefix(tag);
    const auto wrapped = is_unclosed ? std::nullopt : wrapped_at(text);
    is_unclosed = is_unclosed || (!wrapped && begins_with_tag(text));
    if (wrapped) {
      text = wrapped->rest;
    } else if (!text.empty()) {
      rest += text.front();
      text.remove_prefix(1);
    }
  }
  return rest;
}

bool is_same_text(std::string_view a, std::string_view b) {
  while (true) {
    a = without_space_before(a);
    b = without_space_before(b);
    if (a.empty() || b.empty()) return a.empty() && b.empty();
    if (a.front() != b.front()) return false;
    a.remove_prefix(1);
    b.remove_prefix(1);
  }
}

}  // namespace

void remove_reasoning_tags(std::span<const Block> system, Turns& turns, RequestArena& arena) {
  NamedTags named(system, turns.all());
  bool has_empty_turn = false;
  std::string text;
  for (Turn& turn : turns.all()) {
    if (turn.role != Role::kAssistant) continue;
    std::erase_if(turn.blocks, [&](Block& block) {
      if (block.kind != Block::Kind::kText || !may_begin_with_tag(block.text)) return false;
      text.clear();
      json::append_decoded(text, {block.text});
      const std::string_view rest = unwrapped(text, named);
      if (rest.size() == text.size()) return false;
      std::string escaped;
      json::append_escaped(escaped, rest);
      block.text = arena.store(std::move(escaped));
      return without_space_before(rest).empty();
    });
    has_empty_turn = has_empty_turn || turn.blocks.empty();
  }
  if (has_empty_turn) turns.join();
}

bool has_same_text(std::string_view original, std::string_view client) {
  if (is_same_text(original, client)) return true;
  if (const auto wrapped = wrapped_at(without_space_before(client));
      wrapped && is_same_text(original, wrapped->rest))
    return true;
  return client.find('<') != std::string_view::npos &&
         is_same_text(original, without_wrapped(client));
}

}  // namespace ccproxy::dialect
