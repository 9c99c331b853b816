// The head of an HTTP message: start line and fields, as they were received. Names of fields are
// compared without case. It refuses to know what a field means.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace ccproxy::http {

struct Field {
  std::string_view name, value;
};

// A head that was received. It owns the bytes to which its views refer, and moving it keeps them
// valid.
struct Head {
  std::unique_ptr<char[]> bytes;
  std::vector<Field> fields;
  int version = 11;  // 10 or 11

  // The value of the first field with that name; nothing when there is none.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
  // The same, but "" when there is none.
  [[nodiscard]] std::string_view get(std::string_view name) const;
  // True when the comma-separated list in any field `name`, such as Connection, contains `item`.
  [[nodiscard]] bool lists(std::string_view name, std::string_view item) const;
};

struct RequestHead : Head {
  std::string_view method;
  std::string_view target;             // path and query as they were sent
  std::string_view scheme, authority;  // of a target in absolute form (RFC 9112, 3.2.2), else empty

  [[nodiscard]] std::string_view path() const { return target.substr(0, target.find('?')); }
  // With its question mark; "" without one.
  [[nodiscard]] std::string_view query() const {
    const auto mark = target.find('?');
    return mark == std::string_view::npos ? std::string_view{} : target.substr(mark);
  }
};

// Copies the head with all of its bytes.
[[nodiscard]] RequestHead copy_of(const RequestHead& head);

struct ResponseHead : Head {
  int status = 0;
  std::string_view reason;
};

// How the end of a body is found (RFC 9112, 6.3).
enum class BodyKind { kNone, kLength, kChunked, kUntilClose };

// Appends "name: value\r\n". `name` and `value` must not have line ends; those of a received head
// have none.
void append_field(std::string& out, std::string_view name, std::string_view value);

// Appends the line before a chunk of `size` bytes (RFC 9112, 7.1).
void append_chunk_line(std::string& out, std::size_t size);

// The time in the format of the Date field (RFC 9110, 5.6.7): "Sun, 06 Nov 1994 08:49:37 GMT".
[[nodiscard]] std::string http_date(WallClock::time_point when);

// The reason phrase for a status code; "Status" for an unknown one.
[[nodiscard]] std::string_view reason_phrase(int status);

}  // namespace ccproxy::http
