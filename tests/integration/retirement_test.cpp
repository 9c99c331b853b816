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

  static void forget(Road& road, const std::vector<std::string>& models) {
    Document replies = Document::array();
    for (const std::string& model : models) replies.push_back(missing(model, "model: " + model));
    road.script({{"replies", replies}});
  }

  [[nodiscard]] static std::vector<std::string> models_sent(Road& road) {
    std::vector<std::string> models;
    for (const Document& request : road.requests())
      if (request["method"] == "POST")  // the look-up of an unknown model is none
        models.push_back(Document::parse(body_of(request))["model"]);
    return models;
  }

  [[nodiscard]] static Reply post(Road& road, const char* target, const std::string& model) {
    Document body = chat_body({{"model", model}, {"max_tokens", 64}});
    if (std::string(target) == kResponses) body = {{"model", model}, {"input", "Hi"}};
    return ask(road.port(), "POST", target, body.dump(), kFields);
  }

  std::string table_ =
      testing::TempDir() + "models-" + std::to_string(::getpid()) + "-retirement.json";
};
INSTANTIATE_TEST_SUITE_P(Workers, Retirement, testing::Values(1U, 2U));

constexpr const char* kTargets[] = {"/v1/messages", "/v1/messages/count_tokens", kChat, kResponses};

TEST_P(Retirement, is_followed_once_the_upstream_says_so) {
  for (const char* target : kTargets) {
    SCOPED_TRACE(target);
    Road road(plan());
    forget(road, {kGone});
    const Reply reply = post(road, target, kGone);
    EXPECT_EQ(reply.status, 200) << reply.raw;
    EXPECT_EQ(reply.field("x-ccproxy-warning"), "model_retiring, model_retired");
    EXPECT_EQ(models_sent(road), (std::vector<std::string>{kGone, kNext})) << "one more try";

    for (const char* again : kTargets) {
      road.forget_requests();
      const Reply later = post(road, again, kGone);
      EXPECT_EQ(later.status, 200);
      EXPECT_EQ(later.field("x-ccproxy-warning"), "model_retired");
      EXPECT_EQ(models_sent(road), std::vector<std::string>{kNext}) << "for good, on every route";
    }
    (void)road.receipts(5);
    const std::string log = road.log();
    const std::string sentence = std::string(kGone) + " is retired";
    const auto first = log.find(sentence);
    EXPECT_NE(first, std::string::npos);
    EXPECT_EQ(log.find(sentence, first + 1), std::string::npos) << "said once";
  }
}

TEST_P(Retirement, is_not_guessed) {
  Road road(plan());
  forget(road, {kFuture, kUndated, "claude-nobody-1"});
  for (const char* target : kTargets)
    for (const char* model : {kFuture, kUndated, "claude-nobody-1"}) {
      SCOPED_TRACE(std::string(target) + " " + model);
      road.forget_requests();
      const Reply reply = post(road, target, model);
      EXPECT_EQ(reply.status, 404);
      EXPECT_NE(reply.body.find(std::string("model: ") + model), std::string::npos);
      for (const std::string& sent : models_sent(road)) EXPECT_EQ(sent, model);
    }
  // Another thing that is missing says nothing of the model.
  road.script({{"replies", {missing("*", "File not found: file_1")}}});
  for (const char* target : kTargets) EXPECT_EQ(post(road, target, kGone).status, 404);
}

TEST_P(Retirement, is_not_followed_where_the_person_does_not_want_it) {
  Road road(plan(R"({"followRetirements": false})"));
  forget(road, {kGone});
  for (const char* target : kTargets) EXPECT_EQ(post(road, target, kGone).status, 404);
}

TEST_P(Retirement, ends_where_the_successor_is_gone_too) {
  Road road(plan());
  forget(road, {kGone, kNext});
  for (const char* target : kTargets) {
    road.forget_requests();
    EXPECT_EQ(post(road, target, kGone).status, 404);
    EXPECT_LE(models_sent(road).size(), 2U) << target;
  }
}

TEST_P(Retirement, is_announced_to_whoever_asks_for_the_model_by_its_id) {
  Road road(plan(R"({"modelMapping": {"mine": "claude-opus-4-7"}})"));
  for (const char* target : kTargets) {
    EXPECT_EQ(post(road, target, kGone).field("x-ccproxy-warning"), "model_retiring") << target;
    EXPECT_EQ(post(road, target, "mine").field("x-ccproxy-warning"), "model_retiring") << target;
    EXPECT_FALSE(post(road, target, kFuture).has("x-ccproxy-warning")) << "its day is far";
    EXPECT_FALSE(post(road, target, kUndated).has("x-ccproxy-warning"));
  }
}

}  // namespace
}  // namespace ccproxy::test
