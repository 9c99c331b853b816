// Models that retire while CCProxy runs: the warning before the date, and what becomes of requests
// when the upstream does not know the model any more. The dates are in a table of the test.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "support/chat.hpp"
#include "support/responses.hpp"

namespace ccproxy::test {
namespace {

constexpr const char* kRetired = "claude-opus-4-7";        // its date has passed
constexpr const char* kSuccessor = "claude-opus-4-8";      // its successor
constexpr const char* kRetiringLater = "claude-opus-4-6";  // its date is far
constexpr const char* kUndated = "claude-opus-5";

class Retirement : public testing::TestWithParam<unsigned> {
 protected:
  Retirement() {
    Document table =
        Document::parse(read_file(std::string(CCPROXY_SOURCE_DIR) + "/data/models.json").value());
    for (Document& model : table["models"]) {
      if (model["id"] == kRetired)
        model["life"] = {
            {"state", "deprecated"}, {"date", "2026-01-01"}, {"successor", kSuccessor}};
      if (model["id"] == kRetiringLater)
        model["life"] = {
            {"state", "deprecated"}, {"date", "2999-01-01"}, {"successor", kSuccessor}};
    }
    std::ofstream(table_) << table.dump();
  }
  ~Retirement() override { std::filesystem::remove(table_); }

  [[nodiscard]] Plan plan(std::string config = "") const {
    return {.workers = GetParam(),
            .config = std::move(config),
            .environment = {{"ANTHROPIC_API_KEY", kServerKey}, {"CCPROXY_MODELS", table_}}};
  }

  // Returns a scripted reply for an unknown model, or with "*" for any model.
  static Document missing(const std::string& model, const std::string& message) {
    return {{"match", {{"path", "/v1/messages*"}, {"model", model}}},
            {"status", 404},
            {"error", {{"type", "not_found_error"}, {"message", message}}}};
  }

  static void make_unknown(ProxyFixture& fixture, const std::vector<std::string>& models) {
    Document replies = Document::array();
    for (const std::string& model : models) replies.push_back(missing(model, "model: " + model));
    fixture.set_script({{"replies", replies}});
  }

  [[nodiscard]] static std::vector<std::string> models_sent(ProxyFixture& fixture) {
    std::vector<std::string> models;
    for (const Document& request : fixture.requests())
      if (request["method"] == "POST")  // a GET looks up an unknown model
        models.push_back(Document::parse(body_of(request))["model"]);
    return models;
  }

  [[nodiscard]] static Reply post(ProxyFixture& fixture, const char* target,
                                  const std::string& model) {
    Document body = chat_body({{"model", model}, {"max_tokens", 64}});
    if (std::string(target) == kResponses) body = {{"model", model}, {"input", "Hi"}};
    return send_request(fixture.port(), "POST", target, body.dump(), kAnthropicFields);
  }

  std::string table_ =
      testing::TempDir() + "models-" + std::to_string(::getpid()) + "-retirement.json";
};
INSTANTIATE_TEST_SUITE_P(Workers, Retirement, testing::Values(1U, 2U));

constexpr const char* kTargets[] = {"/v1/messages", "/v1/messages/count_tokens", kChat, kResponses};

TEST_P(Retirement, is_followed_once_the_upstream_says_so) {
  for (const char* target : kTargets) {
    SCOPED_TRACE(target);
    ProxyFixture fixture(plan());
    make_unknown(fixture, {kRetired});
    const Reply reply = post(fixture, target, kRetired);
    EXPECT_EQ(reply.status, 200) << reply.raw;
    EXPECT_EQ(reply.field("x-ccproxy-warning"), "model_retiring, model_retired");
    EXPECT_EQ(models_sent(fixture), (std::vector<std::string>{kRetired, kSuccessor}))
        << "one more try";

    for (const char* again : kTargets) {
      fixture.clear_requests();
      const Reply later = post(fixture, again, kRetired);
      EXPECT_EQ(later.status, 200);
      EXPECT_EQ(later.field("x-ccproxy-warning"), "model_retired");
      EXPECT_EQ(models_sent(fixture), std::vector<std::string>{kSuccessor})
          << "for good, on every route";
    }
    (void)fixture.receipts(5);
    const std::string log = fixture.log();
    const std::string sentence = std::string(kRetired) + " is retired";
    const auto first = log.find(sentence);
    EXPECT_NE(first, std::string::npos);
    EXPECT_EQ(log.find(sentence, first + 1), std::string::npos) << "logged more than once";
  }
}

TEST_P(Retirement, is_not_assumed_before_its_date) {
  ProxyFixture fixture(plan());
  make_unknown(fixture, {kRetiringLater, kUndated, "claude-nobody-1"});
  for (const char* target : kTargets)
    for (const char* model : {kRetiringLater, kUndated, "claude-nobody-1"}) {
      SCOPED_TRACE(std::string(target) + " " + model);
      fixture.clear_requests();
      const Reply reply = post(fixture, target, model);
      EXPECT_EQ(reply.status, 404);
      EXPECT_NE(reply.body.find(std::string("model: ") + model), std::string::npos);
      for (const std::string& sent : models_sent(fixture)) EXPECT_EQ(sent, model);
    }
  // Another 404 says nothing about the model.
  fixture.set_script({{"replies", {missing("*", "File not found: file_1")}}});
  for (const char* target : kTargets) EXPECT_EQ(post(fixture, target, kRetired).status, 404);
}

TEST_P(Retirement, is_not_followed_when_disabled) {
  ProxyFixture fixture(plan(R"({"followRetirements": false})"));
  make_unknown(fixture, {kRetired});
  for (const char* target : kTargets) EXPECT_EQ(post(fixture, target, kRetired).status, 404);
}

TEST_P(Retirement, ends_when_the_successor_is_unknown_too) {
  ProxyFixture fixture(plan());
  make_unknown(fixture, {kRetired, kSuccessor});
  for (const char* target : kTargets) {
    fixture.clear_requests();
    EXPECT_EQ(post(fixture, target, kRetired).status, 404);
    EXPECT_LE(models_sent(fixture).size(), 2U) << target;
  }
}

TEST_P(Retirement, is_announced_by_a_warning) {
  ProxyFixture fixture(plan(R"({"modelMapping": {"mine": "claude-opus-4-7"}})"));
  for (const char* target : kTargets) {
    EXPECT_EQ(post(fixture, target, kRetired).field("x-ccproxy-warning"), "model_retiring")
        << target;
    EXPECT_EQ(post(fixture, target, "mine").field("x-ccproxy-warning"), "model_retiring") << target;
    EXPECT_FALSE(post(fixture, target, kRetiringLater).has("x-ccproxy-warning"))
        << "its day is far";
    EXPECT_FALSE(post(fixture, target, kUndated).has("x-ccproxy-warning"));
  }
}

}  // namespace
}  // namespace ccproxy::test
