// How the server starts and ends: exit codes, error messages of one sentence, replies that may
// finish and replies that may not.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <vector>

#include "support/raw_upstream.hpp"
#include "support/text.hpp"

namespace ccproxy::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Returns a scripted stream whose second event comes `pause` milliseconds after the first.
Document paused_stream(int pause) {
  return {
      {"pace", "events"},
      {"events",
       {{{"event", "message_start"},
         {"data", {{"type", "message_start"}, {"message", {{"usage", {{"input_tokens", 1}}}}}}}},
        {{"wait_ms", pause}},
        {{"event", "message_stop"}, {"data", {{"type", "message_stop"}}}}}}};
}

class Shutdown : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Workers, Shutdown, testing::Values(1U, 2U));

TEST_P(Shutdown, idle_server_ends_at_once) {
  ProxyFixture fixture(Plan{.workers = GetParam()});
  RawClient idle(fixture.port());
  idle.send(request("GET", "/health"));
  EXPECT_EQ(idle.read_reply().status, 200);
  const auto signalled_at = steady_clock::now();
  fixture.proxy().signal(SIGTERM);
  EXPECT_EQ(fixture.proxy().wait_exit(), 0);
  EXPECT_LT(steady_clock::now() - signalled_at, milliseconds(1500));
  bool closed = false;
  EXPECT_EQ(idle.read_all(&closed), "");
  EXPECT_TRUE(closed);
}

TEST_P(Shutdown, running_reply_may_finish) {
  ProxyFixture fixture(Plan{.workers = GetParam()});
  fixture.set_reply(paused_stream(700));
  RawClient client(fixture.port());
  client.send(request("POST", "/v1/messages", kStreamedBody, kAnthropicFields));
  ASSERT_TRUE(client.wait_for("message_start"));
  fixture.proxy().signal(SIGINT);
  const Reply reply = client.read_reply();
  EXPECT_TRUE(reply.complete);
  EXPECT_NE(reply.body.find("message_stop"), std::string::npos);
  EXPECT_EQ(reply.body.find("event: error"), std::string::npos);
  EXPECT_EQ(fixture.proxy().wait_exit(), 0);
  EXPECT_FALSE(RawClient(fixture.port()).connected());
}

