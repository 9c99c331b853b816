// Limits on time, memory, connections and files.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "support/chat.hpp"
#include "support/proxy_fixture.hpp"
#include "support/text.hpp"

namespace ccproxy::test {
namespace {

using std::chrono::milliseconds;

class Limits : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Workers, Limits, testing::Values(1U, 2U));

TEST_P(Limits, end_slow_heads_slow_bodies_and_idle_connections) {
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

TEST_P(Limits, drop_a_client_that_does_not_read) {
  ProxyFixture fixture(
      Plan{.workers = GetParam(), .config = R"({"timeouts":{"writeStallSeconds":2}})"});
  fixture.set_reply({{"pace", "none"},
                     {"blocks", {{{"deltas", {std::string(10'000, 'x')}}, {"repeat", 5'000}}}}});
  const std::size_t before = resident_bytes(fixture.proxy().pid());
  RawClient client(fixture.port());
  client.shrink_receive_buffer();
  client.send(request("POST", "/v1/messages", kStreamedBody, kAnthropicFields));
  ASSERT_TRUE(client.wait_for("HTTP/1.1 200"));
  std::size_t peak = 0;
  ASSERT_TRUE(wait_until([&] {
    peak = std::max(peak, resident_bytes(fixture.proxy().pid()));
    return fixture.log().find("client_stalled") != std::string::npos;
  }));
  EXPECT_LT(peak, before + allowed_growth(8)) << "of a reply of 50 MB";
}

TEST_P(Limits, on_buffered_bodies_reply_503_with_retry_after) {
  ProxyFixture fixture(Plan{.workers = GetParam(), .config = R"({"limits":{"heldBytes":20000}})"});
  const std::string body = "{\"model\":\"x\",\"pad\":\"" + std::string(30'000, 'x') + "\"}";
  const Reply reply = send_request(fixture.port(), "POST", "/v1/messages", body, kAnthropicFields);
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.field("retry-after"), "1");
  EXPECT_NE(reply.body.find("limits.heldBytes"), std::string::npos);
  for (int i = 0; i < 20; ++i)  // the memory was released
    EXPECT_EQ(
        send_request(fixture.port(), "POST", "/v1/messages", kWholeBody, kAnthropicFields).status,
        200);
}

TEST_P(Limits, on_connections_close_an_extra_connection) {
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

TEST_P(Limits, on_connections_reply_503_to_requests) {
  ProxyFixture fixture(Plan{.workers = GetParam(), .config = R"({"limits":{"connections":2}})"});
  RawClient one(fixture.port()), two(fixture.port());
  for (RawClient* client : {&one, &two}) {
    client->send(request("GET", "/health"));
    EXPECT_EQ(client->read_reply().status, 200);
  }
  const Reply messages =
      send_request(fixture.port(), "POST", "/v1/messages", kWholeBody, kAnthropicFields);
  EXPECT_EQ(messages.status, 503) << messages.raw;
  EXPECT_EQ(messages.field("retry-after"), "1");
  EXPECT_NE(messages.body.find("limits.connections"), std::string::npos);
  EXPECT_NE(messages.body.find("\"type\":\"error\""), std::string::npos) << messages.body;
  const Reply chat =
      send_request(fixture.port(), "POST", "/v1/chat/completions", kWholeBody, kAnthropicFields);
  EXPECT_EQ(chat.status, 503);
  EXPECT_EQ(chat.body.find("\"type\":\"error\""), std::string::npos) << "in its own dialect";
  ASSERT_TRUE(
      wait_until([&] { return fixture.log().find("connection_refused") != std::string::npos; }));
  EXPECT_TRUE(fixture.logs("\"peer\":\"127.0.0.1:"));
  one.close();
  EXPECT_TRUE(
      wait_until([&] { return send_request(fixture.port(), "GET", "/health").status == 200; }));
}

// A server with a limit of 200 open files, in front of the fixture's mock.
class FewFiles {
 public:
  FewFiles(const ProxyFixture& other, unsigned workers)
      : process_("/bin/sh",
                 {"-c", "ulimit -n 200; exec \"$0\" \"$@\"", CCPROXY_BINARY, "start", "--port", "0",
                  "--workers", std::to_string(workers), "--upstream", other.mock_url()},
                 {{"CCPROXY_HOME", other.home() + "/small"}, {"ANTHROPIC_API_KEY", kServerKey}}) {
    port_ = wait_for_port(process_);
  }

  [[nodiscard]] Process& process() { return process_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  Process process_;
  std::uint16_t port_ = 0;
};

// Before, clients were accepted whose upstream connection could not be opened.
TEST_P(Limits, on_open_files_let_admitted_clients_be_served) {
  ProxyFixture other;  // provides the home folder and the mock
  FewFiles proxy(other, GetParam());
  EXPECT_TRUE(proxy.process().wait_for("ulimit -n")) << "the limit is reported at the start";
  const std::uint16_t port = proxy.port();
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 150; ++i) {
    clients.push_back(std::make_unique<RawClient>(port));
    clients.back()->send(request("POST", "/v1/messages", kWholeBody, kAnthropicFields));
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

// Before, responses in the background were not counted, although each takes an upstream connection:
// at the last file nobody was served.
TEST_P(Limits, on_open_files_count_background_responses) {
  ProxyFixture other;
  other.set_reply({{"fault", "stall"}});
  FewFiles proxy(other, GetParam());
  const std::uint16_t port = proxy.port();
  constexpr const char* kBody = R"({"model":"claude-sonnet-5","input":"hi","background":true})";
  int begun = 0, turned_away = 0;
  for (int i = 0; i < 185; ++i) {
    const Reply reply = send_request(port, "POST", "/v1/responses", kBody, kOpenAiFields);
    begun += reply.status == 200 ? 1 : 0;
    turned_away += reply.status == 503 ? 1 : 0;
    EXPECT_EQ(reply.field("retry-after"), reply.status == 503 ? "1" : "");
  }
  EXPECT_GT(begun, 20);
  EXPECT_EQ(begun + turned_away, 185);
  EXPECT_GT(turned_away, 100);
  other.set_reply({{"text", "served"}});
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 15; ++i) {
    clients.push_back(std::make_unique<RawClient>(port));
    clients.back()->send(request("POST", "/v1/messages", kWholeBody, kAnthropicFields));
  }
  for (const auto& client : clients)
    EXPECT_EQ(client->read_reply(false, std::chrono::seconds(60)).status, 200);
  EXPECT_EQ(proxy.process().errors().find("cannot accept a connection"), std::string::npos);
}

TEST_P(Limits, on_open_files_are_raised_as_connections_need) {
  ProxyFixture other;
  Process proxy("/bin/sh",
                {"-c", "ulimit -S -n 100; exec \"$0\" \"$@\"", CCPROXY_BINARY, "start", "--port",
                 "0", "--workers", std::to_string(GetParam()), "--upstream", other.mock_url()},
                {{"CCPROXY_HOME", other.home() + "/soft"}, {"ANTHROPIC_API_KEY", kServerKey}});
  ASSERT_TRUE(proxy.wait_for("listening on"));
  const std::string limits = file_text("/proc/" + std::to_string(proxy.pid()) + "/limits");
  if (limits.empty()) GTEST_SKIP() << "only Linux tells";
  EXPECT_EQ(limits.find("Max open files            100 "), std::string::npos) << limits;
  EXPECT_NE(limits.find("Max core file size        0 "), std::string::npos) << limits;
}

TEST_P(Limits, do_not_apply_to_uploads) {
  ProxyFixture fixture(Plan{.workers = GetParam()});
  const std::string file(std::size_t{40} << 20, 'f');
  const std::string body =
      "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f.bin\"\r\n"
      "Content-Type: application/octet-stream\r\n\r\n" +
      file + "\r\n--b--\r\n";
  const std::size_t before = resident_bytes(fixture.proxy().pid());
  const Reply reply = send_request(
      fixture.port(), "POST", "/v1/files", body,
      "anthropic-version: 2023-06-01\r\nContent-Type: multipart/form-data; boundary=b\r\n");
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_LT(resident_bytes(fixture.proxy().pid()), before + allowed_growth(8));
}

}  // namespace
}  // namespace ccproxy::test
