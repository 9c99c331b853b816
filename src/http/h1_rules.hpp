// The strict rules against request smuggling that the parser does not have: where a head ends, and
// how its body is framed (RFC 9112, sections 2 to 7). Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/error.hpp"
#include "http/head.hpp"

namespace ccproxy::http {

inline constexpr std::size_t kMaxFields = 100;

// Finds the end of a head in bytes that arrive in pieces, and looks at each byte once. Every line
// must end in CRLF; a line that starts with a space or tab (a folded field) is refused.
class HeadScan {
 public:
  explicit HeadScan(std::size_t limit) : limit_(limit) {}

  // Returns the size of the whole head, with its empty line; nothing while its end has not arrived.
  // `bytes` must begin where the head begins and have the bytes of earlier calls. Fails with
  // kInvalidRequest or kHeadTooLarge.
  [[nodiscard]] Result<std::optional<std::size_t>> find_end(std::string_view bytes);

 private:
  std::size_t limit_;
  std::size_t line_ = 0;     // where the current line starts
  std::size_t scanned_ = 0;  // how many bytes were looked at
};

struct Framing {
  BodyKind kind = BodyKind::kNone;
  std::uint64_t length = 0;  // for kLength
};

// Splits a target in absolute form: the head gets its scheme and authority, and the rest becomes
// the target. Any other target stays as it is, for check_request().
void split_absolute_target(RequestHead& head);

// The path of the request with which `bytes` begin, which may be malformed or incomplete; "" where
// it has none. For the reply to a request that could not be read.
[[nodiscard]] std::string_view path_in(std::string_view bytes);

// Checks method, target, Host and framing of a request, and returns the framing of its body. Fails
// with kInvalidRequest.
[[nodiscard]] Result<Framing> check_request(const RequestHead& head);

// The same for a response. `is_head_request` says that the request's method was HEAD. Fails with
// kUpstreamBroke.
[[nodiscard]] Result<Framing> check_response(const ResponseHead& head, bool is_head_request);

// True when the connection may carry another message after this one (RFC 9112, 9.3).
[[nodiscard]] bool keeps_alive(const Head& head);

}  // namespace ccproxy::http
