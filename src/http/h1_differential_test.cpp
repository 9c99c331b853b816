// Heads at random, near the valid ones, read by the parser and by a plain scanner written from
// RFC 9112 without a thought for speed. What only one of two servers in a row accepts, or what they
// read differently, is how requests are smuggled.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "http/h1_parser.hpp"

namespace ccproxy::http {
namespace {

constexpr int kHeads = 40'000;
constexpr unsigned kSeed = 9112;

struct Reading {
  std::string start;  // the start line's parts
  std::vector<std::string> fields;
  BodyKind kind = BodyKind::kNone;
  std::uint64_t length = 0;
  std::size_t size = 0;  // of the head
  bool operator==(const Reading&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Reading& reading) {
  out << reading.start;
  for (const std::string& field : reading.fields) out << " [" << field << "]";
  return out << " kind " << static_cast<int>(reading.kind) << " length " << reading.length
             << " size " << reading.size;
}

// ---- the plain scanner

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    const bool alphanumeric =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return alphanumeric || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

bool is_text(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  });
}

std::optional<std::vector<std::string>> lines_of(std::string_view head) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < head.size();) {
    const auto end = head.find("\r\n", at);
    const std::string_view line = head.substr(at, end - at);
    if (!is_text(line)) return std::nullopt;  // a bare CR or LF among the rest
    if (!lines.empty() && (line.starts_with(' ') || line.starts_with('\t'))) return std::nullopt;
    lines.emplace_back(line);
    at = end + 2;
  }
  lines.pop_back();  // the empty one
  return lines;
}

struct Lines {
  std::vector<std::string> lines;
  std::vector<std::pair<std::string, std::string>> fields;
  std::size_t size = 0;

  std::vector<std::string> values(std::string_view name) const {
    std::vector<std::string> found;
    for (const auto& [key, value] : fields)
      if (same_text(key, name)) found.push_back(value);
    return found;
  }
};

std::optional<Lines> split(std::string_view bytes) {
  const auto end = bytes.find("\r\n\r\n");
  if (end == std::string_view::npos) return std::nullopt;
  auto lines = lines_of(bytes.substr(0, end + 4));
  if (!lines || lines->empty() || lines->size() > kMaxFields + 1) return std::nullopt;
  Lines split{std::move(*lines), {}, end + 4};
  for (std::size_t i = 1; i < split.lines.size(); ++i) {
    const std::string_view line = split.lines[i];
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) return std::nullopt;
    split.fields.emplace_back(line.substr(0, colon), trim(line.substr(colon + 1)));
  }
  return split;
}

bool frame(const Lines& head, bool is_1_1, Reading& reading) {
  const auto codings = head.values("transfer-encoding"), lengths = head.values("content-length");
  if (codings.size() + lengths.size() > 1) return false;
  if (!codings.empty()) {
    reading.kind = BodyKind::kChunked;
    return is_1_1 && same_text(codings[0], "chunked");
  }
  if (lengths.empty()) return true;
  const auto length = parse_decimal(lengths[0]);
  if (!length) return false;
  reading.length = *length;
  reading.kind = *length > 0 ? BodyKind::kLength : BodyKind::kNone;
  return true;
}

std::vector<std::string> fields_of(const Lines& head) {
  std::vector<std::string> fields;
  for (const auto& [name, value] : head.fields) fields.push_back(name + "=" + value);
  return fields;
}