TEST_P(Shutdown, stream_beyond_the_grace_ends_with_an_error) {
  ProxyFixture fixture(
      Plan{.workers = GetParam(), .config = R"({"server":{"shutdownGraceSeconds":1}})"});
  fixture.set_reply(paused_stream(20'000));
  RawClient client(fixture.port());
  client.send(request("POST", "/v1/messages", kStreamedBody, kAnthropicFields));
  ASSERT_TRUE(client.wait_for("message_start"));
  fixture.proxy().signal(SIGTERM);
  const Reply reply = client.read_reply();
  EXPECT_TRUE(reply.complete);
  EXPECT_NE(
      reply.body.find("event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\","
                      "\"message\":\"connection lost: CCProxy is shutting down\"}"),
      std::string::npos)
      << reply.body;
  EXPECT_EQ(fixture.proxy().wait_exit(), 0);
  EXPECT_EQ(fixture.receipt()["ended"], "shutdown");
}

TEST_P(Shutdown, request_without_a_reply_gets_a_503) {
  ProxyFixture fixture(
      Plan{.workers = GetParam(), .config = R"({"server":{"shutdownGraceSeconds":1}})"});
  RawClient client(fixture.port());
  client.send(request("POST", "/v1/messages", kWholeBody,
                      std::string(kAnthropicFields) + "x-mock-fault: stall\r\n"));
  ASSERT_TRUE(wait_until([&] { return !fixture.requests().empty(); }));
  fixture.proxy().signal(SIGTERM);
  const Reply reply = client.read_reply();
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(fixture.proxy().wait_exit(), 0);
}

TEST_P(Shutdown, second_signal_ends_the_server_at_once) {
  ProxyFixture fixture(Plan{.workers = GetParam()});
  RawClient client(fixture.port());
  client.send(request("POST", "/v1/messages", kWholeBody,
                      std::string(kAnthropicFields) + "x-mock-fault: stall\r\n"));
  ASSERT_TRUE(wait_until([&] { return !fixture.requests().empty(); }));
  const auto signalled_at = steady_clock::now();
  fixture.proxy().signal(SIGTERM);
  ASSERT_TRUE(fixture.proxy().wait_for("no new clients"));
  fixture.proxy().signal(SIGTERM);
  EXPECT_EQ(fixture.proxy().wait_exit(), 0);
  EXPECT_LT(steady_clock::now() - signalled_at, milliseconds(2000));
}

// Before, the simulated API of the demo, on a thread of its own, kept the process running for the
// ten minutes of its stall.
class DemoShutdown : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Stalls, DemoShutdown, testing::Values("stall", "stall-mid=3", "none"));

TEST_P(DemoShutdown, ends_at_once_at_a_second_signal) {
  ProxyFixture fixture;  // provides the home folder only
  Process demo(CCPROXY_BINARY, {"start", "--demo", "--port", "0"},
               {{"CCPROXY_HOME", fixture.home() + "/demo"}});
  ASSERT_TRUE(demo.wait_for("/v1/models"));
  const std::uint16_t port = port_in(demo.output());
  RawClient client(port);
  const std::string fault = GetParam();
  client.send(
      request("POST", "/v1/messages", kStreamedBody,
              kAnthropicFields + (fault == "none" ? "" : "x-mock-fault: " + fault + "\r\n")));
  if (fault == "stall") {
    ASSERT_TRUE(wait_until([&] {
      return send_request(port, "GET", "/health").body.find("\"in_flight\":1") != std::string::npos;
    }));
  } else {
    ASSERT_TRUE(client.wait_for("message_start"));
  }
  demo.signal(SIGTERM);
  ASSERT_TRUE(demo.wait_for("no new clients"));
  demo.signal(SIGTERM);
  EXPECT_EQ(demo.wait_exit(std::chrono::seconds(30)), 0);
}

struct StartupError {
  const char* name;
  int code;
  const char* config;
  std::vector<std::string> flags;
  const char* message;
};

TEST(Startup, fails_with_one_sentence_and_an_exit_code) {
  ProxyFixture taken;
  const std::string port = std::to_string(taken.port());
  const std::vector<StartupError> rows = {
      {"a port in use", 4, "", {"--port", port}, "in use"},
      {"a port in use, several workers", 4, "", {"--port", port, "--workers", "2"}, "in use"},
      {"an address that is not ours",
       4,
       R"({"apiKeys":[{"name":"a","key":"k"}]})",
       {"--port", "0", "--host", "192.0.2.1"},
       "192.0.2.1"},
      {"others could reach it", 5, "", {"--port", "0", "--host", "0.0.0.0"}, "apiKeys"},
      {"a host that is no address", 3, "", {"--port", "0", "--host", "example.org"}, "server.host"},
      {"a broken file", 3, "{\"server\": {,}}", {"--port", "0"}, "line 1"},
      {"a wrong value", 3, R"({"server":{"port":"x"}})", {}, "server.port"},
      {"a flag that is no flag", 2, "", {"--nonsense"}, "--nonsense"},
      {"certificates that are not there",
       3,
       R"({"upstream":{"baseUrl":"https://127.0.0.1:1","caFile":"/nonexistent.pem"}})",
       {"--port", "0"},
       "upstream.caFile"},
  };
  for (const StartupError& row : rows) {
    SCOPED_TRACE(row.name);
    ProxyFixture home(Plan{.config = "{}"});
    const std::string folder = home.home() + "/other";
    ASSERT_EQ(std::system(("mkdir -p " + folder).c_str()), 0);
    if (*row.config != '\0') {
      FILE* file = std::fopen((folder + "/config.json").c_str(), "w");
      std::fputs(row.config, file);
      std::fclose(file);
    }
    std::vector<std::string> arguments = {"start"};
    arguments.insert(arguments.end(), row.flags.begin(), row.flags.end());
    const Finished finished = run(CCPROXY_BINARY, arguments, {{"CCPROXY_HOME", folder}});
    EXPECT_EQ(finished.code, row.code) << finished.errors;
    EXPECT_NE(finished.errors.find(row.message), std::string::npos) << finished.errors;
    EXPECT_EQ(std::count(finished.errors.begin(), finished.errors.end(), '\n'), 1)
        << finished.errors;
  }
}

// Before, the message said "in use by another program", and people looked for one.
TEST(Startup, names_the_other_ccproxy_that_uses_the_address) {
  ProxyFixture taken(Plan{.flags = {"--socket", "{home}/door.sock"}});
  const std::string other = taken.home() + "/other";
  const std::string owner = "in use by another CCProxy (pid " + std::to_string(taken.proxy().pid());
  const std::string port = std::to_string(taken.port());
  for (const std::string& home : {taken.home(), other}) {
    const Finished on_port =
        run(CCPROXY_BINARY, {"start", "--port", port}, {{"CCPROXY_HOME", home}});
    EXPECT_EQ(on_port.code, 4);
    EXPECT_NE(on_port.errors.find(owner), std::string::npos) << on_port.errors;
    EXPECT_NE(on_port.errors.find("--port N"), std::string::npos) << on_port.errors;
  }
  const Finished mock = run(CCPROXY_BINARY, {"mock", "--port", port}, {{"CCPROXY_HOME", other}});
  EXPECT_EQ(mock.code, 4);
  EXPECT_NE(mock.errors.find(owner), std::string::npos) << mock.errors;
  const Finished on_socket =
      run(CCPROXY_BINARY, {"start", "--port", "0", "--socket", taken.home() + "/door.sock"},
          {{"CCPROXY_HOME", taken.home()}});
  EXPECT_EQ(on_socket.code, 4);
  EXPECT_NE(on_socket.errors.find(owner), std::string::npos) << on_socket.errors;
  EXPECT_NE(on_socket.errors.find("--socket PATH"), std::string::npos) << on_socket.errors;
}

TEST(Startup, names_the_other_program_that_uses_the_address) {
  const ProxyFixture fixture;
  RawUpstream taken;  // owned by this test's process
  const Finished finished = run(CCPROXY_BINARY, {"start", "--port", std::to_string(taken.port())},
                                {{"CCPROXY_HOME", fixture.home() + "/other"}});
  EXPECT_EQ(finished.code, 4);
  EXPECT_NE(finished.errors.find("in use by another program"), std::string::npos);
#ifdef __linux__
  EXPECT_NE(finished.errors.find("(pid " + std::to_string(::getpid()) + ")"), std::string::npos)
      << finished.errors;
#endif
  EXPECT_NE(finished.errors.find("--port N"), std::string::npos) << finished.errors;
}

TEST(Startup, needs_a_key_on_a_public_address) {
  ProxyFixture fixture(
      Plan{.environment = {{"ANTHROPIC_API_KEY", kServerKey}, {"CCPROXY_API_KEY", "ccp-env"}},
           .flags = {"--host", "0.0.0.0"}});
  EXPECT_EQ(send_request(fixture.port(), "GET", "/v1/models").status, 401);
  EXPECT_EQ(
      send_request(fixture.port(), "GET", "/v1/models", "", "x-ccproxy-key: ccp-env\r\n").status,
      200);
}

TEST(Startup, works_without_a_credential_and_says_what_to_do) {
  ProxyFixture fixture(Plan{.environment = {}});
  EXPECT_NE(fixture.proxy().output().find("credential: none"), std::string::npos);
  const Reply reply =
      send_request(fixture.port(), "POST", "/v1/messages", kWholeBody, kAnthropicFields);
  EXPECT_EQ(reply.status, 401);
  EXPECT_NE(reply.body.find("ANTHROPIC_API_KEY"), std::string::npos);
  const Document health = Document::parse(send_request(fixture.port(), "GET", "/health").body);
  EXPECT_EQ(health["credential"]["kind"], "none");
  EXPECT_EQ(health["credential"]["state"], "missing");
  EXPECT_EQ(send_request(fixture.port(), "GET", "/v1/models").status, 200);
}

}  // namespace
}  // namespace ccproxy::test
