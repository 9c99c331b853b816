// An index of a JSON text, which is checked strictly (RFC 8259) in one pass. Values are views of
// the text, so that they can be copied byte for byte; when the text has a lone surrogate, they are
// views of a copy with U+FFFD in its place. Values below a certain depth are checked, but have no
// entry in the index. simdjson finds the tokens.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "json/name.hpp"
#include "json/text.hpp"

namespace ccproxy::json {

class Outline;

enum class ValueKind : std::uint8_t { kMissing, kNull, kBool, kNumber, kString, kArray, kObject };

// One value of an outline: as cheap as a pointer, and valid as long as outline and text are. The
// result of a look-up that finds nothing is kMissing, as is a default Value; its raw() is empty.
class Value {
 public:
  class Iterator;
  struct Range;

  Value() = default;

  [[nodiscard]] ValueKind kind() const;
  [[nodiscard]] bool is_object() const { return kind() == ValueKind::kObject; }
  [[nodiscard]] bool is_array() const { return kind() == ValueKind::kArray; }
  [[nodiscard]] bool is_string() const { return kind() == ValueKind::kString; }
  // True for null and a missing value, which mean the same to all clients.
  [[nodiscard]] bool is_absent() const { return kind() <= ValueKind::kNull; }

  // The value as it is written, without white space around it.
  [[nodiscard]] std::string_view raw() const;
  // The content of a string, still escaped; empty for any other value.
  [[nodiscard]] JsonText text() const;
  // The same, decoded to UTF-8.
  [[nodiscard]] std::string decoded() const;
  [[nodiscard]] std::optional<bool> boolean() const;
  [[nodiscard]] std::optional<double> number() const;
  // A number without a fraction, even if it is written as 1.0 or 1e3.
  [[nodiscard]] std::optional<std::int64_t> integer() const;

  // The elements of an array or the members of an object, in order. Empty for any other value, and
  // below the depth of the index.
  [[nodiscard]] Range children() const;
  // The member with that name; of several the last.
  [[nodiscard]] Value operator[](Name name) const;
  // The name of a member; empty for an element.
  [[nodiscard]] std::string_view name() const;
  // The same as name() == name, but faster; false for an element.
  [[nodiscard]] bool is_named(Name name) const;

 private:
  friend class Outline;
  Value(const Outline& outline, std::uint32_t index, bool named)
      : outline_(&outline), index_(index), named_(named) {}
  [[nodiscard]] Value member_among_alike(Name name) const;

  const Outline* outline_ = nullptr;
  std::uint32_t index_ = 0;
  bool named_ = false;  // it is a member: its name is the node before it
};

class Value::Iterator {
 public:
  using value_type = Value;                // NOLINT(readability-identifier-naming): the standard's
  using difference_type = std::ptrdiff_t;  // NOLINT(readability-identifier-naming)

  Iterator() = default;
  [[nodiscard]] Value operator*() const;
  Iterator& operator++();
  Iterator operator++(int) {
    Iterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const Iterator&) const = default;

 private:
  friend class Value;
  Iterator(const Outline& outline, std::uint32_t at, bool named)
      : outline_(&outline), at_(at), named_(named) {}

  const Outline* outline_ = nullptr;
  std::uint32_t at_ = 0;
  bool named_ = false;
};

struct Value::Range {
  Iterator first{}, last{};
  [[nodiscard]] Iterator begin() const { return first; }
  [[nodiscard]] Iterator end() const { return last; }
  [[nodiscard]] bool empty() const { return first == last; }
};

class Outline {
 public:
  // How deep arrays and objects may nest.
  static constexpr unsigned kMaxDepth = 64;
  // The same for texts that this program has composed of others that nested no deeper.
  static constexpr unsigned kMaxComposedDepth = 96;
  // How many levels have entries in the index, unless the caller wants another depth.
  static constexpr unsigned kListed = 9;

