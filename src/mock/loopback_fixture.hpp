// Test support: the simulated API on a loopback port, and an HTTP client and a raw connection to
// it.
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

// What a client received over one connection.
struct ReceivedReply {
  int status = 0;
  std::string head;  // header lines; after send_raw() with the status line
  std::string body;
  bool complete = false;
  std::optional<Error> error{};  // set unless complete
  Clock::duration time{};
  std::string request_id;
};

struct TestRequest {
  std::string method = "POST";
  std::string target = "/v1/messages";
  std::string body = kBody;
  std::vector<std::pair<std::string, std::string>> fields{};
};

inline TestRequest with_fault(const std::string& fault, const char* body = kBody) {
  return TestRequest{"POST", "/v1/messages", body, {{"x-mock-fault", fault}}};
}

inline Task<void> finish(net::Runtime& runtime, Task<void> work) {
  co_await std::move(work);
  runtime.stop();
}

inline Task<void> send_request(http::Client& client, const TestRequest& request,
                               ReceivedReply& reply) {
  const auto start = Clock::now();
  auto call = co_await client.open(false);
  if (!call) {
    reply.error = call.error();
    co_return;
  }
  std::vector<http::Field> fields = {{"x-api-key", "k"}, {"anthropic-version", "2023-06-01"}};
  for (const auto& [name, value] : request.fields) fields.push_back({name, value});
  const http::OutgoingRequest outgoing{request.method, request.target, fields, request.body.size()};
  auto sent = co_await (*call)->send(outgoing, request.body, true);
  auto head = co_await (*call)->read_head();
  if (!sent || !head) {
    reply.error = head ? sent.error() : head.error();
    reply.time = Clock::now() - start;
    co_return;
  }
  reply.status = head->status;
  reply.request_id = head->get("request-id");
  for (const http::Field& field : head->fields)
    http::append_field(reply.head, field.name, field.value);
  while (true) {
    auto piece = co_await (*call)->read_body();
    if (!piece) reply.error = piece.error();
    if (!piece || piece->empty()) break;
    reply.body += *piece;
  }
  reply.complete = !reply.error;
  reply.time = Clock::now() - start;
}

// Sends raw bytes and collects everything that comes back, up to `max_bytes`. `wait` is how long
// the connection may be silent before the exchange ends.
inline Task<void> exchange_raw(net::Runtime& runtime, std::uint16_t port, const std::string& bytes,
                               milliseconds wait, std::size_t max_bytes, ReceivedReply& reply) {
  net::Resolver resolver(runtime);
  auto stream = co_await net::dial(runtime, resolver, "127.0.0.1", port, seconds(5));
  if (!stream) co_return;
  auto written = co_await (*stream)->write(bytes);
  std::vector<char> room(4096);
  while (written && reply.body.size() < max_bytes) {
    (*stream)->expires_after(wait);
    auto got = co_await (*stream)->read_some(room);
    if (!got) reply.error = got.error();
    if (!got || *got == 0) break;
    reply.body.append(room.data(), *got);
  }
  reply.complete = !reply.error;
  const auto end = reply.body.find("\r\n\r\n");
  if (end == std::string::npos) co_return;
  reply.head = reply.body.substr(0, end + 2);
  reply.body.erase(0, end + 4);
}

class LoopbackFixture : public testing::Test {
 protected:
  explicit LoopbackFixture(Options options = {}) : server(runtime, std::move(options)) {
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

  ReceivedReply send(const TestRequest& request) {
    ReceivedReply reply;
    run(send_request(*client, request, reply));
    return reply;
  }

  ReceivedReply send_raw(const std::string& bytes, milliseconds wait = milliseconds(2000),
                         std::size_t max_bytes = 1 << 20) {
    ReceivedReply reply;
    run(exchange_raw(runtime, server.port(), bytes, wait, max_bytes, reply));
    return reply;
  }

  std::string raw_request(const std::string& fields, const std::string& body = kBody) {
    return "POST /v1/messages HTTP/1.1\r\nHost: x\r\nx-api-key: k\r\n"
           "anthropic-version: 2023-06-01\r\n" +
           fields + "content-length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }

  void set_script(const std::string& text) {
    const ReceivedReply reply = send({"PUT", "/mock/script", text});
    ASSERT_EQ(reply.status, 200) << reply.body;
  }

  Document get(const std::string& target) {
    auto document = json::parse_document(send({"GET", target, ""}).body);
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
