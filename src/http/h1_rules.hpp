// What HTTP/1.1 leaves open and smuggled requests live on, decided strictly, on top of the parser:
// where a head ends, and how its body is framed (RFC 9112, sections 2 to 7). Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/error.hpp"
#include "http/head.hpp"

namespace ccproxy::http {

inline constexpr std::size_t kMaxFields = 100;

// Finds the end of a head in bytes that arrive in pieces, looking at each byte once. Lines end in
// CRLF and nothing else; a line that starts with a blank (a fold) is refused.
class HeadScan {
 public:
  explicit HeadScan(std::size_t limit) : limit_(limit) {}

  // `bytes` begins where the head begins and grows from call to call. The size of the whole head,
  // its empty line included, or nothing while more must come. Fails with kInvalidRequest or
  // kHeadTooLarge.
  [[nodiscard]] Result<std::optional<std::size_t>> look(std::string_view bytes);

 private:
  std::size_t limit_;
  std::size_t line_ = 0;  // where the current line starts
  std::size_t seen_ = 0;
};

struct Framing {
  BodyKind kind = BodyKind::kNone;
  std::uint64_t length = 0;  // for kLength
};

// Parts a target in absolute form: the head keeps its scheme and authority, and the path behind
// them becomes the target. Any other target stays as it is, for judge_request().
void part_absolute_target(RequestHead& head);

// The path of the request that `bytes` begin with, which may be malformed or not complete: "" where
// it cannot be told. For whoever must answer it all the same.
[[nodiscard]] std::string_view path_in(std::string_view bytes);

// Judges method, target, Host and framing of a request. Fails with kInvalidRequest.
[[nodiscard]] Result<Framing> judge_request(const RequestHead& head);

// The same for an answer; `to_head` says that the request was a HEAD. Fails with kUpstreamBroke.
[[nodiscard]] Result<Framing> judge_response(const ResponseHead& head, bool to_head);

// True when the connection may carry another message after this one (RFC 9112, 9.3).
[[nodiscard]] bool keeps_alive(const Head& head);

}  // namespace ccproxy::http
