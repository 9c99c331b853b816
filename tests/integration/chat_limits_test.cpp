// Large and hostile bodies on the Chat Completions route: bodies within the limits are served in
// bounded memory, others are refused, and none ends the server.
#include <gtest/gtest.h>

#include <string>

#include "support/chat.hpp"

namespace ccproxy::test {
namespace {

constexpr std::size_t kMegabyte = std::size_t{1} << 20;

class ChatLimits : public testing::TestWithParam<unsigned> {
 protected:
  [[nodiscard]] Reply send(const std::string& body) {
    return send_request(fixture.port(), "POST", kChat, body, kOpenAiFields);
  }
  [[nodiscard]] std::size_t held() { return resident_bytes(fixture.proxy().pid()); }

  ProxyFixture fixture{Plan{.workers = GetParam()}};
};
INSTANTIATE_TEST_SUITE_P(Workers, ChatLimits, testing::Values(1U, 2U));

TEST_P(ChatLimits, serves_ten_thousand_messages) {
  std::string body = R"({"model":"claude-sonnet-5","messages":[)";
  for (int i = 0; i < 10'000; ++i) {
    if (i > 0) body += ',';
    body += R"({"role":")" + std::string(i % 2 ? "assistant" : "user") +
            R"(","content":"message )" + std::to_string(i) + "\"}";
  }
  const Reply reply = send(body + "]}");
  EXPECT_EQ(reply.status, 200) << reply.body.substr(0, 300);
}

TEST_P(ChatLimits, serves_a_thousand_tools) {
  Document tools = Document::array();
  for (int i = 0; i < 1000; ++i) tools.push_back(function_tool("tool_" + std::to_string(i)));
  EXPECT_EQ(post_chat(fixture, chat_body({{"tools", tools}})).status, 200);
  EXPECT_EQ(Document::parse(body_of(fixture.requests().at(0)))["tools"].size(), 1000U);
}

TEST_P(ChatLimits, serves_twenty_megabytes_of_pictures) {
  std::string picture = "iVBORw0KGgo";  // the beginning of a PNG
  picture.append(20 * kMegabyte - picture.size(), 'A');
  const std::string body =
      R"({"model":"claude-sonnet-5","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,)" +
      picture + "\"}}]}]}";
  EXPECT_EQ(send(body).status, 200);
}

TEST_P(ChatLimits, refuses_more_than_64_levels) {
  const auto nested = [](int depth) {
    // The body, tools, the tool, function and parameters are five levels around it.
    return R"({"model":"claude-sonnet-5","messages":[{"role":"user","content":"Hi"}],)"
           R"("tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","x":)" +
           std::string(static_cast<std::size_t>(depth), '[') +
           std::string(static_cast<std::size_t>(depth), ']') + "}}}]}";
  };
  EXPECT_EQ(send(nested(59)).status, 200);
  const Reply deeper = send(nested(60));
  EXPECT_EQ(deeper.status, 400);
  EXPECT_NE(deeper.body.find("nests deeper than 64 levels"), std::string::npos) << deeper.body;
  EXPECT_EQ(deeper.body.find("not valid JSON"), std::string::npos) << deeper.body;
  EXPECT_EQ(send(std::string(kMegabyte, '[')).status, 400);
  EXPECT_EQ(send(R"({"model":)" + std::string(kMegabyte, '{')).status, 400);
}

TEST_P(ChatLimits, body_beyond_the_limit_is_a_413) {
  const Reply reply = send(std::string(32 * kMegabyte + 1, ' '));
  EXPECT_EQ(reply.status, 413);
  EXPECT_EQ(Document::parse(reply.body)["error"]["code"], "request_too_large");
}

TEST_P(ChatLimits, releases_memory_after_large_bodies) {
  const std::string body = R"({"model":"claude-sonnet-5","messages":[{"role":"user","content":")" +
                           std::string(30 * kMegabyte, 'x') + "\"}]}";
  EXPECT_EQ(send(chat_body().dump()).status, 200);
  const std::size_t before = held();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(send(body).status, 200);
  const std::size_t limit = before + allowed_growth(25);  // less than one of the bodies
  EXPECT_TRUE(wait_until([&] { return held() < limit; }))
      << "three of 30 MB came and went: " << before << " became " << held();
}

// Every member gets values of every JSON type: each request is served or refused, and none ends the
// server.
TEST_P(ChatLimits, survives_wrong_types_in_every_member) {
  const std::vector<std::string> values = {"null", "true", "0",    "-1",     "1e400",    "\"\"",
                                           "[]",   "{}",   "[[]]", "[null]", "{\"a\":1}"};
  for (const char* name : {"model",
                           "messages",
                           "tools",
                           "tool_choice",
                           "functions",
                           "function_call",
                           "response_format",
                           "stop",
                           "temperature",
                           "top_p",
                           "max_tokens",
                           "max_completion_tokens",
                           "stream",
                           "stream_options",
                           "reasoning_effort",
                           "reasoning",
                           "thinking",
                           "n",
                           "user",
                           "metadata",
                           "service_tier",
                           "modalities",
                           "web_search_options",
                           "parallel_tool_calls",
                           "logprobs",
                           "top_logprobs",
                           "prompt_cache_options",
                           "moderation",
                           "verbosity"}) {
    for (const std::string& value : values) {
      Document body = chat_body();
      body.erase(name);
      std::string text = body.dump();
      text.pop_back();
      const Reply reply = send(text + ",\"" + name + "\":" + value + "}");
      EXPECT_TRUE(reply.status == 200 || reply.status == 400) << name << ' ' << value << reply.raw;
      if (reply.status == 400) {
        const Document error = Document::parse(reply.body)["error"];
        EXPECT_TRUE(error["param"].is_string()) << name << ' ' << value << ' ' << error;
        EXPECT_TRUE(error["code"].is_string()) << name << ' ' << value << ' ' << error;
      }
    }
  }
  EXPECT_TRUE(fixture.proxy().running());
}

}  // namespace
}  // namespace ccproxy::test