std::optional<Reading> plain_request(std::string_view bytes) {
  auto head = split(bytes);
  if (!head) return std::nullopt;
  const std::string& line = head->lines[0];
  const auto first = line.find(' '), last = line.rfind(' ');
  if (first == std::string::npos || first == last) return std::nullopt;
  const std::string method = line.substr(0, first), version = line.substr(last + 1);
  std::string target = line.substr(first + 1, last - first - 1);
  constexpr std::array<std::string_view, 7> kMethods = {"GET",    "POST",    "HEAD", "PUT",
                                                        "DELETE", "OPTIONS", "PATCH"};
  if (std::find(kMethods.begin(), kMethods.end(), method) == kMethods.end()) return std::nullopt;
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return std::nullopt;
  const bool good_target = std::all_of(target.begin(), target.end(), [](char c) {
    return static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7f && c != '#';
  });
  if (!good_target) return std::nullopt;
  if (const auto slash = target.find('/'), border = target.find("://");
      border != std::string::npos && border > 0 && border < slash) {
    const auto path = target.find_first_of("/?", border + 3);
    target = path == std::string::npos ? "/" : target.substr(path);
  }
  if (!target.starts_with('/')) return std::nullopt;
  const auto hosts = head->values("host");
  if (hosts.size() > 1 || (hosts.empty() && version == "HTTP/1.1")) return std::nullopt;
  constexpr std::string_view kHostBytes =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:[]%";
  for (const std::string& host : hosts)
    if (host.empty() || host.find_first_not_of(kHostBytes) != std::string::npos)
      return std::nullopt;
  Reading reading{method + " " + target + " " + version, fields_of(*head), {}, 0, head->size};
  if (!frame(*head, version == "HTTP/1.1", reading)) return std::nullopt;
  return reading;
}

std::optional<Reading> plain_response(std::string_view bytes) {
  auto head = split(bytes);
  if (!head) return std::nullopt;
  const std::string& line = head->lines[0];
  const bool is_1_1 = line.starts_with("HTTP/1.1 ");
  if (!is_1_1 && !line.starts_with("HTTP/1.0 ")) return std::nullopt;
  if (line.size() < 13 || line[12] != ' ') return std::nullopt;
  const auto status = parse_decimal(line.substr(9, 3));
  if (!status || *status < 100 || *status > 599) return std::nullopt;
  Reading reading{line, fields_of(*head), {}, 0, head->size};
  if (!frame(*head, is_1_1, reading) || head->values("host").size() > 1) return std::nullopt;
  const bool has_framing =
      !head->values("transfer-encoding").empty() || !head->values("content-length").empty();
  if (!has_framing) reading.kind = BodyKind::kUntilClose;
  if (*status < 200 || *status == 204 || *status == 304) {
    reading.kind = BodyKind::kNone;
    reading.length = 0;
  }
  return reading;
}

// ---- the parser

Reading reading_of(const Head& head, std::string start, const H1Parser& parser, std::size_t size) {
  Reading reading{std::move(start), {}, parser.framing().kind, parser.framing().length, size};
  for (const Field& field : head.fields)
    reading.fields.push_back(std::string(field.name) + "=" + std::string(field.value));
  return reading;
}

std::string_view version_of(const Head& head) { return head.version == 11 ? "1" : "0"; }

std::optional<Reading> parse_request(H1Parser& parser, std::string_view bytes) {
  Buffer input;
  input.append(bytes);
  auto head = parser.read_request(input);
  if (!head || !*head) return std::nullopt;
  const RequestHead& read = **head;
  std::string start = std::string(read.method) + " " + std::string(read.target) + " HTTP/1." +
                      std::string(version_of(read));
  return reading_of(read, std::move(start), parser, bytes.size() - input.size());
}

std::optional<Reading> parse_response(H1Parser& parser, std::string_view bytes) {
  Buffer input;
  input.append(bytes);
  auto head = parser.read_response(input, false);
  if (!head || !*head) return std::nullopt;
  const ResponseHead& read = **head;
  std::string start = "HTTP/1." + std::string(version_of(read)) + " " +
                      std::to_string(read.status) + " " + std::string(read.reason);
  return reading_of(read, std::move(start), parser, bytes.size() - input.size());
}

// ---- heads at random

