// The name of a member for look-ups, with a short code: one comparison of codes excludes nearly all
// other names. The compiler computes the code of a literal.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ccproxy::json {

class Name {
 public:
  // NOLINTBEGIN(google-explicit-constructor): names are passed as texts
  template <std::size_t kSize>
  consteval Name(const char (&literal)[kSize])  // NOLINT(*-avoid-c-arrays): the type of a literal
      : Name(std::string_view(literal, kSize - 1)) {}
  constexpr Name(std::string_view text)
      : data_(text.data()), size_(static_cast<std::uint32_t>(text.size())), code_(code_of(text)) {}
  constexpr Name(const std::convertible_to<std::string_view> auto& text)
      : Name(std::string_view(text)) {}
  // NOLINTEND(google-explicit-constructor)

  [[nodiscard]] constexpr std::string_view text() const { return {data_, size_}; }
  [[nodiscard]] constexpr std::uint32_t code() const { return code_; }

  // A code of 29 bits: the length of the text modulo 32, and three of its bytes.
  static constexpr std::uint32_t code_of(std::string_view text) {
    if (text.empty()) return 0;
    const auto byte = [&](std::size_t at) {
      return std::uint32_t{static_cast<unsigned char>(text[at])};
    };
    const auto length = static_cast<std::uint32_t>(text.size() % 32);
    return length << 24U | byte(text.size() - 1) << 16U | byte(text.size() / 2) << 8U | byte(0);
  }

 private:
  const char* data_;
  std::uint32_t size_;
  std::uint32_t code_;
};

}  // namespace ccproxy::json
