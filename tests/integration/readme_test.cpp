// README.md and README.zh-CN.md: the requests that they show work unchanged, and both show the
// same.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "support/chat.hpp"
#include "support/proxy_fixture.hpp"

namespace ccproxy::test {
namespace {

constexpr std::string_view kAddress = "http://127.0.0.1:3456";

// Splits a command line of the README, which quotes with ' only.
std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '\'')
      quoted = !quoted;
    else if (c == ' ' && !quoted)
      words.emplace_back();
    else
      words.back() += c;
  }
  return words;
}

struct ShownRequest {
  std::string line, target, fields, body;
};

ShownRequest read_curl(const std::string& line) {
  ShownRequest shown{line, "", "", ""};
  const std::vector<std::string> words = words_of(line);
  for (std::size_t i = 1; i < words.size(); ++i) {
    const bool has_value = i + 1 < words.size();
    if (words[i].starts_with(kAddress))
      shown.target = words[i].substr(kAddress.size());
    else if (words[i] == "-H" && has_value)
      shown.fields.append(words[++i]).append("\r\n");
    else if (words[i] == "-d" && has_value)
      shown.body = words[++i];
    else
      EXPECT_EQ(words[i], "-N") << line;
  }
  return shown;
}

// Returns the curl lines of a document.
std::vector<ShownRequest> requests_of(const std::string& document) {
  const auto text = read_file(std::string(CCPROXY_SOURCE_DIR) + "/" + document);
  EXPECT_TRUE(text) << (text ? "" : text.error().message);
  std::vector<ShownRequest> requests;
  std::string_view rest = text ? std::string_view(*text) : std::string_view();
  while (!rest.empty()) {
    const auto end = rest.find('\n');
    const std::string line(rest.substr(0, end));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (line.starts_with("curl ")) requests.push_back(read_curl(line));
  }
  return requests;
}

class ReadmeRequests : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Workers, ReadmeRequests, testing::Values(1U, 2U));

TEST_P(ReadmeRequests, work_unchanged) {
  const ProxyFixture fixture(Plan{.workers = GetParam()});
  const auto requests = requests_of("README.md");
  EXPECT_EQ(requests.size(), 9U);
  for (const ShownRequest& shown : requests) {
    SCOPED_TRACE(shown.line);
    const Reply reply = send_request(fixture.port(), shown.body.empty() ? "GET" : "POST",
                                     shown.target, shown.body, shown.fields);
    EXPECT_EQ(reply.status, 200) << reply.raw;
    EXPECT_FALSE(reply.has("x-ccproxy-warning")) << "a newcomer did nothing wrong";
    EXPECT_TRUE(reply.complete);
    const bool streams = shown.body.find(R"("stream":true)") != std::string::npos;
    EXPECT_EQ(reply.field("content-type").starts_with("text/event-stream"), streams);
    EXPECT_EQ(Document::accept(reply.body), !streams) << reply.body;
    EXPECT_EQ(read_chunks(reply.body).ends_with_done, streams && shown.target == kChat);
    if (shown.target != "/v1/responses") continue;
    const std::string_view end =
        streams ? "\nevent: response.completed\n" : R"("status":"completed")";
    EXPECT_NE(reply.body.find(end), std::string::npos) << reply.body;
  }
}

TEST(Readme, both_languages_show_the_same_requests) {
  const auto english = requests_of("README.md");
  const auto chinese = requests_of("README.zh-CN.md");
  ASSERT_EQ(english.size(), chinese.size());
  for (std::size_t i = 0; i < english.size(); ++i) EXPECT_EQ(english[i].line, chinese[i].line);
}

}  // namespace
}  // namespace ccproxy::test
