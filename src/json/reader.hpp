// Walks JSON text without building a tree: members come out as spans of the text itself, so that
// they can be copied or replaced byte for byte. simdjson On-Demand, in our words. It does not
// validate what it passes over: a span that matters goes through json/validate or is read itself.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/function_ref.hpp"

namespace ccproxy::json {

// How many bytes behind a text must be readable (their content does not matter).
inline constexpr std::size_t kPadding = 64;

// A value where it stands in the text: no blanks around it, still quoted and escaped.
struct Member {
  std::string_view key;    // unescaped; lives until the visitor returns
  std::string_view value;  // a part of the text that was given
};

class Reader {
 public:
  Reader();
  ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  Reader(Reader&&) noexcept;
  Reader& operator=(Reader&&) noexcept;

  // Calls `visit` for each member of the object that `text` is, in order, repeated keys as often
  // as they stand there. `text` must have kPadding readable bytes behind it. Fails with
  // kInvalidRequest when it is not JSON or not an object; members before the fault were visited.
  // `visit` must not call this reader again; another Reader may.
  [[nodiscard]] Result<void> members(std::string_view text, FunctionRef<void(const Member&)> visit);

  // The same for the elements of an array.
  [[nodiscard]] Result<void> elements(std::string_view text,
                                      FunctionRef<void(std::string_view value)> visit);

  // As members(), for a text without padding behind it: it is copied first, so the spans that
  // `visit` sees live only until it returns. For small texts.
  [[nodiscard]] Result<void> members_of_copy(std::string_view text,
                                             FunctionRef<void(const Member&)> visit);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The text of a JSON string token that the reader has walked over, unescaped; nothing when `token`
// is not a valid string (a lone surrogate included).
[[nodiscard]] std::optional<std::string> string_of(std::string_view token);

// A JSON integer from 0 to 2^63-1; nothing for all else.
[[nodiscard]] std::optional<std::int64_t> count_of(std::string_view token);

}  // namespace ccproxy::json
