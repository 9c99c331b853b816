#include "json/outline.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <span>
#include <utility>

#include "json/byte_order_mark.hpp"
#include "json/escape_check.hpp"

namespace ccproxy::json {
namespace {

// A body with more nodes is refused: reading it would cost many times its size.
constexpr std::size_t kMaxNodes = std::size_t{4} << 20;
constexpr std::uint32_t kNextMask = (std::uint32_t{1} << 29) - 1;  // larger than kMaxNodes

// The tokens take four bytes for each byte of the largest text so far. Above this capacity the
// memory is freed after each text.
constexpr std::size_t kMaxIdleCapacity = std::size_t{1} << 20;

bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::size_t skip_digits(std::string_view token, std::size_t at) {
  while (at < token.size() && is_digit(token[at])) ++at;
  return at;
}

// RFC 8259, section 6.
bool is_number(std::string_view token) {
  std::size_t at = token.starts_with('-') ? 1 : 0;
  std::size_t end = skip_digits(token, at);
  if (end == at || (token[at] == '0' && end > at + 1)) return false;
  if (end == token.size()) return true;
  if (token[end] == '.') {
    at = end + 1;
    end = skip_digits(token, at);
    if (end == at) return false;
  }
  if (end < token.size() && (token[end] == 'e' || token[end] == 'E')) {
    at = end + 1;
    if (at < token.size() && (token[at] == '+' || token[at] == '-')) ++at;
    end = skip_digits(token, at);
    if (end == at) return false;
  }
  return end == token.size();
}

// Finds the error in a string that simdjson has reported without its place.
std::size_t place_of_error(std::string_view text) {
  bool in_string = false;
  std::size_t opened = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '"') {
      in_string = !in_string;
      opened = at;
    } else if (in_string && text[at] == '\\') {
      ++at;
    } else if (in_string && static_cast<unsigned char>(text[at]) < ' ') {
      return at;
    }
  }
  return in_string ? opened : text.size();
}

tl::unexpected<Error> not_json(std::string_view what, std::size_t at) {
  return fail(ErrorKind::kInvalidRequest,
              fmt::format("the body is not valid JSON: {} at byte {}", what, at));
}

tl::unexpected<Error> not_tokens(simdjson::error_code code, std::string_view text) {
  switch (code) {
    case simdjson::UTF8_ERROR:
      return fail(ErrorKind::kInvalidRequest, "the body is not valid JSON: it is not UTF-8");
    case simdjson::UNCLOSED_STRING:
      return not_json("a string without an end begins", place_of_error(text));
    case simdjson::UNESCAPED_CHARS:
      return not_json("a string has a control character that is not escaped", place_of_error(text));
    default: return not_json("there is no value", 0);
  }
}

enum class ByteClass : std::uint8_t { kOther, kScalar, kBlank, kMark, kQuote, kBackslash };

constexpr std::array<ByteClass, 256> kClasses = [] {
  std::array<ByteClass, 256> classes{};
  for (std::size_t c = 0x20; c < 0x7f; ++c) classes[c] = ByteClass::kScalar;
  for (const char c : std::string_view(" \t\n\r"))
    classes[static_cast<unsigned char>(c)] = ByteClass::kBlank;
  for (const char c : std::string_view("{}[],:"))
    classes[static_cast<unsigned char>(c)] = ByteClass::kMark;
  classes['"'] = ByteClass::kQuote;
  classes['\\'] = ByteClass::kBackslash;
  return classes;
}();

// Finds the tokens of a short text, such as the arguments of a call, byte by byte.
class SmallTokens {
 public:
  // Returns nothing for a text that is longer or not ASCII, or has an error: simdjson reads it
  // then.
  std::span<const std::uint32_t> find(std::string_view text) {
    if (text.size() > kMax) return {};
    count_ = 0;
    bool in_scalar = false;
    for (std::size_t at = 0; at < text.size(); ++at) {
      const ByteClass kind = class_of(text[at]);
      const bool is_scalar = kind == ByteClass::kScalar;
      switch (kind) {
        case ByteClass::kOther:
        case ByteClass::kBackslash: return {};
        case ByteClass::kBlank: break;
        case ByteClass::kScalar:
          if (!in_scalar) add(at);
          break;
        case ByteClass::kMark: add(at); break;
        case ByteClass::kQuote:
          if (in_scalar) return {};
          add(at);
          at = end_of_string(text, at + 1);
          if (at == text.size()) return {};
          break;
      }
      in_scalar = is_scalar;
    }
    places_[count_] = static_cast<std::uint32_t>(text.size());
    return std::span(places_).first(count_);
  }

