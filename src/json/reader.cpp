#include "json/reader.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <charconv>

#include "json/byte_order_mark.hpp"
#include "json/text.hpp"

namespace ccproxy::json {
namespace {

namespace ondemand = simdjson::ondemand;

// A parser keeps the memory for its largest text, four bytes for each byte. Above this capacity the
// memory is freed, so that a large body does not enlarge the process for good.
constexpr std::size_t kMaxIdleCapacity = std::size_t{1} << 20;

tl::unexpected<Error> not_json(simdjson::error_code code) {
  return fail(ErrorKind::kInvalidRequest, fmt::format("the body is not a valid JSON object ({})",
                                                      simdjson::error_message(code)));
}

std::string_view trim_end(std::string_view token) {
  const auto last = token.find_last_not_of(" \t\r\n");
  return token.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

// Returns the text of a value. On-Demand skips it without validating its content.
simdjson::error_code raw_value(ondemand::value value, std::string_view& raw) {
  ondemand::json_type type{};
  if (auto error = value.type().get(type)) return error;
  if (type == ondemand::json_type::object) {
    ondemand::object object;
    if (auto error = value.get_object().get(object)) return error;
    if (auto error = object.raw_json().get(raw)) return error;
  } else if (type == ondemand::json_type::array) {
    ondemand::array array;
    if (auto error = value.get_array().get(array)) return error;
    if (auto error = array.raw_json().get(raw)) return error;
  } else {
    raw = value.raw_json_token();
  }
  raw = trim_end(raw);
  return simdjson::SUCCESS;
}

}  // namespace

struct Reader::State {
  ondemand::parser parser;
  std::string copy;
};

Reader::Reader() : state_(std::make_unique<State>()) {}
Reader::~Reader() = default;
Reader::Reader(Reader&&) noexcept = default;
Reader& Reader::operator=(Reader&&) noexcept = default;

Result<void> Reader::members(std::string_view text, FunctionRef<void(const Member&)> visit) {
  text = without_byte_order_mark(text);
  if (text.empty()) return not_json(simdjson::EMPTY);
  auto& parser = state_->parser;
  if (parser.capacity() > kMaxIdleCapacity && text.size() < kMaxIdleCapacity)
    parser = ondemand::parser();

  ondemand::document document;
  const simdjson::padded_string_view padded(text.data(), text.size(), text.size() + kPadding);
  if (auto error = parser.iterate(padded).get(document)) return not_json(error);
  ondemand::object object;
  if (auto error = document.get_object().get(object)) return not_json(error);
  // This calls unescaped_key() of the result, since that of the field has no default argument in
  // simdjson 3.6.
  for (auto entry : object) {
    Member member;
    if (auto error = entry.unescaped_key().get(member.key)) return not_json(error);
    if (auto error = raw_value(entry.value().value_unsafe(), member.value)) return not_json(error);
    visit(member);
  }
  if (document.current_location().error() != simdjson::OUT_OF_BOUNDS)
    return not_json(simdjson::TAPE_ERROR);  // something follows the object
  return {};
}

Result<void> Reader::elements(std::string_view text,
                              FunctionRef<void(std::string_view value)> visit) {
  if (text.empty()) return not_json(simdjson::EMPTY);
  ondemand::document document;
  const simdjson::padded_string_view padded(text.data(), text.size(), text.size() + kPadding);
  if (auto error = state_->parser.iterate(padded).get(document)) return not_json(error);
  ondemand::array array;
  if (auto error = document.get_array().get(array)) return not_json(error);
  for (auto entry : array) {
    std::string_view raw;
    if (auto error = entry.error()) return not_json(error);
    if (auto error = raw_value(entry.value_unsafe(), raw)) return not_json(error);
    visit(raw);
  }
  return {};
}

Result<void> Reader::members_of_copy(std::string_view text,
                                     FunctionRef<void(const Member&)> visit) {
  auto& copy = state_->copy;
  copy.assign(text);
  copy.append(kPadding, ' ');
  return members(std::string_view(copy).substr(0, text.size()), visit);
}

std::optional<std::string> string_of(std::string_view token) {
  const auto text = text_of(token);
  if (!text || find_lone_surrogate(text->escaped) != std::string_view::npos) return std::nullopt;
  std::string plain;
  append_decoded(plain, *text);
  return plain;
}

std::optional<std::int64_t> count_of(std::string_view token) {
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), count);
  if (error != std::errc{} || end != token.data() + token.size() || count < 0) return std::nullopt;
  return count;
}

}  // namespace ccproxy::json
