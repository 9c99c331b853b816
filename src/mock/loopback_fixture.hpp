// Test support: the simulated API on a loopback port, a client and raw conversations with it.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/client.hpp"
#include "json/document.hpp"
#include "mock/mock_server.hpp"
#include "net/dial.hpp"
#include "net/resolve.hpp"

namespace ccproxy::mock {

using json::Document;
using std::chrono::milliseconds;
using std::chrono::seconds;

inline constexpr const char* kBody =
    R"({"model":"claude-sonnet-5","max_tokens":100,"stream":true,"messages":[{"role":"user","content":"Hi"}]})";
inline constexpr const char* kWholeBody =
    R"({"model":"claude-sonnet-5","max_tokens":100,"messages":[{"role":"user","content":"Hi"}]})";

// What came back over one connection.
struct Seen {
  int status = 0;
  std::string head;  // its fields; of a raw conversation all of it
  std::string body;
  bool complete = false;
  std::optional<Error> error{};  // why it is not
  Clock::duration time{};
  std::string request_id;
};

struct Ask {
  std::string method = "POST";
  std::string target = "/v1/messages";
  std::string body = kBody;
  std::vector<std::pair<std::string, std::string>> fields{};
};

inline Ask with_fault(const std::string& fault, const char* body = kBody) {
  return Ask{"POST", "/v1/messages", body, {{"x-mock-fault", fault}}};
}

inline Task<void> finish(net::Runtime& runtime, Task<void> work) {
  co_await std::move(work);
  runtime.stop();
}

inline Task<void> exchange(http::Client& client, const Ask& ask, Seen& seen) {
  const auto start = Clock::now();
  auto call = co_await client.open(false);
  if (!call) {
    seen.error = call.error();
    co_return;
  }
  std::vector<http::Field> fields = {{"x-api-key", "k"}, {"anthropic-version", "2023-06-01"}};
  for (const auto& [name, value] : ask.fields) fields.push_back({name, value});
  http::OutgoingRequest request{ask.method, ask.target, fields, ask.body.size()};
  auto sent = co_await (*call)->send(request, ask.body, true);
  auto head = co_await (*call)->read_head();
  if (!sent || !head) {
    seen.error = head ? sent.error() : head.error();
    seen.time = Clock::now() - start;
    co_return;
  }
  seen.status = head->status;
  seen.request_id = head->get("request-id");
  for (const http::Field& field : head->fields)
    http::append_field(seen.head, field.name, field.value);
  while (true) {
    auto piece = co_await (*call)->read_body();
    if (!piece) seen.error = piece.error();
    if (!piece || piece->empty()) break;
    seen.body += *piece;
  }
  seen.complete = !seen.error;
  seen.time = Clock::now() - start;
}

// Raw bytes out, everything that comes back in; `wait` bounds the silence at the end, `most` the
// bytes.
inline Task<void> converse(net::Runtime& runtime, std::uint16_t port, const std::string& bytes,
                           milliseconds wait, std::size_t most, Seen& seen) {
  net::Resolver resolver(runtime);
  auto stream = co_await net::dial(runtime, resolver, "127.0.0.1", port, seconds(5));
  if (!stream) co_return;
  auto written = co_await (*stream)->write(bytes);
  std::vector<char> room(4096);
  while (written && seen.body.size() < most) {
    (*stream)->expires_after(wait);
    auto got = co_await (*stream)->read_some(room);
    if (!got) seen.error = got.error();
    if (!got || *got == 0) break;
    seen.body.append(room.data(), *got);
  }
  seen.complete = !seen.error;
  const auto end = seen.body.find("\r\n\r\n");
  if (end == std::string::npos) co_return;
  seen.head = seen.body.substr(0, end + 2);
  seen.body.erase(0, end + 4);
}

class Loopback : public testing::Test {
 protected:
  explicit Loopback(Options options = {}) : server(runtime, std::move(options)) {
    const auto listening = server.listen();
    EXPECT_TRUE(listening) << (listening ? "" : listening.error().message);
    http::ClientLimits limits;
    limits.first_byte = limits.idle = seconds(5);
    http::Origin origin{false, "127.0.0.1", server.port(),
                        "127.0.0.1:" + std::to_string(server.port())};
    client = std::make_unique<http::Client>(runtime, std::move(origin), nullptr, limits);
  }

  void run(Task<void> work) {
    runtime.context().restart();
    runtime.spawn(finish(runtime, std::move(work)));
    runtime.run();
  }

  Seen ask(const Ask& ask) {
    Seen seen;
    run(exchange(*client, ask, seen));
    return seen;
  }

  Seen raw(const std::string& bytes, milliseconds wait = milliseconds(2000),
           std::size_t most = 1 << 20) {
    Seen seen;
    run(converse(runtime, server.port(), bytes, wait, most, seen));
    return seen;
  }

  std::string raw_request(const std::string& fields, const std::string& body = kBody) {
    return "POST /v1/messages HTTP/1.1\r\nHost: x\r\nx-api-key: k\r\n"
           "anthropic-version: 2023-06-01\r\n" +
           fields + "content-length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }

  void script(const std::string& text) {
    const Seen seen = ask({"PUT", "/mock/script", text});
    ASSERT_EQ(seen.status, 200) << seen.body;
  }

  Document get(const std::string& target) {
    auto document = json::parse_document(ask({"GET", target, ""}).body);
    EXPECT_TRUE(document);
    return document ? *document : Document();
  }

  net::Runtime runtime;
  MockServer server;
  std::unique_ptr<http::Client> client;
};

inline bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace ccproxy::mock
