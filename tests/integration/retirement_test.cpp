// A model that retires while CCProxy runs: what is told before its day, and what becomes of
// requests when the upstream knows it no more. The dates are those of a table of the test's own.
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

constexpr const char* kGone = "claude-opus-4-7";    // its day was long ago
constexpr const char* kNext = "claude-opus-4-8";    // what follows it
constexpr const char* kFuture = "claude-opus-4-6";  // its day is far
constexpr const char* kUndated = "claude-opus-5";

class Retirement : public testing::TestWithParam<unsigned> {
 protected:
  Retirement() {
    Document table =
        Document::parse(read_file(std::string(CCPROXY_SOURCE_DIR) + "/data/models.json").value());
    for (Document& model : table["models"]) {
      if (model["id"] == kGone)
        model["life"] = {{"state", "deprecated"}, {"date", "2026-01-01"}, {"successor", kNext}};
      if (model["id"] == kFuture)
        model["life"] = {{"state", "deprecated"}, {"date", "2999-01-01"}, {"successor", kNext}};
    }
    std::ofstream(table_) << table.dump();
  }
  ~Retirement() override { std::filesystem::remove(table_); }

  [[nodiscard]] Plan plan(std::string config = "") const {
    return {.workers = GetParam(),
            .config = std::move(config),
            .environment = {{"ANTHROPIC_API_KEY", kServerKey}, {"CCPROXY_MODELS", table_}}};
  }

  // The upstream answers requests for this model, or for any, as it does for what is not there.
  static Document missing(const std::string& model, const std::string& message) {
    return {{"match", {{"path", "/v1/messages*"}, {"model", model}}},
            {"status", 404},
            {"error", {{"type", "not_found_error"}, {"message", message}}}};
  }

  static void forget(ProxyFixture& fixture, const std::vector<std::string>& models) {
    Document replies = Document::array();
    for (const std::string& model : models) replies.push_back(missing(model, "model: " + model));
    fixture.script({{"replies", replies}});
  }

  [[nodiscard]] static std::vector<std::string> models_sent(ProxyFixture& fixture) {
    std::vector<std::string> models;
    for (const Document& request : fixture.requests())
      if (request["method"] == "POST")  // the look-up of an unknown model is none
        models.push_back(Document::parse(body_of(request))["model"]);
    return models;
  }

  [[nodiscard]] static Reply post(ProxyFixture& fixture, const char* target,
                                  const std::string& model) {
    Document body = chat_body({{"model", model}, {"max_tokens", 64}});
    if (std::string(target) == kResponses) body = {{"model", model}, {"input", "Hi"}};
    return ask(fixture.port(), "POST", target, body.dump(), kFields);
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
    forget(fixture, {kGone});
    const Reply reply = post(fixture, target, kGone);
    EXPECT_EQ(reply.status, 200) << reply.raw;
    EXPECT_EQ(reply.field("x-ccproxy-warning"), "model_retiring, model_retired");
    EXPECT_EQ(models_sent(fixture), (std::vector<std::string>{kGone, kNext})) << "one more try";

    for (const char* again : kTargets) {
      fixture.forget_requests();
      const Reply later = post(fixture, again, kGone);
      EXPECT_EQ(later.status, 200);
      EXPECT_EQ(later.field("x-ccproxy-warning"), "model_retired");
      EXPECT_EQ(models_sent(fixture), std::vector<std::string>{kNext})
          << "for good, on every route";
    }
    (void)fixture.receipts(5);
    const std::string log = fixture.log();
    const std::string sentence = std::string(kGone) + " is retired";
    const auto first = log.find(sentence);
    EXPECT_NE(first, std::string::npos);
    EXPECT_EQ(log.find(sentence, first + 1), std::string::npos) << "said once";
  }
}

TEST_P(Retirement, is_not_guessed) {
  ProxyFixture fixture(plan());
  forget(fixture, {kFuture, kUndated, "claude-nobody-1"});
  for (const char* target : kTargets)
    for (const char* model : {kFuture, kUndated, "claude-nobody-1"}) {
      SCOPED_TRACE(std::string(target) + " " + model);
      fixture.forget_requests();
      const Reply reply = post(fixture, target, model);
      EXPECT_EQ(reply.status, 404);
      EXPECT_NE(reply.body.find(std::string("model: ") + model), std::string::npos);
      for (const std::string& sent : models_sent(fixture)) EXPECT_EQ(sent, model);
    }
  // Another thing that is missing says nothing of the model.
  fixture.script({{"replies", {missing("*", "File not found: file_1")}}});
  for (const char* target : kTargets) EXPECT_EQ(post(fixture, target, kGone).status, 404);
}

TEST_P(Retirement, is_not_followed_where_the_person_does_not_want_it) {
  ProxyFixture fixture(plan(R"({"followRetirements": false})"));
  forget(fixture, {kGone});
  for (const char* target : kTargets) EXPECT_EQ(post(fixture, target, kGone).status, 404);
}

TEST_P(Retirement, ends_where_the_successor_is_gone_too) {
  ProxyFixture fixture(plan());
  forget(fixture, {kGone, kNext});
  for (const char* target : kTargets) {
    fixture.forget_requests();
    EXPECT_EQ(post(fixture, target, kGone).status, 404);
    EXPECT_LE(models_sent(fixture).size(), 2U) << target;
  }
}

TEST_P(Retirement, is_announced_to_whoever_asks_for_the_model_by_its_id) {
  ProxyFixture fixture(plan(R"({"modelMapping": {"mine": "claude-opus-4-7"}})"));
  for (const char* target : kTargets) {
    EXPECT_EQ(post(fixture, target, kGone).field("x-ccproxy-warning"), "model_retiring") << target;
    EXPECT_EQ(post(fixture, target, "mine").field("x-ccproxy-warning"), "model_retiring") << target;
    EXPECT_FALSE(post(fixture, target, kFuture).has("x-ccproxy-warning")) << "its day is far";
    EXPECT_FALSE(post(fixture, target, kUndated).has("x-ccproxy-warning"));
  }
}

}  // namespace
}  // namespace ccproxy::test