const std::vector<std::string> kRequestSeeds = {
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST /v1/messages?beta=true HTTP/1.1\r\nHost: localhost:3456\r\nContent-Length: 12\r\n"
    "Connection: keep-alive\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: [::1]\r\nTransfer-Encoding: chunked\r\nX: \ty z \r\n\r\n",
    "PUT /x HTTP/1.0\r\nContent-Length: 0\r\nEmpty:\r\n\r\n",
};
const std::vector<std::string> kResponseSeeds = {
    "HTTP/1.1 200 OK\r\nContent-Length: 12\r\nrequest-id: x\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
    "HTTP/1.0 404 Not Found\r\nServer: b\r\n\r\n",
    "HTTP/1.1 204 \r\n\r\n",
};
const std::vector<std::string> kPieces = {"\r",
                                          "\n",
                                          "\r\n",
                                          "\r\n\r\n",
                                          " ",
                                          "\t",
                                          ":",
                                          ",",
                                          ";",
                                          "\"",
                                          "#",
                                          "/",
                                          "0",
                                          "9",
                                          "x",
                                          std::string(1, '\0'),
                                          "\x7f",
                                          "\x80",
                                          "\x0b",
                                          "HTTP/1.0",
                                          "HTTP/1.1",
                                          "chunked",
                                          "Host: b\r\n",
                                          "Content-Length: 12\r\n",
                                          "Content-Length: 3\r\n",
                                          "Transfer-Encoding: chunked\r\n",
                                          "Transfer-Encoding: identity\r\n",
                                          "X-Y: z\r\n",
                                          "GET ",
                                          "\r\n ",
                                          "304",
                                          "199"};

class Mutator {
 public:
  std::string next(const std::vector<std::string>& seeds) {
    std::string head = seeds[below(seeds.size())];
    for (std::size_t edits = below(4); edits > 0; --edits) edit(head);
    return head;
  }

 private:
  std::size_t below(std::size_t bound) { return bound == 0 ? 0 : random_() % bound; }

  void edit(std::string& head) {
    const std::size_t at = below(head.size() + 1);
    const std::string& piece = kPieces[below(kPieces.size())];
    switch (below(5)) {
      case 0: head.insert(at, piece); break;
      case 1: head.erase(at, 1 + below(3)); break;
      case 2: head.replace(at, 1, piece); break;
      case 3: {  // whole lines are the likelier to be taken
        const auto line = head.find("\r\n", at);
        if (line != std::string::npos && line + 4 < head.size()) head.insert(line + 2, piece);
        break;
      }
      default:
        if (at < head.size()) head[at] = static_cast<char>(head[at] ^ 0x20);
    }
  }

  std::mt19937 random_{kSeed};
};

template <class Parse, class Plain>
void compare(const std::vector<std::string>& seeds, Parse parse, Plain plain) {
  Mutator mutator;
  int accepted = 0;
  for (int i = 0; i < kHeads; ++i) {
    const std::string head = mutator.next(seeds);
    H1Parser parser(64 * 1024);
    const auto parsed = parse(parser, head);
    if (!parsed) continue;
    ++accepted;
    // Empty lines before a message are no part of it.
    std::size_t skipped = 0;
    while (std::string_view(head).substr(skipped).starts_with("\r\n")) skipped += 2;
    auto expected = plain(std::string_view(head).substr(skipped));
    ASSERT_TRUE(expected) << "the parser alone takes " << testing::PrintToString(head);
    expected->size += skipped;
    ASSERT_EQ(*parsed, *expected) << testing::PrintToString(head);
  }
  EXPECT_GT(accepted, kHeads / 4) << "the heads are too far from valid ones to prove much";
}

TEST(H1Differential, reads_every_accepted_request_as_a_plain_scanner_does) {
  compare(kRequestSeeds, parse_request, plain_request);
}

TEST(H1Differential, reads_every_accepted_response_as_a_plain_scanner_does) {
  compare(kResponseSeeds, parse_response, plain_response);
}

}  // namespace
}  // namespace ccproxy::http
