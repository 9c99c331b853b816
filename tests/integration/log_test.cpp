// The log as the world sees it: read by nobody, moved away, at a terminal, and what it never holds.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "support/chat.hpp"
#include "support/responses.hpp"
#include "support/road.hpp"
#include "support/terminal.hpp"

namespace ccproxy::test {
namespace {

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::size_t count_of(const std::string& text, const std::string& word) {
  std::size_t count = 0;
  for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++count;
  return count;
}

std::uint16_t port_in(const std::string& banner) {
  const auto at = banner.find("http://127.0.0.1:") + 17;
  return static_cast<std::uint16_t>(std::stoul(banner.substr(at)));
}

class LogFiles : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Workers, LogFiles, testing::Values(1U, 2U));

// Nobody was served behind 64 KiB, and SIGTERM was not heard.
TEST_P(LogFiles, that_nobody_reads_stop_nothing) {
  ProxyFixture other;  // its home and its mock
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
    client.send(request("POST", "/v1/messages", kWhole, kFields));
    ASSERT_EQ(client.read_reply().status, 200) << i;
  }
  proxy.signal(SIGTERM);
  EXPECT_EQ(proxy.wait_exit(), 0);
  ::close(reader);
}

TEST_P(LogFiles, stand_beside_the_configuration_and_are_opened_again_on_sighup) {
  ProxyFixture fixture(Plan{.workers = GetParam(), .config = R"({"log":{"file":"my.log"}})"});
  const std::string path = fixture.home() + "/my.log";
  struct stat facts {};
  EXPECT_EQ(ask(fixture.port(), "GET", "/v1/models").status, 200);
  ASSERT_TRUE(wait_until([&] { return text_of(path).find("/v1/models") != std::string::npos; }));
  ASSERT_EQ(::stat(path.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0600U);
  EXPECT_EQ(text_of(path).front(), '{') << "no terminal";

  ASSERT_EQ(std::rename(path.c_str(), (path + ".old").c_str()), 0);
  fixture.proxy().signal(SIGHUP);
  EXPECT_TRUE(wait_until([&] {
    return text_of(path).find("nothing changed") != std::string::npos;
  })) << "it reads the configuration again, too";
  EXPECT_EQ(ask(fixture.port(), "GET", "/health").status, 200);
  EXPECT_TRUE(wait_until([&] { return text_of(path).find("/health") != std::string::npos; }));
}

TEST_P(LogFiles, are_put_aside_when_they_have_grown) {
  ProxyFixture fixture(
      Plan{.workers = GetParam(),
           .config = R"({"log":{"file":"~/my.log","maxMegabytes":1,"maxFiles":1}})",
           .environment = {{"ANTHROPIC_API_KEY", kServerKey}, {"HOME", "{home}"}}});
  const std::string path = fixture.home() + "/my.log";
  ASSERT_TRUE(wait_until([&] { return text_of(path).ends_with("}\n"); }));  // of the start
  { std::ofstream(path, std::ios::app) << std::string((1 << 20) - 100, 'x') << '\n'; }
  fixture.proxy().signal(SIGHUP);  // it notices the size, when it comes to it
  EXPECT_TRUE(wait_until([&] {
    EXPECT_EQ(ask(fixture.port(), "GET", "/health").status, 200);
    return text_of(fixture.home() + "/my.1.log").starts_with("{") &&
           text_of(path).find("/health") != std::string::npos && text_of(path).size() < 100'000;
  }));
}

TEST_P(LogFiles, count_keys_that_are_wrong_and_do_not_name_unknown_paths) {
  ProxyFixture fixture(
      Plan{.workers = GetParam(), .config = R"({"apiKeys":[{"name":"a","key":"key-of-a"}]})"});
  for (int i = 0; i < 50; ++i)
    EXPECT_EQ(ask(fixture.port(), "GET", "/v1/models", "", "x-api-key: wrong\r\n").status, 401);
  ASSERT_TRUE(wait_until([&] { return fixture.log().find("key_refused") != std::string::npos; }));
  EXPECT_TRUE(fixture.logs("\"peer\":\"127.0.0.1:"));
  EXPECT_LT(count_of(fixture.log(), "\"status\":401"), 25U) << "at most one in a second";
  EXPECT_EQ(fixture.log().find("wrong"), std::string::npos);
  EXPECT_EQ(ask(fixture.port(), "GET", "/v7/secret-in-path", "", "x-api-key: key-of-a\r\n").status,
            404);
  ASSERT_TRUE(wait_until([&] { return fixture.log().find("no such route") != std::string::npos; }));
  EXPECT_EQ(fixture.log().find("secret-in-path"), std::string::npos);
}

TEST_P(LogFiles, hold_no_text_of_an_error_event_and_no_line_as_long_as_a_request) {
  ProxyFixture fixture(Plan{.workers = GetParam()});
  fixture.reply(Document::parse(
      R"({"pace":"events","events":[{"event":"error","data":{"type":"error","error":)"
      R"({"type":"invalid_request_error","message":"secret-in-event"}}}]})"));
  (void)ask(fixture.port(), "POST", kChat, chat_body({{"stream", true}}).dump(), kOpenAiFields);
  const std::string model(100'000, 'm');
  (void)ask(fixture.port(), "POST", kChat, chat_body({{"model", model}}).dump(), kOpenAiFields);
  ASSERT_EQ(fixture.receipts(2).size(), 2U);
  EXPECT_EQ(fixture.log().find("secret-in-event"), std::string::npos) << fixture.log();
  EXPECT_EQ(fixture.log().find(std::string(129, 'm')), std::string::npos);
  EXPECT_TRUE(fixture.logs(std::string(128, 'm') + "..."));
}

// An answer that is no event stream was quoted, and so was what a body said that was refused.
TEST_P(LogFiles, hold_nothing_of_what_a_body_says) {
  constexpr const char* kSecret = "secret-in-body";
  ProxyFixture fixture(Plan{.workers = GetParam()});
  std::size_t asked = 0;
  // Told to the client, as far as it is told at all, and never to the log.
  const auto tells = [&](std::string_view target, const Document& body, bool is_told = true) {
    const bool passes = target == "/v1/messages";
    const Reply reply =
        ask(fixture.port(), "POST", target, body.dump(), passes ? kFields : kOpenAiFields);
    EXPECT_EQ(reply.body.find(kSecret) != std::string::npos, is_told)
        << target << body << reply.body;
    ++asked;
  };
  const Document error_event = {
      {"pace", "events"},
      {"events",
       {{{"event", "error"},
         {"data", {{"type", "error"}, {"error", {{"type", kSecret}, {"message", kSecret}}}}}}}}};
  for (const bool streams : {false, true})
    for (const Document& answer : {Document{{"body", kSecret}}, error_event}) {
      fixture.reply(answer);
      tells(kChat, chat_body({{"stream", streams}}));
      tells("/v1/completions", {{"model", "sonnet"}, {"prompt", "Hi"}, {"stream", streams}});
      tells(kResponses, response_body({{"stream", streams}}));
    }
  fixture.reply({{"text", "Hi"}, {"stop_reason", kSecret}});
  tells(kChat, chat_body(), false);
  tells("/v1/messages", Document::parse(kWhole));
  tells("/v1/messages", Document::parse(kStreamed));

  const auto says = [&](const Document& content) {
    return chat_body({{"messages", {{{"role", "user"}, {"content", content}}}}});
  };
  tells(kChat, says({{{"type", kSecret}}}));
  tells(kChat,
        says({{{"type", "file"},
               {"file",
                {{"filename", kSecret}, {"file_data", "data:application/zip;base64,AA=="}}}}}));
  const Document tool = function_tool(kSecret);
  Document other = tool;
  other["function"]["description"] = "another";
  tells(kChat, chat_body({{"tools", {tool, other}}}));
  for (const std::string end : {"", "/input_tokens"}) {
    tells(kResponses + end, response_body({{"previous_response_id", kSecret}}));
    const Document named = {{"type", "item_reference"}, {"id", kSecret}};
    tells(kResponses + end, response_body({{"input", {named}}}));
    const Document part = {{"role", "user"}, {"content", {{{"type", kSecret}}}}};
    tells(kResponses + end, response_body({{"input", {part}}}));
  }
  for (const std::string of : {"/v1/responses/", "/v1/models/"}) {
    EXPECT_EQ(ask(fixture.port(), "GET", of + kSecret, "", kOpenAiFields).status, 404);
    ++asked;
  }
  ASSERT_EQ(fixture.receipts(asked).size(), asked);
  EXPECT_EQ(fixture.log().find(kSecret), std::string::npos) << fixture.log();
  for (const char* shown :
       {"the upstream's answer is no event stream\"", "error event: of a type that is not known",
        "\"stop_reason\":\"other\"", "unsupported_content at messages[0].content[0]",
        "not_found at input", "there is no such object", "model_not_found at model"})
    EXPECT_NE(fixture.log().find(shown), std::string::npos) << shown << fixture.log();
}

TEST(LogAtATerminal, is_one_readable_line_a_request) {
  ProxyFixture fixture;
  const auto start = [&](const std::vector<std::string>& more, Process::Environment environment) {
    std::vector<std::string> arguments = {"start", "--port", "0", "--upstream", fixture.mock_url()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    environment["CCPROXY_HOME"] = fixture.home() + "/terminal";
    environment["ANTHROPIC_API_KEY"] = kServerKey;
    environment["TERM"] = "xterm";
    return std::make_unique<Terminal>(CCPROXY_BINARY, arguments, environment);
  };
  const auto ask_once = [&](Terminal& terminal) {
    const std::string line = terminal.line_of("listening on");
    EXPECT_EQ(ask(port_in(line), "POST", "/v1/messages", kWhole, kFields).status, 200);
    EXPECT_EQ(ask(port_in(line), "GET", "/nowhere").status, 404);
  };
  auto coloured = start({}, {});
  ask_once(*coloured);
  EXPECT_TRUE(coloured->wait_for("POST /v1/messages claude-sonnet-5 \x1b[32m200\x1b[0m"))
      << coloured->screen();
  EXPECT_TRUE(coloured->wait_for("\x1b[33m404\x1b[0m")) << coloured->screen();
  EXPECT_TRUE(coloured->wait_for("refused: there is no such route")) << coloured->screen();
  EXPECT_EQ(coloured->screen().find("event=request"), std::string::npos);

  auto plain = start({}, {{"NO_COLOR", "1"}});
  ask_once(*plain);
  EXPECT_TRUE(plain->wait_for("POST /v1/messages claude-sonnet-5 200 ")) << plain->screen();
  EXPECT_EQ(plain->screen().find('\x1b'), std::string::npos);

  auto verbose = start({"--verbose"}, {});
  ask_once(*verbose);
  EXPECT_TRUE(verbose->wait_for("event=request id=")) << verbose->screen();
}

}  // namespace
}  // namespace ccproxy::test
