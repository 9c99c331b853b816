// The log: without a reader, after its file was moved, at a terminal, and what it must not contain.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "support/chat.hpp"
#include "support/proxy_fixture.hpp"
#include "support/responses.hpp"
#include "support/terminal.hpp"
#include "support/text.hpp"

namespace ccproxy::test {
namespace {

class Log : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Workers, Log, testing::Values(1U, 2U));

TEST_P(Log, has_one_line_for_a_request_and_no_secret) {
  ProxyFixture fixture(Plan{.workers = GetParam(), .flags = {"--verbose"}});
  const std::string body =
      R"({"model":"gpt-4","max_tokens":5,"messages":[{"role":"user","content":"secret-in-body"}]})";
  const Reply reply =
      send_request(fixture.port(), "POST", "/v1/messages?token=secret-in-query", body,
                   std::string(kAnthropicFields) +
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

class LogFile : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Workers, LogFile, testing::Values(1U, 2U));

// Before, after 64 KiB no request was served, and SIGTERM had no effect.
TEST_P(LogFile, without_a_reader_does_not_block_the_server) {
  ProxyFixture other;  // provides the home folder and the mock
  const std::string pipe = other.home() + "/log.pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int reader = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_GE(reader, 0);
#ifdef F_SETPIPE_SZ
  (void)::fcntl(reader, F_SETPIPE_SZ, 4096);
#endif
  Process proxy("/bin/sh",
                {"-c", "exec \"$0\" \"$@\" 2>\"$PIPE\"", CCPROXY_BINARY, "start", "--port", "0",
                 "--workers", std::to_string(GetParam()), "--upstream", other.mock_url()},
                {{"CCPROXY_HOME", other.home() + "/piped"},
                 {"PIPE", pipe},
                 {"ANTHROPIC_API_KEY", kServerKey}});
  ASSERT_TRUE(proxy.wait_for("listening on"));
  RawClient client(port_in(proxy.output()));
  for (int i = 0; i < 400; ++i) {  // about 100 KB of log
    client.send(request("POST", "/v1/messages", kWholeBody, kAnthropicFields));
    ASSERT_EQ(client.read_reply().status, 200) << i;
  }
  proxy.signal(SIGTERM);
  EXPECT_EQ(proxy.wait_exit(), 0);
  ::close(reader);
}

TEST_P(LogFile, is_in_the_home_folder_and_reopened_on_sighup) {
  ProxyFixture fixture(Plan{.workers = GetParam(), .config = R"({"log":{"file":"my.log"}})"});
  const std::string path = fixture.home() + "/my.log";
  struct stat facts {};
  EXPECT_EQ(send_request(fixture.port(), "GET", "/v1/models").status, 200);
  ASSERT_TRUE(wait_until([&] { return file_text(path).find("/v1/models") != std::string::npos; }));
  ASSERT_EQ(::stat(path.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0600U);
  EXPECT_EQ(file_text(path).front(), '{') << "no terminal";

  ASSERT_EQ(std::rename(path.c_str(), (path + ".old").c_str()), 0);
  fixture.proxy().signal(SIGHUP);
  EXPECT_TRUE(wait_until([&] {
    return file_text(path).find("nothing changed") != std::string::npos;
  })) << "it reads the configuration again, too";
  EXPECT_EQ(send_request(fixture.port(), "GET", "/health").status, 200);
  EXPECT_TRUE(wait_until([&] { return file_text(path).find("/health") != std::string::npos; }));
}

TEST_P(LogFile, is_rotated_when_it_has_grown) {
  ProxyFixture fixture(
      Plan{.workers = GetParam(),
           .config = R"({"log":{"file":"~/my.log","maxMegabytes":1,"maxFiles":1}})",
           .environment = {{"ANTHROPIC_API_KEY", kServerKey}, {"HOME", "{home}"}}});
  const std::string path = fixture.home() + "/my.log";
  ASSERT_TRUE(wait_until([&] { return file_text(path).ends_with("}\n"); }));  // it has started
  { std::ofstream(path, std::ios::app) << std::string((1 << 20) - 100, 'x') << '\n'; }
  fixture.proxy().signal(SIGHUP);  // makes it check the size
  EXPECT_TRUE(wait_until([&] {
    EXPECT_EQ(send_request(fixture.port(), "GET", "/health").status, 200);
    return file_text(fixture.home() + "/my.1.log").starts_with("{") &&
           file_text(path).find("/health") != std::string::npos && file_text(path).size() < 100'000;
  }));
}

TEST_P(LogFile, counts_wrong_keys_and_omits_unknown_paths) {
  ProxyFixture fixture(
      Plan{.workers = GetParam(), .config = R"({"apiKeys":[{"name":"a","key":"key-of-a"}]})"});
  for (int i = 0; i < 50; ++i)
    EXPECT_EQ(send_request(fixture.port(), "GET", "/v1/models", "", "x-api-key: wrong\r\n").status,
              401);
  ASSERT_TRUE(wait_until([&] { return fixture.log().find("key_refused") != std::string::npos; }));
  EXPECT_TRUE(fixture.logs("\"peer\":\"127.0.0.1:"));
  EXPECT_LT(count_in(fixture.log(), "\"status\":401"), 25U) << "at most one in a second";
  EXPECT_EQ(fixture.log().find("wrong"), std::string::npos);
  EXPECT_EQ(send_request(fixture.port(), "GET", "/v7/secret-in-path", "", "x-api-key: key-of-a\r\n")
                .status,
            404);
  ASSERT_TRUE(wait_until([&] { return fixture.log().find("no such route") != std::string::npos; }));
  EXPECT_EQ(fixture.log().find("secret-in-path"), std::string::npos);
}

TEST_P(LogFile, omits_error_texts_and_shortens_long_values) {
  ProxyFixture fixture(Plan{.workers = GetParam()});
  fixture.set_reply(Document::parse(
      R"({"pace":"events","events":[{"event":"error","data":{"type":"error","error":)"
      R"({"type":"invalid_request_error","message":"secret-in-event"}}}]})"));
  (void)send_request(fixture.port(), "POST", kChat, chat_body({{"stream", true}}).dump(),
                     kOpenAiFields);
  const std::string model(100'000, 'm');
  (void)send_request(fixture.port(), "POST", kChat, chat_body({{"model", model}}).dump(),
                     kOpenAiFields);
  ASSERT_EQ(fixture.receipts(2).size(), 2U);
  EXPECT_EQ(fixture.log().find("secret-in-event"), std::string::npos) << fixture.log();
  EXPECT_EQ(fixture.log().find(std::string(129, 'm')), std::string::npos);
  EXPECT_TRUE(fixture.logs(std::string(128, 'm') + "..."));
}

// Before, the log quoted responses that were no event stream, and refused bodies.
TEST_P(LogFile, omits_texts_of_bodies) {
  constexpr const char* kSecret = "secret-in-body";
  ProxyFixture fixture(Plan{.workers = GetParam()});
  std::size_t sent = 0;
  // Sends a request whose reply may quote the secret, while the log must not.
  const auto send = [&](std::string_view target, const Document& body,
                        bool reply_quotes_it = true) {
    const bool passes = target == "/v1/messages";
    const Reply reply = send_request(fixture.port(), "POST", target, body.dump(),
                                     passes ? kAnthropicFields : kOpenAiFields);
    EXPECT_EQ(reply.body.find(kSecret) != std::string::npos, reply_quotes_it)
        << target << body << reply.body;
    ++sent;
  };
  const Document error_event = {
      {"pace", "events"},
      {"events",
       {{{"event", "error"},
         {"data", {{"type", "error"}, {"error", {{"type", kSecret}, {"message", kSecret}}}}}}}}};
  for (const bool streams : {false, true})
    for (const Document& scripted : {Document{{"body", kSecret}}, error_event}) {
      fixture.set_reply(scripted);
      send(kChat, chat_body({{"stream", streams}}));
      send("/v1/completions", {{"model", "sonnet"}, {"prompt", "Hi"}, {"stream", streams}});
      send(kResponses, response_body({{"stream", streams}}));
    }
  fixture.set_reply({{"text", "Hi"}, {"stop_reason", kSecret}});
  send(kChat, chat_body(), false);
  send("/v1/messages", Document::parse(kWholeBody));
  send("/v1/messages", Document::parse(kStreamedBody));

  const auto body_with = [&](const Document& content) {
    return chat_body({{"messages", {{{"role", "user"}, {"content", content}}}}});
  };
  send(kChat, body_with({{{"type", kSecret}}}));
  send(kChat,
       body_with({{{"type", "file"},
                   {"file",
                    {{"filename", kSecret}, {"file_data", "data:application/zip;base64,AA=="}}}}}));
  const Document tool = function_tool(kSecret);
  Document other = tool;
  other["function"]["description"] = "another";
  send(kChat, chat_body({{"tools", {tool, other}}}));
  for (const std::string end : {"", "/input_tokens"}) {
    send(kResponses + end, response_body({{"previous_response_id", kSecret}}));
    const Document named = {{"type", "item_reference"}, {"id", kSecret}};
    send(kResponses + end, response_body({{"input", {named}}}));
    const Document part = {{"role", "user"}, {"content", {{{"type", kSecret}}}}};
    send(kResponses + end, response_body({{"input", {part}}}));
  }
  for (const std::string of : {"/v1/responses/", "/v1/models/"}) {
    EXPECT_EQ(send_request(fixture.port(), "GET", of + kSecret, "", kOpenAiFields).status, 404);
    ++sent;
  }
  ASSERT_EQ(fixture.receipts(sent).size(), sent);
  EXPECT_EQ(fixture.log().find(kSecret), std::string::npos) << fixture.log();
  for (const char* shown :
       {"the upstream's answer is no event stream\"", "error event: of a type that is not known",
        "\"stop_reason\":\"other\"", "unsupported_content at messages[0].content[0]",
        "not_found at input", "there is no such object", "model_not_found at model"})
    EXPECT_NE(fixture.log().find(shown), std::string::npos) << shown << fixture.log();
}

TEST(TerminalLog, has_one_readable_line_for_each_request) {
  ProxyFixture fixture;
  const auto start = [&](const std::vector<std::string>& more, Process::Environment environment) {
    std::vector<std::string> arguments = {"start", "--port", "0", "--upstream", fixture.mock_url()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    environment["CCPROXY_HOME"] = fixture.home() + "/terminal";
    environment["ANTHROPIC_API_KEY"] = kServerKey;
    environment["TERM"] = "xterm";
    return std::make_unique<Terminal>(CCPROXY_BINARY, arguments, environment);
  };
  const auto send_two_requests = [&](Terminal& terminal) {
    const std::string line = terminal.line_of("listening on");
    EXPECT_EQ(
        send_request(port_in(line), "POST", "/v1/messages", kWholeBody, kAnthropicFields).status,
        200);
    EXPECT_EQ(send_request(port_in(line), "GET", "/nowhere").status, 404);
  };
  auto coloured = start({}, {});
  send_two_requests(*coloured);
  EXPECT_TRUE(coloured->wait_for("POST /v1/messages claude-sonnet-5 \x1b[32m200\x1b[0m"))
      << coloured->screen();
  EXPECT_TRUE(coloured->wait_for("\x1b[33m404\x1b[0m")) << coloured->screen();
  EXPECT_TRUE(coloured->wait_for("refused: there is no such route")) << coloured->screen();
  EXPECT_EQ(coloured->screen().find("event=request"), std::string::npos);

  auto plain = start({}, {{"NO_COLOR", "1"}});
  send_two_requests(*plain);
  EXPECT_TRUE(plain->wait_for("POST /v1/messages claude-sonnet-5 200 ")) << plain->screen();
  EXPECT_EQ(plain->screen().find('\x1b'), std::string::npos);

  auto verbose = start({"--verbose"}, {});
  send_two_requests(*verbose);
  EXPECT_TRUE(verbose->wait_for("event=request id=")) << verbose->screen();
}

}  // namespace
}  // namespace ccproxy::test