  Outline();
  Outline(const Outline&) = delete;
  Outline& operator=(const Outline&) = delete;
  Outline(Outline&&) noexcept;
  Outline& operator=(Outline&&) noexcept;
  ~Outline();

  // Indexes `listed` levels of `text`, which must outlive the values. Fails with kInvalidRequest,
  // whose message names the place, and with kTooLarge when it has millions of values.
  [[nodiscard]] Result<void> read(std::string_view text, unsigned listed = kListed,
                                  unsigned max_depth = kMaxDepth);

  // True when the values are views of the outline's own copy of the text, because that had lone
  // surrogates. They are then valid until the next read() or clear().
  [[nodiscard]] bool is_repaired() const { return repaired_ != nullptr; }

  // Drops the text, and frees the memory of a large one.
  void clear();

  // The whole value.
  [[nodiscard]] Value root() const { return nodes_.empty() ? Value() : Value(*this, 0, false); }

 private:
  friend class Value;
  friend class Walk;
  struct Tokens;

  // Twelve bytes, since a large body has hundreds of thousands of nodes. The name of a member has a
  // node, too: its kind is kMissing when the name is in the text, and kString when it is in names_.
  struct Node {
    std::uint32_t begin, end;
    std::uint32_t next : 29;  // the index behind all of its children; the code of a name
    ValueKind kind : 3;
  };

  [[nodiscard]] std::string_view name_of(const Node& name) const;
  [[nodiscard]] bool is_named(const Node& own, Name name) const;

  // Finds a member of the root in by_code_.
  [[nodiscard]] Value sorted_member(Name name) const;
  void sort_members();

  void replace_surrogates();

  std::unique_ptr<Tokens> tokens_;
  std::unique_ptr<std::string> repaired_;  // a copy of the text without lone surrogates
  std::string_view text_;
  std::vector<Node> nodes_;  // the name of a member is the node before its value
  std::string names_;        // the decoded names that have escapes
  // The codes of the names of the root's members, each with the index of its node, in sorted order.
  // Empty when the root has few members.
  std::vector<std::uint64_t> by_code_;
  unsigned listed_ = 0, max_depth_ = kMaxDepth;
};

// Inline, since decoders call these functions a thousand times for each request.

inline std::string_view Outline::name_of(const Node& name) const {
  const char* const all = name.kind == ValueKind::kMissing ? text_.data() : names_.data();
  return {all + name.begin, name.end - name.begin};
}

inline bool Outline::is_named(const Node& own, Name name) const {
  return own.next == name.code() && std::ranges::equal(name_of(own), name.text());
}

inline std::string_view Value::raw() const {
  if (!outline_) return {};
  const auto& node = outline_->nodes_[index_];
  return {outline_->text_.data() + node.begin, node.end - node.begin};
}

inline ValueKind Value::kind() const {
  return outline_ ? outline_->nodes_[index_].kind : ValueKind::kMissing;
}

inline JsonText Value::text() const {
  if (!is_string()) return {};
  const std::string_view token = raw();
  return {{token.data() + 1, token.size() - 2}};
}

inline std::string_view Value::name() const {
  return named_ ? outline_->name_of(outline_->nodes_[index_ - 1]) : std::string_view();
}

inline bool Value::is_named(Name name) const {
  return named_ && outline_->is_named(outline_->nodes_[index_ - 1], name);
}

inline Value::Range Value::children() const {
  const ValueKind own = kind();
  if (own != ValueKind::kArray && own != ValueKind::kObject) return {};
  const bool named = own == ValueKind::kObject;
  const std::uint32_t behind = outline_->nodes_[index_].next;
  return {Iterator(*outline_, index_ + 1, named), Iterator(*outline_, behind, named)};
}

inline Value Value::Iterator::operator*() const {
  return {*outline_, at_ + (named_ ? 1U : 0U), named_};
}

inline Value::Iterator& Value::Iterator::operator++() {
  at_ = outline_->nodes_[at_ + (named_ ? 1U : 0U)].next;
  return *this;
}

}  // namespace ccproxy::json
