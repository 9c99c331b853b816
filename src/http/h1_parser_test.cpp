#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "http/h1_parser_fixture.hpp"

namespace ccproxy::http {
namespace {

TEST(H1Parser, reads_requests) {
  check(
      {
          {"the plainest", kGet, {"GET / 1.1 Host=a"}},
          {"blanks around a value are not part of it",
           "GET / HTTP/1.1\r\nHost: \t a \t\r\nX:y\r\nEmpty:\r\nBlank:  \r\n\r\n",
           {"GET / 1.1 Host=a X=y Empty= Blank="}},
          {"blanks and bytes above 0x7f inside a value stay",
           "GET / HTTP/1.1\r\nHost: a\r\nX: a \t b\xc3\xa9\xff\r\n\r\n",
           {"GET / 1.1 Host=a X=a \t b\xc3\xa9\xff"}},
          {"a target in absolute form is parted; who is meant is judged elsewhere",
           "GET http://a:1/x?y=//z HTTP/1.1\r\nHost: a:1\r\n\r\n",
           {"GET /x?y=//z 1.1 Host=a:1"}},
          {"one without a path is the root",
           "GET http://a HTTP/1.1\r\nHost: a\r\n\r\n",
           {"GET / 1.1 Host=a"}},
          {"a query is part of the target",
           "POST /v1/messages?beta=true&x=%20 HTTP/1.1\r\nHost: [::1]:3456\r\n\r\n",
           {"POST /v1/messages?beta=true&x=%20 1.1 Host=[::1]:3456"}},
          {"HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n", {"GET / 1.0"}},
          {"a body by length, and the next request behind it",
           "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" + kGet,
           {"POST /a 1.1 Host=a Content-Length=5 |hello|", "GET / 1.1 Host=a"}},
          {"three requests in one piece",
           kGet + kGet + kGet,
           {"GET / 1.1 Host=a", "GET / 1.1 Host=a", "GET / 1.1 Host=a"}},
          {"empty lines before a request are passed over",
           "\r\n\r\n" + kGet + "\r\n" + kGet,
           {"GET / 1.1 Host=a", "GET / 1.1 Host=a"}},
          {"a body that looks like a request is a body",
           "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 27\r\n\r\n" + kGet + kGet,
           {"POST / 1.1 Host=a Content-Length=27 |" + kGet + "|", "GET / 1.1 Host=a"}},
          {"a body that is cut",
           "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhell",
           {"POST / 1.1 Host=a Content-Length=9 |hell cut"}},
          {"half a head", "GET / HTTP/1.1\r\nHost: a\r\n", {"half a head"}},
          {"an Upgrade is passed on for others to refuse",
           "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nPRI",
           {"GET / 1.1 Host=a Connection=Upgrade Upgrade=h2c", "half a head"}},
      },
      true);
}

TEST(H1Parser, reads_chunked_requests) {
  check(
      {
          {"chunks are joined, the next request follows",
           chunked("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n") + kGet,
           {kChunkedHead + " |hello world|", "GET / 1.1 Host=a"}},
          {"no chunk but the last",
           chunked("0\r\n\r\n") + kGet,
           {kChunkedHead + " ||", "GET / 1.1 Host=a"}},
          {"one byte a chunk",
           chunked("1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n"),
           {kChunkedHead + " |abc|"}},
          {"sizes are hexadecimal in any case, leading zeros count for nothing",
           chunked("0a\r\n0123456789\r\n00B\r\n0123456789a\r\n000\r\n\r\n"),
           {kChunkedHead + " |01234567890123456789a|"}},
          {"data may hold line ends",
           chunked("4\r\n\r\n\r\n\r\n0\r\n\r\n"),
           {kChunkedHead + " |\r\n\r\n|"}},
          {"extensions are passed over",
           chunked("5;a;b=c ; d = e\r\nhello\r\n0;last\r\n\r\n"),
           {kChunkedHead + " |hello|"}},
          {"an extension of 256 bytes",
           chunked("1;" + std::string(255, 'x') + "\r\na\r\n0\r\n\r\n"),
           {kChunkedHead + " |a|"}},
          {"trailers are dropped",
           chunked("1\r\na\r\n0\r\nX-Sum: 5\r\nExpires: now\r\n\r\n") + kGet,
           {kChunkedHead + " |a|", "GET / 1.1 Host=a"}},
          {"a body without its last chunk is cut",
           chunked("1\r\na\r\n"),
           {kChunkedHead + " |a cut"}},
          {"a chunk that is cut", chunked("5\r\nhel"), {kChunkedHead + " |hel cut"}},
          {"without the last empty line it is cut",
           chunked("1\r\na\r\n0\r\n"),
           {kChunkedHead + " |a cut"}},
      },
      true);
}

TEST(H1Parser, refuses_chunks_that_other_parsers_may_read_differently) {
  const Lines refused = {kChunkedHead, "error: invalid"};
  check(
      {
          {"no size", chunked("\r\nhello\r\n"), refused},
          {"a size that is not hexadecimal", chunked("g\r\nhello\r\n0\r\n\r\n"), refused},
          {"a signed size", chunked("+5\r\nhello\r\n0\r\n\r\n"), refused},
          {"a negative size", chunked("-1\r\nhello\r\n0\r\n\r\n"), refused},
          {"0x5", chunked("0x5\r\nhello\r\n0\r\n\r\n"), refused},
          {"a blank before the size", chunked(" 5\r\nhello\r\n0\r\n\r\n"), refused},
          {"a blank behind the size", chunked("5 \r\nhello\r\n0\r\n\r\n"), refused},
          {"a size of 17 digits", chunked("10000000000000005\r\nhello\r\n0\r\n\r\n"), refused},
          {"a size line that ends in LF", chunked("5\nhello\r\n0\r\n\r\n"), refused},
          {"a LF in an extension", chunked("5;a\nb\r\nhello\r\n0\r\n\r\n"), refused},
          {"a size line that ends in CR", chunked("5\rhello\r\n0\r\n\r\n"), refused},
          {"data that is longer than its size", chunked("5\r\nhello!\r\n0\r\n\r\n"), refused},
          {"data that is shorter than its size", chunked("6\r\nhello\r\n0\r\n\r\n"), refused},
          {"data that ends in LF", chunked("5\r\nhello\n0\r\n\r\n"), refused},
          {"a quoted extension", chunked("5;a=\"b\"\r\nhello\r\n0\r\n\r\n"), refused},
          {"a quoted extension that hides a line end",
           chunked("5;a=\"\r\nX\"\r\nhello\r\n0\r\n\r\n"), refused},
          {"an extension of 257 bytes",
           chunked("1;" + std::string(256, 'x') + "\r\na\r\n0\r\n\r\n"), refused},
          {"an extension without end", chunked("1;" + std::string(2000, 'x')), refused},
          {"a long extension of the last chunk", chunked("0;" + std::string(256, 'x') + "\r\n\r\n"),
           refused},
          {"a trailer Content-Length", chunked("0\r\nContent-Length: 5\r\n\r\n"), refused},
          {"a trailer Transfer-Encoding", chunked("0\r\ntransfer-encoding: chunked\r\n\r\n"),
           refused},
          {"a trailer Host", chunked("0\r\nHOST: b\r\n\r\n"), refused},
          {"a trailer that is no field", chunked("0\r\nGET / HTTP/1.1\r\n\r\n"), refused},
          {"a trailer with a bare LF", chunked("0\r\nA: b\nC: d\r\n\r\n"), refused},
          {"a folded trailer", chunked("0\r\nA: b\r\n c\r\n\r\n"), refused},
          {"a trailer with an empty fold", chunked("0\r\nA:\r\n\t\r\nB: c\r\n\r\n"), refused},
          {"too many trailers", chunked("0\r\n" + fields(600) + "\r\n"), refused},
          {"trailers without end", chunked("0\r\n" + fields(600)), refused},
      },
      true);
}

TEST(H1Parser, refuses_heads_that_could_smuggle_a_request) {
  const Lines refused = {"error: invalid"};
  const auto with = [&](const char* description, const std::string& lines) {
    return Case{description, "POST / HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n0\r\n\r\n" + kGet,
                refused};
  };
  const auto line = [&](const char* description, const std::string& start) {
    return Case{description, start + "\r\nHost: a\r\n\r\n", refused};
  };
  check(
      {
          with("equal lengths twice", "Content-Length: 2\r\nContent-Length: 2\r\n"),
          with("lengths that differ", "Content-Length: 2\r\nContent-Length: 3\r\n"),
          with("a list of lengths", "Content-Length: 2, 2\r\n"),
          with("a signed length", "Content-Length: +2\r\n"),
          with("a length and chunked", "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n"),
          with("chunked and a length", "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n"),
          with("gzip, chunked", "Transfer-Encoding: gzip, chunked\r\n"),
          with("chunked;q=1", "Transfer-Encoding: chunked;q=1\r\n"),
          with("chunked, identity", "Transfer-Encoding: chunked, identity\r\n"),
          with("chunked, chunked", "Transfer-Encoding: chunked, chunked\r\n"),
          with("identity", "Transfer-Encoding: identity\r\n"),
          with("xchunked", "Transfer-Encoding: xchunked\r\n"),
          with("quoted chunked", "Transfer-Encoding: \"chunked\"\r\n"),
          with("an empty Transfer-Encoding", "Transfer-Encoding:\r\n"),
          with("chunked twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
          with("chunked behind a vertical tab", "Transfer-Encoding: \vchunked\r\n"),
          with("a space before the colon", "Transfer-Encoding : chunked\r\n"),
          with("a tab before the colon", "Content-Length\t: 5\r\n"),
          with("a space in a name", "Content Length: 5\r\n"),
          with("no name", ": x\r\n"),
          with("no colon", "Content-Length\r\n"),
          with("a NUL in a name", std::string("X\0: y\r\n", 7)),
          with("a NUL in a value", std::string("X: \0\r\n", 6)),
          with("a control character in a value", "X: a\x01\r\n"),
          with("DEL in a value", "X: \x7f\r\n"),
          with("a CR in a value", "X: a\rb\r\n"),
          with("CR CR LF", "X: a\r\r\n"),
          with("a bare LF", "X: a\nContent-Length: 5\r\n"),
          with("a name with a byte above 0x7f", "X\xc3\xa9: y\r\n"),
          with("a fold", "X: a\r\n b\r\n"),
          with("a fold of the length", "Content-Length:\r\n 5\r\n"),
          with("two Hosts", "host: a\r\n"),
          {"no Host", "GET / HTTP/1.1\r\nX: y\r\n\r\n", refused},
          {"an empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", refused},
          {"a Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", refused},
          {"chunked in HTTP/1.0",
           "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", refused},
          line("an unknown method", "BREW / HTTP/1.1"),
          line("a method in lower case", "get / HTTP/1.1"),
          line("CONNECT", "CONNECT a:443 HTTP/1.1"),
          line("an absolute target without a scheme", "GET a/ HTTP/1.1"),
          line("one with a query and no path", "GET http://a?x HTTP/1.1"),
          line("an asterisk", "OPTIONS * HTTP/1.1"),
          line("a fragment", "GET /#x HTTP/1.1"),
          line("a byte above 0x7f in the target", "GET /\xc3\xa9 HTTP/1.1"),
          line("a tab in the target", "GET /\tx HTTP/1.1"),
          line("a NUL in the target", std::string("GET /\0 HTTP/1.1", 15)),
          line("two spaces behind the method", "GET  / HTTP/1.1"),
          line("two spaces behind the target", "GET /  HTTP/1.1"),
          line("a space behind the version", "GET / HTTP/1.1 "),
          line("a tab behind the method", "GET\t/ HTTP/1.1"),
          line("a space before the method", " GET / HTTP/1.1"),
          line("no target", "GET HTTP/1.1"),
          line("HTTP/0.9", "GET /"),
          line("HTTP/1.2", "GET / HTTP/1.2"),
          line("HTTP/2.0", "GET / HTTP/2.0"),
          line("http/1.1", "GET / http/1.1"),
          line("HTTP/1.10", "GET / HTTP/1.10"),
          line("HTTP/1", "GET / HTTP/1"),
          {"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", refused},
          {"LF alone before a request", "\n" + kGet, refused},
          {"CR LF LF before a request", "\r\n\n" + kGet, refused},
          {"CR alone before a request", "\r" + kGet, refused},
          {"a TLS hello", std::string("\x16\x03\x01\x02\x00\x01\r\n\r\n", 10), refused},
      },
      true);
}

TEST(H1Parser, limits_the_size_of_a_head) {
  const std::string front = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
  const auto head_of = [&](std::size_t size) {
    return front + std::string(size - front.size() - 4, 'x') + "\r\n\r\n";
  };
  const std::string value(kLimit - front.size() - 4, 'x');
  const std::vector<Case> cases = {
      {"of exactly the limit", head_of(kLimit), {"GET / 1.1 Host=a X=" + value}},
      {"one byte larger", head_of(kLimit + 1), {"error: head too large"}},
      {"a target without end", "GET /" + std::string(kLimit + 1, 'x'), {"error: head too large"}},
      {"a hundred fields",
       "GET / HTTP/1.0\r\n" + fields(100) + "\r\n",
       {"GET / 1.0" +
        [] {
          std::string all;
          for (int i = 0; i < 100; ++i) all += " X=y";
          return all;
        }()}},
      {"a hundred and one", "GET / HTTP/1.0\r\n" + fields(101) + "\r\n", {"error: invalid"}},
      {"thousands of fields", "GET / HTTP/1.0\r\n" + fields(9000) + "\r\n", {"error: invalid"}},
  };
  check(cases, true);
}

TEST(H1Parser, reads_responses) {
  check(
      {
          {"a length",
           "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
           {"200 OK 1.1 Content-Length=5 |hello|"}},
          {"no reason, but its space",
           "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n",
           {"200  1.1 Content-Length=0"}},
          {"a body that ends with the connection",
           "HTTP/1.1 200 OK\r\n\r\nhello\r\n\r\n",
           {"200 OK 1.1 |hello\r\n\r\n end"}},
          {"HTTP/1.0 likewise", "HTTP/1.0 200 OK\r\n\r\nhello", {"200 OK 1.0 |hello end"}},
          {"interim responses are messages of their own",
           "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"
           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na",
           {"100 Continue 1.1", "103 Early Hints 1.1 link=x", "200 OK 1.1 Content-Length=1 |a|"}},
          {"chunks",
           "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
           {"200 OK 1.1 transfer-encoding=Chunked |ab|"}},
          {"204 has no body",
           "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
           {"204 No Content 1.1", "204 No Content 1.1"}},
          {"304 has none, whatever its length",
           "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nHTTP/1.1 204 X\r\n\r\n",
           {"304 Not Modified 1.1 Content-Length=5", "204 X 1.1"}},
          {"a body by length that is cut",
           "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",
           {"200 OK 1.1 Content-Length=5 |hel cut"}},
      },
      false);
}

TEST(H1Parser, reads_responses_to_HEAD_without_a_body) {
  check(
      {
          {"a length names what GET would bring",
           "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
           {"200 OK 1.1 Content-Length=5", "200 OK 1.1"}},
          {"so does chunked",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
           {"200 OK 1.1 Transfer-Encoding=chunked"}},
      },
      false, true);
}

TEST(H1Parser, refuses_responses_that_violate_HTTP) {
  const Lines refused = {"error: upstream"};
  const auto with = [&](const char* description, const std::string& lines) {
    return Case{description, "HTTP/1.1 200 OK\r\n" + lines + "\r\nhello", refused};
  };
  check(
      {
          with("gzip alone", "Transfer-Encoding: gzip\r\n"),
          with("gzip, chunked", "Transfer-Encoding: gzip, chunked\r\n"),
          with("chunked and a length", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
          with("equal lengths twice", "Content-Length: 5\r\nContent-Length: 5\r\n"),
          with("a length of 19 digits", "Content-Length: 9999999999999999999\r\n"),
          with("a fold", "X: a\r\n b\r\n"),
          with("a bare LF", "X: a\nY: b\r\n"),
          with("a space before the colon", "Content-Length : 5\r\n"),
          with("more than a hundred fields", fields(101)),
          with("a head above the limit", "X: " + std::string(kLimit, 'x') + "\r\n"),
          {"chunked in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", refused},
          {"no space behind the code", "HTTP/1.1 200\r\n\r\n", refused},
          {"a code of two digits", "HTTP/1.1 20 OK\r\n\r\n", refused},
          {"a code of four digits", "HTTP/1.1 2000 OK\r\n\r\n", refused},
          {"a code above 599", "HTTP/1.1 600 OK\r\n\r\n", refused},
          {"a code below 100", "HTTP/1.1 099 OK\r\n\r\n", refused},
          {"HTTP/2", "HTTP/2 200 OK\r\n\r\n", refused},
          {"ICY", "ICY 200 OK\r\n\r\n", refused},
          {"an empty line before it", "\r\nHTTP/1.1 200 OK\r\n\r\n", refused},
          {"a page", "<html>\r\n\r\n", refused},
      },
      false);
}

// Beast's own limits, 8 MiB for a response and 1 MiB for a request, must not apply.
TEST(H1Parser, reads_bodies_of_more_than_eight_mebibytes) {
  const std::string body(std::size_t{9} << 20, 'x');
  const std::string length = "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  std::string chunks = "900000\r\n" + body + "\r\n";  // 9 MiB at once, then as much in pieces
  for (int i = 0; i < 9 * 16; ++i) chunks += "10000\r\n" + std::string(65536, 'x') + "\r\n";
  chunks += "0\r\n\r\n";
  const std::string as_chunks = "Transfer-Encoding: chunked\r\n\r\n" + chunks;
  const std::string request = "POST / HTTP/1.1\r\nHost: a\r\n", response = "HTTP/1.1 200 OK\r\n";
  const auto bytes_of = [](bool requests, const std::string& stream, std::size_t fragment) {
    const Lines seen = read_all(requests, false, stream, fragment);
    return seen.size() == 1 ? std::count(seen[0].begin(), seen[0].end(), 'x') : -1;
  };
  const auto size = static_cast<std::ptrdiff_t>(body.size());
  for (const std::size_t fragment : {std::size_t{65536}, std::string::npos}) {
    EXPECT_EQ(bytes_of(true, request + length + body, fragment), size);
    EXPECT_EQ(bytes_of(true, request + as_chunks, fragment), 2 * size);
    EXPECT_EQ(bytes_of(false, response + length + body, fragment), size);
    EXPECT_EQ(bytes_of(false, response + as_chunks, fragment), 2 * size);
    EXPECT_EQ(bytes_of(false, response + "\r\n" + body, fragment), size);
  }
}

// The input comes in single bytes. Scanning it again from the start each time would take minutes.
TEST(H1Parser, needs_linear_time_for_hostile_input) {
  constexpr std::size_t kMany = std::size_t{1} << 20;
  const std::string one_line(kMany, 'x');
  std::string lines = "GET / HTTP/1.1\r\n", chunk_lines = chunked("");
  while (lines.size() < kMany) lines += "a:\r\n";
  while (chunk_lines.size() < kMany) chunk_lines += "1;a=b\r\nx\r\n";
  const auto began = std::chrono::steady_clock::now();
  for (const std::string& stream : {one_line, lines}) {
    HeadScan scan(2 * kMany);
    for (std::size_t size = 1; size <= stream.size(); ++size)
      ASSERT_TRUE(scan.find_end(std::string_view(stream).substr(0, size)));
  }
  EXPECT_EQ(read_all(true, false, chunk_lines, 1).size(), 1U);
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(10));
}

TEST(H1Parser, returns_each_piece_of_a_chunk_at_once) {
  H1Parser parser(kLimit);
  Buffer input, out;
  input.append(chunked(""));
  ASSERT_TRUE(parser.read_request(input).value());
  for (const char* piece : {"1", "\r\n", "a", "\r\n1\r\nb"}) {
    input.append(piece);
    ASSERT_TRUE(parser.read_body(input, out));
  }
  EXPECT_EQ(out.view(), "ab");
}

}  // namespace
}  // namespace ccproxy::http