 private:
  static constexpr std::size_t kMax = 128;

  static ByteClass class_of(char c) { return kClasses[static_cast<unsigned char>(c)]; }

  void add(std::size_t at) { places_[count_++] = static_cast<std::uint32_t>(at); }

  // Returns the place of the quote that ends the string, or the size of the text when there is none
  // or the string has an invalid byte.
  static std::size_t end_of_string(std::string_view text, std::size_t at) {
    for (; at < text.size(); ++at) {
      if (text[at] == '"') return at;
      if (text[at] == '\\') ++at;
      // White space other than a space is a control character.
      if (at >= text.size() || class_of(text[at]) == ByteClass::kOther ||
          static_cast<unsigned char>(text[at]) < ' ')
        return text.size();
    }
    return text.size();
  }

  std::array<std::uint32_t, kMax + 1>
      places_;  // NOLINT(*-member-init): only what is written is read
  std::size_t count_ = 0;
};

}  // namespace

// Finds where each token begins, and checks that the text is UTF-8. simdjson's first stage does
// both, but for short texts SmallTokens is faster.
struct Outline::Tokens {
  std::unique_ptr<simdjson::internal::dom_parser_implementation> stage;
  std::size_t capacity = 0;
  SmallTokens small;
  std::span<const std::uint32_t> found;  // one more element behind it is the size of the text

  simdjson::error_code find(std::string_view text) {
    found = small.find(text);
    if (!found.empty()) return simdjson::SUCCESS;
    const auto error = find_in_large(text);
    if (error != simdjson::SUCCESS) return error;
    found = {stage->structural_indexes.get(), stage->n_structural_indexes};
    stage->structural_indexes[found.size()] = static_cast<std::uint32_t>(text.size());
    return error;
  }

  simdjson::error_code find_in_large(std::string_view text) {
    if (text.empty()) return simdjson::EMPTY;
    if (!stage || capacity < text.size()) {
      stage.reset();
      capacity = std::max(text.size(), std::size_t{4096});
      if (const auto error =
              simdjson::get_active_implementation()->create_dom_parser_implementation(capacity, 1,
                                                                                      stage))
        return error;
    }
    return stage->stage1(reinterpret_cast<const std::uint8_t*>(text.data()), text.size(),
                         simdjson::stage1_mode::regular);
  }

  void release_large() {
    if (capacity <= kMaxIdleCapacity) return;
    stage.reset();
    capacity = 0;
  }
};

// Checks the grammar of the tokens and adds the nodes.
class Walk {
 public:
  Walk(Outline& outline, std::span<const std::uint32_t> tokens)
      : outline_(outline),
        text_(outline.text_),
        next_(tokens.data()),
        end_(tokens.data() + tokens.size()),
        listed_(outline.listed_) {}

  Result<void> run() {
    const bool is_whole = values() && (next_ == end_ || wrong("something follows the value"));
    if (is_whole) {
      const Escapes escapes = checked_escapes(text_);
      if (escapes.have_surrogate) outline_.replace_surrogates();
      if (escapes.bad == std::string_view::npos) return {};
      return not_json("a string has an escape that JSON does not know", escapes.bad);
    }
    if (is_too_large_)
      return ccproxy::fail(ErrorKind::kTooLarge, "the body has more than 4 million values");
    if (is_too_deep_)
      return ccproxy::fail(ErrorKind::kInvalidRequest,
                           fmt::format("the body nests deeper than {} levels, at byte {}",
                                       outline_.max_depth_, error_at_));
    return not_json(what_, error_at_);
  }

 private:
  [[nodiscard]] std::size_t place() const { return *next_; }
  [[nodiscard]] char token() const { return next_ == end_ ? '\0' : text_[*next_]; }

  bool wrong(std::string_view what) {
    what_ = what;
    error_at_ = place();
    return false;
  }

  // Steps over the token and returns where it ends, without the white space behind it.
  std::size_t step() {
    ++next_;
    std::size_t end = place();
    while (is_blank(text_[end - 1])) --end;
    return end;
  }

  static constexpr char kNothing = ' ';  // no token begins with it

  // Reads the value and everything in it.
  bool values() {
    while (true) {
      if (closing_ == '}' && !key()) return false;
      const char first = token();
      const bool opens = first == '{' || first == '[';
      if (opens ? !open(first) : !scalar(first)) return false;
      char behind = token();
      if (opens && behind != closing_) continue;
      for (; behind == closing_; behind = token()) close();
      if (depth_ == 0) return true;
      if (behind != ',')
        return wrong(closing_ == '}' ? "',' or '}' is missing" : "',' or ']' is missing");
      ++next_;
    }
  }

