// Limits of time and memory, and a log that keeps secrets.
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "support/chat.hpp"
#include "support/road.hpp"

namespace ccproxy::test {
namespace {

using std::chrono::milliseconds;

class Limits : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Workers, Limits, testing::Values(1U, 2U));

TEST_P(Limits, of_time_for_a_head_a_body_and_an_idle_connection) {
  ProxyFixture fixture(Plan{
      .workers = GetParam(),
      .config =
          R"({"timeouts":{"requestHeadSeconds":1,"bodyStallSeconds":1,"keepAliveSeconds":2}})"});
  RawClient head(fixture.port()), body(fixture.port()), idle(fixture.port()), chat(fixture.port());
  chat.send("POST /v1/chat/completions HTTP/1.1\r\nHost: loc");
  head.send("GET /health HTTP/1.1\r\nHost: loc");
  body.send("POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{");
  const Reply late_head = head.read_reply(), late_body = body.read_reply();
  EXPECT_EQ(late_head.status, 408);
  EXPECT_NE(late_head.body.find("timeouts.requestHeadSeconds"), std::string::npos);
  EXPECT_EQ(late_body.status, 408);
  const Reply late_chat = chat.read_reply();
  EXPECT_EQ(late_chat.status, 408);
  EXPECT_NE(late_chat.body.find("\"code\""), std::string::npos) << "in the dialect of its path";
  EXPECT_NE(late_body.body.find("timeouts.bodyStallSeconds"), std::string::npos);
  bool closed = false;
  EXPECT_EQ(idle.read_all(&closed), "");
  EXPECT_TRUE(closed);
}

TEST_P(Limits, a_client_that_does_not_read_stops_the_upstream_and_is_dropped) {
  ProxyFixture fixture(
      Plan{.workers = GetParam(), .config = R"({"timeouts":{"writeStallSeconds":2}})"});
  fixture.reply({{"pace", "none"},
                 {"blocks", {{{"deltas", {std::string(10'000, 'x')}}, {"repeat", 5'000}}}}});
  const std::size_t before = resident_bytes(fixture.proxy().pid());
  RawClient client(fixture.port());
  client.shrink_receive_buffer();
  client.send(request("POST", "/v1/messages", kStreamed, kFields));
  ASSERT_TRUE(client.wait_for("HTTP/1.1 200"));
  std::size_t most = 0;
  ASSERT_TRUE(wait_until([&] {
    most = std::max(most, resident_bytes(fixture.proxy().pid()));
    return fixture.log().find("client_stalled") != std::string::npos;
  }));
  EXPECT_LT(most, before + room_to_grow(8)) << "of an answer of 50 MB";
}

TEST_P(Limits, of_bodies_held_at_once_say_when_to_come_back) {
  ProxyFixture fixture(Plan{.workers = GetParam(), .config = R"({"limits":{"heldBytes":20000}})"});
  const std::string body = "{\"model\":\"x\",\"pad\":\"" + std::string(30'000, 'x') + "\"}";
  const Reply reply = ask(fixture.port(), "POST", "/v1/messages", body, kFields);
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.field("retry-after"), "1");
  EXPECT_NE(reply.body.find("limits.heldBytes"), std::string::npos);
  for (int i = 0; i < 20; ++i)  // what was held is given back
    EXPECT_EQ(ask(fixture.port(), "POST", "/v1/messages", kWhole, kFields).status, 200);
}

TEST_P(Limits, of_connections_turn_the_next_one_away) {
  ProxyFixture fixture(Plan{.workers = GetParam(), .config = R"({"limits":{"connections":2}})"});
  RawClient one(fixture.port()), two(fixture.port());
  one.send(request("GET", "/health"));
  two.send(request("GET", "/health"));
  EXPECT_EQ(one.read_reply().status, 200);
  EXPECT_EQ(two.read_reply().status, 200);
  RawClient three(fixture.port());
  bool closed = false;
  EXPECT_EQ(three.read_all(&closed), "");
  EXPECT_TRUE(closed);
}

TEST_P(Limits, of_connections_are_told_to_whoever_asks) {
  ProxyFixture fixture(Plan{.workers = GetParam(), .config = R"({"limits":{"connections":2}})"});
  RawClient one(fixture.port()), two(fixture.port());
  for (RawClient* client : {&one, &two}) {
    client->send(request("GET", "/health"));
    EXPECT_EQ(client->read_reply().status, 200);
  }
  const Reply messages = ask(fixture.port(), "POST", "/v1/messages", kWhole, kFields);
  EXPECT_EQ(messages.status, 503) << messages.raw;
  EXPECT_EQ(messages.field("retry-after"), "1");
  EXPECT_NE(messages.body.find("limits.connections"), std::string::npos);
  EXPECT_NE(messages.body.find("\"type\":\"error\""), std::string::npos) << messages.body;
  const Reply chat = ask(fixture.port(), "POST", "/v1/chat/completions", kWhole, kFields);
  EXPECT_EQ(chat.status, 503);
  EXPECT_EQ(chat.body.find("\"type\":\"error\""), std::string::npos) << "in its own dialect";
  ASSERT_TRUE(
      wait_until([&] { return fixture.log().find("connection_refused") != std::string::npos; }));
  EXPECT_TRUE(fixture.logs("\"peer\":\"127.0.0.1:"));
  one.close();
  EXPECT_TRUE(wait_until([&] { return ask(fixture.port(), "GET", "/health").status == 200; }));
}

// A server that may have 200 files open, in front of a road's mock.
class FewFiles {
 public:
  FewFiles(const ProxyFixture& other, unsigned workers)
      : process_("/bin/sh",
                 {"-c", "ulimit -n 200; exec \"$0\" \"$@\"", CCPROXY_BINARY, "start", "--port", "0",
                  "--workers", std::to_string(workers), "--upstream", other.mock_url()},
                 {{"CCPROXY_HOME", other.home() + "/small"}, {"ANTHROPIC_API_KEY", kServerKey}}) {
    constexpr std::string_view kBefore = "listening on http://127.0.0.1:";
    EXPECT_TRUE(process_.wait_for(std::string(kBefore))) << process_.errors();
    const std::string output = process_.output();
    const auto at = output.find(kBefore);
    if (at != std::string::npos)
      port_ = static_cast<std::uint16_t>(std::stoul(output.substr(at + kBefore.size())));
  }

  [[nodiscard]] Process& process() { return process_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  Process process_;
  std::uint16_t port_ = 0;
};

// Clients were taken in for whom no connection to the upstream could be opened.
TEST_P(Limits, of_open_files_leave_room_to_serve_whoever_is_let_in) {
  ProxyFixture other;  // its home and its mock
  FewFiles proxy(other, GetParam());
  EXPECT_TRUE(proxy.process().wait_for("ulimit -n")) << "it says what is served";
  const std::uint16_t port = proxy.port();
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 150; ++i) {
    clients.push_back(std::make_unique<RawClient>(port));
    clients.back()->send(request("POST", "/v1/messages", kWhole, kFields));
  }
  int served = 0, turned_away = 0;
  for (const auto& client : clients) {
    const int status = client->read_reply(false, std::chrono::seconds(60)).status;
    served += status == 200 ? 1 : 0;
    turned_away += status == 503 ? 1 : 0;
  }
  EXPECT_GT(served, 20);
  EXPECT_EQ(served + turned_away, 150) << "nobody waits for ever, nobody is cut off";
}

// Each took a connection to the upstream, and nobody counted them: at the last file nobody was
// served.
TEST_P(Limits, of_open_files_hold_for_what_runs_in_the_background) {
  ProxyFixture other;
  other.reply({{"fault", "stall"}});
  FewFiles proxy(other, GetParam());
  const std::uint16_t port = proxy.port();
  constexpr const char* kBody = R"({"model":"claude-sonnet-5","input":"hi","background":true})";
  int begun = 0, turned_away = 0;
  for (int i = 0; i < 185; ++i) {
    const Reply reply = ask(port, "POST", "/v1/responses", kBody, kOpenAiFields);
    begun += reply.status == 200 ? 1 : 0;
    turned_away += reply.status == 503 ? 1 : 0;
    EXPECT_EQ(reply.field("retry-after"), reply.status == 503 ? "1" : "");
  }
  EXPECT_GT(begun, 20);
  EXPECT_EQ(begun + turned_away, 185);
  EXPECT_GT(turned_away, 100);
  other.reply({{"text", "served"}});
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 15; ++i) {
    clients.push_back(std::make_unique<RawClient>(port));
    clients.back()->send(request("POST", "/v1/messages", kWhole, kFields));
  }
  for (const auto& client : clients)
    EXPECT_EQ(client->read_reply(false, std::chrono::seconds(60)).status, 200);
  EXPECT_EQ(proxy.process().errors().find("cannot accept a connection"), std::string::npos);
}

TEST_P(Limits, of_open_files_are_raised_to_what_the_connections_need) {
  ProxyFixture other;
  Process proxy("/bin/sh",
                {"-c", "ulimit -S -n 100; exec \"$0\" \"$@\"", CCPROXY_BINARY, "start", "--port",
                 "0", "--workers", std::to_string(GetParam()), "--upstream", other.mock_url()},
                {{"CCPROXY_HOME", other.home() + "/soft"}, {"ANTHROPIC_API_KEY", kServerKey}});
  ASSERT_TRUE(proxy.wait_for("listening on"));
  const std::string limits = [&] {
    std::ifstream file("/proc/" + std::to_string(proxy.pid()) + "/limits");
    return std::string{std::istreambuf_iterator<char>(file), {}};
  }();
  if (limits.empty()) GTEST_SKIP() << "only Linux tells";
  EXPECT_EQ(limits.find("Max open files            100 "), std::string::npos) << limits;
  EXPECT_NE(limits.find("Max core file size        0 "), std::string::npos) << limits;
}

TEST_P(Limits, do_not_hold_for_files) {
  ProxyFixture fixture(Plan{.workers = GetParam()});
  const std::string file(std::size_t{40} << 20, 'f');
  const std::string body =
      "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f.bin\"\r\n"
      "Content-Type: application/octet-stream\r\n\r\n" +
      file + "\r\n--b--\r\n";
  const std::size_t before = resident_bytes(fixture.proxy().pid());
  const Reply reply =
      ask(fixture.port(), "POST", "/v1/files", body,
          "anthropic-version: 2023-06-01\r\nContent-Type: multipart/form-data; boundary=b\r\n");
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_LT(resident_bytes(fixture.proxy().pid()), before + room_to_grow(8));
}

class Log : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Workers, Log, testing::Values(1U, 2U));

TEST_P(Log, has_one_line_a_request_and_no_secret) {
  ProxyFixture fixture(Plan{.workers = GetParam(), .flags = {"--verbose"}});
  const std::string body =
      R"({"model":"gpt-4","max_tokens":5,"messages":[{"role":"user","content":"secret-in-body"}]})";
  const Reply reply =
      ask(fixture.port(), "POST", "/v1/messages?token=secret-in-query", body,
          std::string(kFields) +
              "Authorization: Bearer secret-in-field\r\nCookie: secret-in-cookie\r\n"
              "x-unknown: secret-in-unknown\r\nUser-Agent: tool/1.2 (more)\r\n");
  EXPECT_EQ(reply.status, 200);
  const Document receipt = fixture.receipt();
  EXPECT_EQ(receipt["route"], "/v1/messages");
  EXPECT_EQ(receipt["client"], "tool/1.2");
  EXPECT_EQ(receipt["model"], "gpt-4");
  EXPECT_EQ(receipt["model_sent"], "claude-sonnet-4-6");
  EXPECT_EQ(receipt["status"], 200);
  EXPECT_EQ(receipt["ended"], "complete");
  for (const char* field : {"id", "upstream_request_id", "first_byte_ms", "duration_ms",
                            "input_tokens", "cached_tokens", "output_tokens"})
    EXPECT_TRUE(receipt.contains(field)) << field;
  EXPECT_TRUE(fixture.logs("x-unknown")) << "--verbose shows names";
  EXPECT_EQ(fixture.log().find("secret"), std::string::npos);
  EXPECT_EQ(fixture.log().find(kServerKey), std::string::npos);
}

}  // namespace
}  // namespace ccproxy::test
