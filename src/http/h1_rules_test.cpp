#include "http/h1_rules.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

namespace ccproxy::http {
namespace {

constexpr std::size_t kSizes[] = {1, 2, 3, 5, 7, 16, 64, std::string::npos};
constexpr std::size_t kLimit = 100;

// ---- HeadScan

struct ScanCase {
  const char* description;
  std::string bytes;
  std::string outcome;  // a size, "more", "invalid" or "too large"
};

std::string scan(std::string_view bytes, std::size_t fragment) {
  HeadScan scan(kLimit);
  for (std::size_t size = 0; size < bytes.size();) {
    size += std::min(fragment, bytes.size() - size);
    auto found = scan.find_end(bytes.substr(0, size));
    if (!found)
      return found.error().kind == ErrorKind::kHeadTooLarge     ? "too large"
             : found.error().kind == ErrorKind::kInvalidRequest ? "invalid"
                                                                : "another error";
    if (*found) return std::to_string(**found);
  }
  return "more";
}

const ScanCase kScans[] = {
    {"the empty line ends the head", "GET / HTTP/1.1\r\nA: b\r\n\r\n", "24"},
    {"what follows is not part of it", "GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n", "18"},
    {"without the empty line more must come", "GET / HTTP/1.1\r\nA: b\r\n", "more"},
    {"half an empty line is none", "GET / HTTP/1.1\r\nA: b\r\n\r", "more"},
    {"a bare LF ends no line", "GET / HTTP/1.1\nA: b\r\n\r\n", "invalid"},
    {"a bare LF in a field", "GET / HTTP/1.1\r\nA: b\nC: d\r\n\r\n", "invalid"},
    {"a bare LF as the empty line", "GET / HTTP/1.1\r\nA: b\r\n\n", "invalid"},
    {"LF LF", "GET / HTTP/1.1\n\n", "invalid"},
    {"a fold with a space", "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", "invalid"},
    {"a fold with a tab", "GET / HTTP/1.1\r\nA: b\r\n\tc\r\n\r\n", "invalid"},
    {"a fold right after the start line", "GET / HTTP/1.1\r\n A: b\r\n\r\n", "invalid"},
    {"exactly the limit", "A: " + std::string(kLimit - 7, 'x') + "\r\n\r\n", "100"},
    {"one byte more", "A: " + std::string(kLimit - 6, 'x') + "\r\n\r\n", "too large"},
    {"one line without end", std::string(300, 'x'), "too large"},
    {"many lines without end", "GET / HTTP/1.1\r\n" + std::string(300, 'x'), "too large"},
};

TEST(HeadScan, finds_the_same_end_at_every_fragment_size) {
  for (const ScanCase& row : kScans)
    for (const std::size_t size : kSizes) {
      SCOPED_TRACE(testing::Message() << row.description << ", fragments of " << size);
      EXPECT_EQ(scan(row.bytes, size), row.outcome);
    }
}

// ---- framing

struct JudgeCase {
  const char* description;
  std::vector<Field> fields;
  std::string outcome;  // "none", a length, "chunked", "until close" or "refused"
};

std::string describe(const Result<Framing>& framing) {
  if (!framing) return "refused";
  switch (framing->kind) {
    case BodyKind::kNone: return "none";
    case BodyKind::kLength: return std::to_string(framing->length);
    case BodyKind::kChunked: return "chunked";
    case BodyKind::kUntilClose: break;
  }
  return "until close";
}

RequestHead request(std::vector<Field> fields) {
  RequestHead head;
  head.method = "POST";
  head.target = "/";
  head.fields = std::move(fields);
  return head;
}

const Field kHost{"Host", "a"};

const JudgeCase kRequests[] = {
    {"no framing field, no body", {kHost}, "none"},
    {"a length", {kHost, {"Content-Length", "5"}}, "5"},
    {"a length of 0 is no body", {kHost, {"Content-Length", "0"}}, "none"},
    {"leading zeros are digits", {kHost, {"content-length", "0005"}}, "5"},
    {"18 digits", {kHost, {"Content-Length", "999999999999999999"}}, "999999999999999999"},
    {"19 digits", {kHost, {"Content-Length", "1000000000000000000"}}, "refused"},
    {"an empty length", {kHost, {"Content-Length", ""}}, "refused"},
    {"a signed length", {kHost, {"Content-Length", "+5"}}, "refused"},
    {"a negative length", {kHost, {"Content-Length", "-5"}}, "refused"},
    {"a hexadecimal length", {kHost, {"Content-Length", "0x5"}}, "refused"},
    {"a length with a blank inside", {kHost, {"Content-Length", "1 2"}}, "refused"},
    {"two equal lengths in a list", {kHost, {"Content-Length", "2, 2"}}, "refused"},
    {"two equal lengths in two fields",
     {kHost, {"Content-Length", "2"}, {"Content-Length", "2"}},
     "refused"},
    {"two lengths that differ",
     {kHost, {"Content-Length", "2"}, {"content-length", "3"}},
     "refused"},
    {"chunked", {kHost, {"Transfer-Encoding", "chunked"}}, "chunked"},
    {"chunked in any case", {kHost, {"TRANSFER-ENCODING", "CHUNKed"}}, "chunked"},
    {"chunked and a length",
     {kHost, {"Transfer-Encoding", "chunked"}, {"Content-Length", "5"}},
     "refused"},
    {"a length and chunked",
     {kHost, {"Content-Length", "5"}, {"Transfer-Encoding", "chunked"}},
     "refused"},
    {"chunked twice",
     {kHost, {"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "chunked"}},
     "refused"},
    {"gzip, chunked", {kHost, {"Transfer-Encoding", "gzip, chunked"}}, "refused"},
    {"chunked, identity", {kHost, {"Transfer-Encoding", "chunked, identity"}}, "refused"},
    {"chunked, chunked", {kHost, {"Transfer-Encoding", "chunked, chunked"}}, "refused"},
    {"identity", {kHost, {"Transfer-Encoding", "identity"}}, "refused"},
    {"gzip", {kHost, {"Transfer-Encoding", "gzip"}}, "refused"},
    {"xchunked", {kHost, {"Transfer-Encoding", "xchunked"}}, "refused"},
    {"chunked with a parameter", {kHost, {"Transfer-Encoding", "chunked;q=1"}}, "refused"},
    {"quoted chunked", {kHost, {"Transfer-Encoding", "\"chunked\""}}, "refused"},
    {"an empty Transfer-Encoding", {kHost, {"Transfer-Encoding", ""}}, "refused"},
    {"a comma behind chunked", {kHost, {"Transfer-Encoding", "chunked,"}}, "refused"},
    {"no Host", {}, "refused"},
    {"two Hosts", {kHost, kHost}, "refused"},
    {"an empty Host", {{"Host", ""}}, "refused"},
    {"a Host with a path", {{"Host", "a/b"}}, "refused"},
    {"a Host with a name before it", {{"Host", "me@a"}}, "refused"},
    {"a list of Hosts", {{"Host", "a, b"}}, "refused"},
    {"a Host with a port", {{"Host", "localhost:3456"}}, "none"},
    {"an IPv6 Host", {{"Host", "[::1]:3456"}}, "none"},
};

TEST(CheckRequest, frames_the_body_or_refuses) {
  for (const JudgeCase& row : kRequests)
    EXPECT_EQ(describe(check_request(request(row.fields))), row.outcome) << row.description;
}

TEST(CheckRequest, accepts_HTTP_1_0_without_Host_but_not_with_chunks) {
  RequestHead old = request({});
  old.version = 10;
  EXPECT_EQ(describe(check_request(old)), "none");
  old.fields = {kHost};
  EXPECT_EQ(describe(check_request(old)), "none");
  old.fields = {kHost, kHost};
  EXPECT_EQ(describe(check_request(old)), "refused");
  old.fields = {{"Transfer-Encoding", "chunked"}};
  EXPECT_EQ(describe(check_request(old)), "refused");
  old.fields = {{"Content-Length", "5"}};
  EXPECT_EQ(describe(check_request(old)), "5");
}

TEST(CheckRequest, accepts_known_methods_only) {
  RequestHead head = request({kHost});
  for (const char* method : {"GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"}) {
    head.method = method;
    EXPECT_TRUE(check_request(head)) << method;
  }
  for (const char* method : {"CONNECT", "TRACE", "get", "Post", "PRI", "BREW", ""}) {
    head.method = method;
    EXPECT_FALSE(check_request(head)) << method;
  }
}

struct PartedCase {
  const char *sent, *scheme, *authority, *target;
};

TEST(SplitAbsoluteTarget, separates_scheme_and_authority_from_the_path) {
  for (const PartedCase& row : std::initializer_list<PartedCase>{
           {"http://a/x", "http", "a", "/x"},
           {"HTTPS://a:1/x?y=http://b/", "HTTPS", "a:1", "/x?y=http://b/"},
           {"http://a", "http", "a", "/"},
           {"http://a?x", "http", "a", "?x"},
           {"http:///x", "http", "", "/x"},
           {"ftp://a/x", "ftp", "a", "/x"},
           {"http://u@a/", "http", "u@a", "/"},
           {"/x?u=http://a/", "", "", "/x?u=http://a/"},
           {"/://a", "", "", "/://a"},
           {"://a/", "", "", "://a/"},
           {"*", "", "", "*"},
           {"a:443", "", "", "a:443"},
           {"", "", "", ""}}) {
    SCOPED_TRACE(row.sent);
    RequestHead head;
    head.target = row.sent;
    split_absolute_target(head);
    EXPECT_EQ(head.scheme, row.scheme);
    EXPECT_EQ(head.authority, row.authority);
    EXPECT_EQ(head.target, row.target);
  }
}

TEST(PathIn, is_found_in_a_malformed_request) {
  for (const auto& [bytes, path] :
       {std::pair("POST /v1/responses HTTP/1.1\r\nbroken", "/v1/responses"),
        {"POST /v1/responses?x=y HTTP/1.1", "/v1/responses"},
        {"POST /v1/responses\r\n", "/v1/responses"},
        {"BREW /v1/messages HTTP/7", "/v1/messages"},
        {"POST http://a/v1/messages HTTP/1.1", "/v1/messages"},
        {"POST /v1/resp", ""},
        {"POST * HTTP/1.1", ""},
        {"POST", ""},
        {"\x16\x03\x01 \xff\xff ", ""},
        {"", ""}})
    EXPECT_EQ(path_in(bytes), path) << bytes;
}

TEST(CheckRequest, accepts_an_absolute_path_only) {
  RequestHead head = request({kHost});
  for (const char* target : {"/", "/v1/messages?beta=true", "//", "/%2e%2e/", "/~!$&'()*+,;=:@"}) {
    head.target = target;
    EXPECT_TRUE(check_request(head)) << target;
  }
  for (const char* target : {"", "*", "a", "http://a/", "a:443", "/#x", "/a b", "/\t", "/\x7f",
                             "/\x80", "/\xc3\xa9", "?a=b"}) {
    head.target = target;
    EXPECT_FALSE(check_request(head)) << target;
  }
}

TEST(CheckRequest, accepts_at_most_a_hundred_fields) {
  std::vector<Field> fields(kMaxFields, {"X", "y"});
  fields[0] = kHost;
  EXPECT_TRUE(check_request(request(fields)));
  fields.push_back({"X", "y"});
  EXPECT_EQ(check_request(request(fields)).error().kind, ErrorKind::kInvalidRequest);
}

const JudgeCase kResponses[] = {
    {"without framing it ends with the connection", {}, "until close"},
    {"a length", {{"Content-Length", "5"}}, "5"},
    {"a length of 0", {{"Content-Length", "0"}}, "none"},
    {"chunked", {{"Transfer-Encoding", "chunked"}}, "chunked"},
    {"gzip alone would end with the connection", {{"Transfer-Encoding", "gzip"}}, "refused"},
    {"gzip, chunked", {{"Transfer-Encoding", "gzip, chunked"}}, "refused"},
    {"equal lengths twice", {{"Content-Length", "5"}, {"Content-Length", "5"}}, "refused"},
    {"5, 5", {{"Content-Length", "5, 5"}}, "refused"},
    {"both", {{"Content-Length", "5"}, {"Transfer-Encoding", "chunked"}}, "refused"},
};

TEST(CheckResponse, frames_the_body_or_refuses) {
  for (const JudgeCase& row : kResponses) {
    ResponseHead head;
    head.status = 200;
    head.fields = row.fields;
    EXPECT_EQ(describe(check_response(head, false)), row.outcome) << row.description;
    if (row.outcome != "refused") {
      EXPECT_EQ(describe(check_response(head, true)), "none") << row.description << ", to HEAD";
    }
  }
}

TEST(CheckResponse, knows_the_responses_that_have_no_body) {
  for (const int status : {100, 103, 199, 204, 304}) {
    ResponseHead head;
    head.status = status;
    EXPECT_EQ(describe(check_response(head, false)), "none") << status;
    head.fields = {{"Content-Length", "5"}};
    EXPECT_EQ(describe(check_response(head, false)), "none") << status;
  }
}

TEST(CheckResponse, accepts_statuses_from_100_to_599) {
  for (const int status : {0, 99, 600, 999}) {
    ResponseHead head;
    head.status = status;
    EXPECT_EQ(check_response(head, false).error().kind, ErrorKind::kUpstreamBroke) << status;
  }
  ResponseHead head;
  head.status = 599;
  EXPECT_TRUE(check_response(head, false));
}

// ---- keep-alive

TEST(KeepsAlive, is_the_default_in_HTTP_1_1_and_on_request_in_HTTP_1_0) {
  struct Row {
    int version;
    std::vector<Field> fields;
    bool keeps;
  };
  const Row rows[] = {{11, {}, true},
                      {11, {{"Connection", "close"}}, false},
                      {11, {{"connection", "Keep-Alive, CLOSE"}}, false},
                      {11, {{"Connection", "x-close"}}, true},
                      {11, {{"Connection", "keep-alive"}, {"Connection", "close"}}, false},
                      {10, {}, false},
                      {10, {{"Connection", "keep-alive"}}, true},
                      {10, {{"Connection", "keep-alive, close"}}, false}};
  for (const Row& row : rows) {
    RequestHead head = request(row.fields);
    head.version = row.version;
    EXPECT_EQ(keeps_alive(head), row.keeps)
        << row.version << (row.fields.empty() ? "" : row.fields.front().value);
  }
}

}  // namespace
}  // namespace ccproxy::http
