// Walks JSON text without building a tree: members are views of the text, so that they can be
// copied or replaced byte for byte. It wraps simdjson On-Demand, which does not validate the values
// that it skips: a caller that needs a valid value must read it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/function_ref.hpp"

namespace ccproxy::json {

// How many bytes behind a text must be readable. Their content does not matter.
inline constexpr std::size_t kPadding = 64;

// A member of an object. Its value is still quoted and escaped, without white space around it.
struct Member {
  std::string_view key;    // unescaped; valid until the visitor returns
  std::string_view value;  // a view of the text
};

class Reader {
 public:
  Reader();
  ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  Reader(Reader&&) noexcept;
  Reader& operator=(Reader&&) noexcept;

  // Calls `visit` for each member of the object `text` in order, including repeated keys. `text`
  // must have kPadding readable bytes behind it. Fails with kInvalidRequest when it is not a JSON
  // object; members before the error were visited. `visit` must not use this reader, but it may use
  // another one.
  [[nodiscard]] Result<void> members(std::string_view text, FunctionRef<void(const Member&)> visit);

  // The same for the elements of an array.
  [[nodiscard]] Result<void> elements(std::string_view text,
                                      FunctionRef<void(std::string_view value)> visit);

  // The same as members() for a text without padding: it is copied first, so that the views are
  // valid only until `visit` returns. For small texts.
  [[nodiscard]] Result<void> members_of_copy(std::string_view text,
                                             FunctionRef<void(const Member&)> visit);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Decodes a string token that a Reader has returned; nothing when it is not a valid string or has a
// lone surrogate.
[[nodiscard]] std::optional<std::string> string_of(std::string_view token);

// Reads a JSON integer from 0 to 2^63-1; nothing for any other token.
[[nodiscard]] std::optional<std::int64_t> count_of(std::string_view token);

}  // namespace ccproxy::json