  [[nodiscard]] bool is_listed() const { return depth_ <= listed_; }

  bool list(ValueKind kind, std::size_t begin, std::size_t end) {
    auto& nodes = outline_.nodes_;
    const std::size_t count = nodes.size();
    is_too_large_ = count >= kMaxNodes;
    if (is_too_large_) return false;
    Outline::Node node{static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end), 0, kind};
    node.next = static_cast<std::uint32_t>(count + 1) & kNextMask;
    nodes.push_back(node);
    return true;
  }

  bool scalar(char first) {
    if (next_ == end_) return wrong("a value is missing");
    const std::size_t begin = place();
    const std::size_t end = step();
    const ValueKind kind =
        first == '"' ? ValueKind::kString : scalar_kind({text_.data() + begin, end - begin});
    if (kind != ValueKind::kMissing) return !is_listed() || list(kind, begin, end);
    --next_;
    return wrong("there is no value");
  }

  static ValueKind scalar_kind(std::string_view token) {
    switch (token.front()) {
      case 'n': return token == "null" ? ValueKind::kNull : ValueKind::kMissing;
      case 't': return token == "true" ? ValueKind::kBool : ValueKind::kMissing;
      case 'f': return token == "false" ? ValueKind::kBool : ValueKind::kMissing;
      default: return is_number(token) ? ValueKind::kNumber : ValueKind::kMissing;
    }
  }

  bool open(char opening) {
    if (depth_ >= outline_.max_depth_) {
      is_too_deep_ = true;
      return wrong("");
    }
    open_[depth_] = {static_cast<std::uint32_t>(outline_.nodes_.size()), closing_};
    const bool is_object = opening == '{';
    if (is_listed() && !list(is_object ? ValueKind::kObject : ValueKind::kArray, place(), place()))
      return false;
    closing_ = is_object ? '}' : ']';
    ++depth_;
    ++next_;
    return true;
  }

  void close() {
    --depth_;
    if (is_listed()) {
      Outline::Node& own = outline_.nodes_[open_[depth_].node];
      own.end = static_cast<std::uint32_t>(place() + 1);
      own.next = static_cast<std::uint32_t>(outline_.nodes_.size()) & kNextMask;
    }
    closing_ = open_[depth_].closing;
    ++next_;
  }

  bool key() {
    const std::size_t begin = place();
    if (token() != '"') return wrong("the name of a member is missing");
    const std::size_t end = step();
    if (token() != ':') return wrong("':' is missing");
    ++next_;
    if (!is_listed()) return true;
    if (!list(ValueKind::kMissing, begin + 1, end - 1)) return false;
    Outline::Node& node = outline_.nodes_.back();
    if (has_escape(node)) decode(node);
    node.next = Name::code_of(outline_.name_of(node)) & kNextMask;
    return true;
  }

  // Names come in the order of the text, so that the text is searched once for backslashes.
  bool has_escape(const Outline::Node& name) {
    if (backslash_ < name.begin) backslash_ = text_.find('\\', name.begin);
    return backslash_ < name.end;
  }

  void decode(Outline::Node& name) {
    std::string& names = outline_.names_;
    const JsonText text{text_.substr(name.begin, name.end - name.begin)};
    name.begin = static_cast<std::uint32_t>(names.size());
    append_decoded(names, text);
    name.end = static_cast<std::uint32_t>(names.size());
    name.kind = ValueKind::kString;
  }

  Outline& outline_;
  std::string_view text_;
  const std::uint32_t* next_;
  const std::uint32_t* end_;
  const unsigned listed_;
  unsigned depth_ = 0;
  char closing_ = kNothing;    // closes the array or object around the current value
  std::size_t backslash_ = 0;  // the first backslash behind the names so far; out of date if before
  std::string_view what_;      // what is wrong
  std::size_t error_at_ = 0;
  bool is_too_large_ = false;
  bool is_too_deep_ = false;

  // An open array or object: its node, and the token that closes the one around it.
  struct Open {
    std::uint32_t node;
    char closing;
  };
  // NOLINTNEXTLINE(*-member-init): only what is written is read
  std::array<Open, Outline::kMaxComposedDepth> open_;
};

