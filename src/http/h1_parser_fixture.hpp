// Tables of byte streams and of what the parser reads from them, at every fragment size.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/h1_parser.hpp"

namespace ccproxy::http {

inline constexpr std::size_t kSizes[] = {1, 2, 3, 5, 7, 16, 64, std::string::npos};
inline constexpr std::size_t kLimit = 64 * 1024;

inline std::string describe(const Error& error) {
  switch (error.kind) {
    case ErrorKind::kInvalidRequest: return "error: invalid";
    case ErrorKind::kHeadTooLarge: return "error: head too large";
    case ErrorKind::kUpstreamBroke: return "error: upstream";
    default: return "error: another";
  }
}

inline std::string describe(const Head& head) {
  std::string text = head.version == 11 ? "1.1" : head.version == 10 ? "1.0" : "?";
  for (const Field& field : head.fields)
    text += " " + std::string(field.name) + "=" + std::string(field.value);
  return text;
}

inline std::string describe(const RequestHead& head) {
  return std::string(head.method) + " " + std::string(head.target) + " " +
         describe(static_cast<const Head&>(head));
}

inline std::string describe(const ResponseHead& head) {
  return std::to_string(head.status) + " " + std::string(head.reason) + " " +
         describe(static_cast<const Head&>(head));
}

// Reads a byte stream of messages as the connections do, and describes each message in a line: its
// head, then its body.
class Reader {
 public:
  Reader(bool requests, bool is_head_request)
      : requests_(requests), is_head_request_(is_head_request), parser_(kLimit) {}

  void feed(std::string_view bytes) {
    input_.append(bytes);
    while (!failed_ && step()) continue;
  }

  // Call it at the end of the stream. An incomplete message is marked.
  std::vector<std::string> finish() {
    if (failed_) return seen_;
    auto ended = parser_.end_of_stream();
    if (!ended) {
      seen_.back() += " cut";
    } else if (in_body_) {
      seen_.back() += " end";
    } else if (!input_.empty()) {
      seen_.push_back("half a head");
    }
    return seen_;
  }

 private:
  bool step() { return in_body_ ? read_body() : requests_ ? read_request() : read_response(); }

  bool read_request() {
    auto head = parser_.read_request(input_);
    if (!head) return fail_with(head.error());
    return *head && begin(describe(**head));
  }

  bool read_response() {
    auto head = parser_.read_response(input_, is_head_request_);
    if (!head) return fail_with(head.error());
    return *head && begin(describe(**head));
  }

  bool begin(std::string line) {
    seen_.push_back(std::move(line));
    in_body_ = !parser_.done();
    if (in_body_) seen_.back() += " |";
    return true;
  }

  bool read_body() {
    const std::size_t before = input_.size();
    Buffer piece;
    auto taken = parser_.read_body(input_, piece);
    if (!taken) return fail_with(taken.error());
    seen_.back() += piece.view();
    if (parser_.done()) {
      in_body_ = false;
      seen_.back() += "|";
    }
    return parser_.done() || input_.size() != before;
  }

  bool fail_with(const Error& error) {
    failed_ = true;
    // How much of a body is read before its error depends on the fragments.
    if (in_body_) seen_.back().erase(seen_.back().find(" |"));
    seen_.push_back(describe(error));
    return false;
  }

  bool requests_, is_head_request_;
  H1Parser parser_;
  Buffer input_;
  bool in_body_ = false;
  bool failed_ = false;
  std::vector<std::string> seen_;
};

using Lines = std::vector<std::string>;

inline Lines read_all(bool requests, bool is_head_request, std::string_view stream,
                      std::size_t fragment) {
  Reader reader(requests, is_head_request);
  for (std::size_t at = 0; at < stream.size(); at += std::min(fragment, stream.size()))
    reader.feed(stream.substr(at, fragment));
  return reader.finish();
}

struct Case {
  const char* description;
  std::string stream;
  Lines seen;
};

inline void check(const std::vector<Case>& cases, bool requests, bool is_head_request = false) {
  for (const Case& row : cases)
    for (const std::size_t size : kSizes) {
      SCOPED_TRACE(testing::Message() << row.description << ", fragments of " << size);
      EXPECT_EQ(read_all(requests, is_head_request, row.stream, size), row.seen);
    }
}

// A chunked request around `body`.
inline std::string chunked(const std::string& body) {
  return "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body;
}
inline const std::string kChunkedHead = "POST / 1.1 Host=a Transfer-Encoding=chunked";
inline const std::string kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

inline std::string fields(std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += "X: y\r\n";
  return text;
}

}  // namespace ccproxy::http
