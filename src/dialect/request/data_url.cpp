#include "dialect/request/data_url.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "base/text.hpp"

namespace ccproxy::dialect {
namespace {

constexpr std::uint8_t kInvalid = 255;  // not a character of Base64
constexpr std::uint8_t kStandard = 0;
constexpr std::uint8_t kBlank = 1;
constexpr std::uint8_t kUrlSafe = 2;
constexpr std::uint8_t kPadding = 3;

constexpr std::array<std::uint8_t, 256> kinds_of_characters() {
  std::array<std::uint8_t, 256> kinds{};
  for (auto& kind : kinds) kind = kInvalid;
  for (int c = 'a'; c <= 'z'; ++c) kinds[static_cast<std::size_t>(c)] = kStandard;
  for (int c = 'A'; c <= 'Z'; ++c) kinds[static_cast<std::size_t>(c)] = kStandard;
  for (int c = '0'; c <= '9'; ++c) kinds[static_cast<std::size_t>(c)] = kStandard;
  kinds['+'] = kinds['/'] = kStandard;
  kinds[' '] = kinds['\t'] = kinds['\n'] = kinds['\r'] = kinds['\f'] = kinds['\v'] = kBlank;
  kinds['-'] = kinds['_'] = kUrlSafe;
  kinds['='] = kPadding;
  return kinds;
}

constexpr auto kKinds = kinds_of_characters();

std::uint8_t kind_of(char c) { return kKinds[static_cast<unsigned char>(c)]; }

// The length of the front in the standard alphabet, which is nearly always all of the text. Eight
// characters are tested in a step.
std::size_t standard_prefix(std::string_view text) {
  std::size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    unsigned all = 0;
    for (std::size_t i = 0; i < 8; ++i) all |= kind_of(text[at + i]);
    if (all != kStandard) break;
  }
  while (at < text.size() && kind_of(text[at]) == kStandard) ++at;
  return at;
}

}  // namespace

InlineData typed_data(std::string_view type) {
  InlineData data{.media_type = take_item(type, ';'), .is_base64 = false};
  while (!type.empty()) {
    std::string_view parameter = take_item(type, ';');
    const std::string_view name = take_item(parameter, '=');
    if (same_text(name, "base64")) data.is_base64 = true;
    if (!same_text(name, "charset")) continue;
    if (parameter.size() >= 2 && parameter.starts_with('"'))
      parameter = parameter.substr(1, parameter.size() - 2);
    data.charset = trim(parameter);
  }
  return data;
}

std::optional<InlineData> inline_data(std::string_view text) {
  constexpr std::string_view kScheme = "data:";
  if (!starts_with_text(text, kScheme)) {
    if (text.substr(0, 64).find("://") != std::string_view::npos) return std::nullopt;
    return InlineData{.body = text};
  }
  text.remove_prefix(kScheme.size());
  const auto comma = text.find(',');
  if (comma == std::string_view::npos) return std::nullopt;
  InlineData data = typed_data(text.substr(0, comma));
  data.body = text.substr(comma + 1);
  return data;
}

std::optional<std::string_view> clean_base64(std::string_view text, RequestArena& arena) {
  const std::size_t prefix = standard_prefix(text);
  const std::string_view rest = text.substr(prefix);
  const bool is_clean = rest.size() <= 2 && text.size() % 4 == 0 &&
                        std::all_of(rest.begin(), rest.end(), [](char c) { return c == '='; });
  if (is_clean) return text;
  std::string clean(text.substr(0, prefix));
  clean.reserve(text.size() + 3);
  bool is_padded = false;
  for (const char c : rest) {
    switch (kind_of(c)) {
      case kBlank: continue;
      case kPadding: is_padded = true; continue;
      case kInvalid: return std::nullopt;
      default: break;
    }
    if (is_padded) return std::nullopt;
    clean += c == '-' ? '+' : c == '_' ? '/' : c;
  }
  if (clean.size() % 4 == 1 || (clean.empty() && is_padded)) return std::nullopt;
  clean.append((4 - clean.size() % 4) % 4, '=');
  return arena.store(std::move(clean));
}

}  // namespace ccproxy::dialect