Outline::Outline() : tokens_(std::make_unique<Tokens>()) {}
Outline::Outline(Outline&&) noexcept = default;
Outline& Outline::operator=(Outline&&) noexcept = default;
Outline::~Outline() = default;

Result<void> Outline::read(std::string_view text, unsigned listed, unsigned max_depth) {
  clear();
  text = without_byte_order_mark(text);
  if (const auto error = tokens_->find(text)) return not_tokens(error, text);
  text_ = text;
  listed_ = listed;
  max_depth_ = std::min(max_depth, kMaxComposedDepth);
  const std::span<const std::uint32_t> tokens = tokens_->found;
  // Each value except the last has at least two tokens.
  nodes_.reserve(std::min(tokens.size() / 2 + 1, kMaxNodes));
  auto walked = Walk(*this, tokens).run();
  tokens_->release_large();
  if (!walked)
    clear();
  else
    sort_members();
  return walked;
}

// A decoder looks up fifty names in a request, which may have millions of members. The members are
// sorted, since an attacker can compute names with the same value for any known hash.
void Outline::sort_members() {
  constexpr std::size_t kMany = 64;
  std::size_t count = 0;
  if (!root().is_object()) return;
  const std::uint32_t behind = nodes_[0].next;
  for (std::uint32_t at = 1; at < behind; at = nodes_[at + 1].next) ++count;
  if (count <= kMany) return;
  by_code_.reserve(count);
  for (std::uint32_t at = 1; at < behind; at = nodes_[at + 1].next)
    by_code_.push_back(std::uint64_t{nodes_[at].next} << 32U | at);
  std::sort(by_code_.begin(), by_code_.end());
}

// Goes backwards, since the last of several members with one name counts.
Value Outline::sorted_member(Name name) const {
  const std::uint64_t behind = (std::uint64_t{name.code()} + 1) << 32U;
  auto at = std::lower_bound(by_code_.begin(), by_code_.end(), behind);
  while (at != by_code_.begin() && *--at >> 32U == name.code()) {
    const Value found(*this, static_cast<std::uint32_t>(*at) + 1, true);
    if (found.is_named(name)) return found;
  }
  return {};
}

// The replacements have the same size, so that all nodes stay valid.
void Outline::replace_surrogates() {
  if (find_lone_surrogate(text_) == std::string_view::npos) return;
  repaired_ = std::make_unique<std::string>(text_);
  replace_lone_surrogates(*repaired_);
  text_ = *repaired_;
}

void Outline::clear() {
  text_ = {};
  repaired_.reset();
  names_.clear();
  nodes_.clear();
  by_code_ = {};
  if (nodes_.capacity() * sizeof(Node) > kMaxIdleCapacity) nodes_.shrink_to_fit();
}

std::string Value::decoded() const {
  std::string out;
  append_decoded(out, text());
  return out;
}

std::optional<bool> Value::boolean() const {
  if (kind() != ValueKind::kBool) return std::nullopt;
  return raw() == "true";
}

std::optional<double> Value::number() const {
  if (kind() != ValueKind::kNumber) return std::nullopt;
  const std::string_view token = raw();
  double number = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), number);
  if (error != std::errc{}) return std::nullopt;
  return number;
}

std::optional<std::int64_t> Value::integer() const {
  constexpr double kExact = 9007199254740992.0;  // beyond 2^53 a double skips integers
  const std::string_view token = raw();
  std::int64_t integer = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), integer);
  if (error == std::errc{} && end == token.data() + token.size()) return integer;
  const auto real = number();
  if (!real || std::trunc(*real) != *real || std::abs(*real) > kExact) return std::nullopt;
  return static_cast<std::int64_t>(*real);
}

Value Value::operator[](Name name) const {
  if (!is_object()) return {};
  if (index_ == 0 && !outline_->by_code_.empty()) return outline_->sorted_member(name);
  // This is the inner loop of every decoder: it works as children() does, with fewer checks.
  const Outline::Node* const nodes = outline_->nodes_.data();
  const std::uint32_t behind = nodes[index_].next;
  std::uint32_t last = 0;
  for (std::uint32_t at = index_ + 1; at < behind; at = nodes[at + 1].next)
    if (nodes[at].next == name.code()) last = at + 1;
  if (last == 0) return {};
  const Value found(*outline_, last, true);
  return found.is_named(name) ? found : member_among_alike(name);
}

// For the case that another name has the same code.
Value Value::member_among_alike(Name name) const {
  Value last;
  for (const Value member : children())
    if (member.is_named(name)) last = member;
  return last;
}

}  // namespace ccproxy::json
