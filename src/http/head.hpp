// The head of an HTTP message: start line and fields, as they came. Names compare without case.
// It refuses to know what a field means.
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

// A head that was read. It owns its bytes; the views point into them and move with it.
struct Head {
  std::unique_ptr<char[]> bytes;
  std::vector<Field> fields;
  int version = 11;  // 10 or 11

  // The first field of that name; nothing when there is none.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
  // Its value, or "".
  [[nodiscard]] std::string_view get(std::string_view name) const;
  // True when any field `name` lists `item` between commas (Connection, Transfer-Encoding).
  [[nodiscard]] bool lists(std::string_view name, std::string_view item) const;
};

struct RequestHead : Head {
  std::string_view method;
  std::string_view target;  // path and query as they were sent
  // Of a target in absolute form (RFC 9112, 3.2.2), what stood before the path; else empty.
  std::string_view scheme, authority;

  [[nodiscard]] std::string_view path() const { return target.substr(0, target.find('?')); }
  // With its question mark, or "".
  [[nodiscard]] std::string_view query() const {
    const auto mark = target.find('?');
    return mark == std::string_view::npos ? std::string_view{} : target.substr(mark);
  }
};

// A head of its own, for whoever outlives the request that it came with.
[[nodiscard]] RequestHead copy_of(const RequestHead& head);

struct ResponseHead : Head {
  int status = 0;
  std::string_view reason;
};

// How the end of a body is known (RFC 9112, 6.3).
enum class BodyKind { kNone, kLength, kChunked, kUntilClose };

// Appends "name: value\r\n". The caller vouches for the bytes: what comes from a parsed head has
// none that could end a line. Heads are made by appending, since a formatter costs more.
void append_field(std::string& out, std::string_view name, std::string_view value);

// Appends the line that says how large the chunk behind it is (RFC 9112, 7.1).
void append_chunk_line(std::string& out, std::size_t size);

// A time as the Date field writes it (RFC 9110, 5.6.7): "Sun, 06 Nov 1994 08:49:37 GMT".
[[nodiscard]] std::string http_date(WallClock::time_point when);

// The phrase that belongs to a status code, for people who read heads.
[[nodiscard]] std::string_view reason_phrase(int status);

}  // namespace ccproxy::http
