#include "proxy/translation/upstream_attempts.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "proxy/translation/exchange_fixture.hpp"

namespace ccproxy::proxy {
namespace {

using std::chrono::seconds;

const std::string kContextLimit =
    "input length and `max_tokens` exceed context limit: 150000 + 64000 > 200000";
const std::string kModel = "claude-sonnet-5-5";

// A request that is sent, and whose decoder writes how often it was called into the body.
struct Attempting : ExchangeFixture {
  explicit Attempting(std::vector<http::Script> scripts, config::Config config = {},
                      std::string_view models = anthropic::kModelsJson)
      : ExchangeFixture(std::move(scripts), std::move(config), models) {
    request.model = kModel;
    request.decoded.body = "{}";
  }

  static Task<Result<bool>> decode_again(Attempting& self) {
    ++self.decoded;
    if (!self.changes) co_return false;
    self.request.decoded.body = std::to_string(self.decoded);
    co_return true;
  }

  TranslatedRequest request;
  bool changes = true;
  int decoded = 0;
  UpstreamAttempts attempts{exchange, "/v1/messages", request,
                            [this] { return decode_again(*this); }};
};

// Two connections by turns: a call has that of its last attempt until the next one has begun.
std::vector<http::Script> scripts_of(const std::vector<std::string>& responses) {
  std::vector<http::Script> scripts(2);
  for (std::size_t i = 0; i < responses.size(); ++i) scripts[i % 2].push_back({responses[i]});
  return scripts;
}

Task<void> ends_with(Attempting& attempting, int status) {
  auto head = co_await attempting.attempts.send();
  CO_ASSERT(head);
  EXPECT_EQ(head->status, status) << attempting.attempts.error_body();
}

std::string body_of(const std::string& request) {
  return request.substr(request.find("\r\n\r\n") + 4);
}

struct Case {
  const char* name;
  std::vector<std::string> responses;
  int status;
  int retries = 0, decoded = 0;
  bool changes = true;  // decoding again changes the request
};

const std::vector<Case> kCases = {
    {"a success is sent once", {http::ok("hi")}, 200},
    {"a busy upstream gets the request again",
     {error_response(529, "busy", "retry-after-ms: 1\r\n"), http::ok("hi")},
     200,
     1},
    {"a busy upstream gets it twice more at the most",
     {error_response(529, "busy", "retry-after-ms: 1\r\n"),
      error_response(503, "busy", "retry-after-ms: 1\r\n"),
      error_response(529, "busy", "retry-after-ms: 1\r\n"), http::ok("hi")},
     529,
     2},
    {"a 400 that says nothing of use is final", {error_response(400, "no"), http::ok("hi")}, 400},
    {"a 400 that corrects the request is followed by another attempt",
     {error_response(400, kContextLimit), http::ok("hi")},
     200,
     0,
     1},
    {"a request is corrected once",
     {error_response(400, kContextLimit), error_response(400, kContextLimit), http::ok("hi")},
     400,
     0,
     1},
    {"a correction that changes nothing is no reason to send the request again",
     {error_response(400, kContextLimit), http::ok("hi")},
     400,
     0,
     1,
     false},
    {"a refusal by policy is final",
     {error_response(400, "You're out of extra usage", "x-should-retry: true\r\n"), http::ok("hi")},
     400},
    {"a schema that cannot be compiled teaches nothing about a request without one",
     {error_response(400, "Schema is too complex for compilation."), http::ok("hi")},
     400},
    {"a 404 of a model that has not retired is final",
     {error_response(404, "model: " + kModel), http::ok("hi")},
     404},
};

TEST(UpstreamAttempts, end_with_a_success_or_an_error_that_another_attempt_would_not_mend) {
  for (const Case& row : kCases) {
    SCOPED_TRACE(row.name);
    Attempting attempting(scripts_of(row.responses));
    attempting.changes = row.changes;
    attempting.fixture.run(ends_with(attempting, row.status));
    EXPECT_EQ(attempting.receipt.retries, row.retries);
    EXPECT_EQ(attempting.decoded, row.decoded);
    const std::vector<std::string>& requests = attempting.fixture.requests();
    const bool is_changed = row.decoded > 0 && row.changes;
    EXPECT_EQ(requests.size(), 1U + std::size_t(row.retries) + (is_changed ? 1U : 0U));
    EXPECT_EQ(body_of(requests.back()), is_changed ? "1" : "{}");
  }
}

TEST(UpstreamAttempts, keep_the_body_of_the_last_error) {
  Attempting attempting(scripts_of({error_response(400, "the last word")}));
  attempting.fixture.run(ends_with(attempting, 400));
  EXPECT_NE(attempting.attempts.error_body().find("the last word"), std::string::npos);
}

TEST(UpstreamAttempts, correct_max_tokens_to_what_the_context_has_room_for) {
  Attempting attempting(scripts_of({error_response(400, kContextLimit), http::ok("hi")}));
  attempting.fixture.run(ends_with(attempting, 200));
  EXPECT_EQ(attempting.attempts.corrections().max_tokens, 50'000);
}

TEST(UpstreamAttempts, take_refused_members_of_tools_out_of_this_request_alone) {
  const std::string refusal = "tools.0.custom.defer_loading: Extra inputs are not permitted";
  Attempting attempting(scripts_of({error_response(400, refusal), http::ok("hi")}));
  const auto before = attempting.fixture.shared().facts.of(kModel);
  attempting.fixture.run(ends_with(attempting, 200));
  const std::vector<std::string_view> expected = {"defer_loading"};
  EXPECT_EQ(attempting.attempts.corrections().refused_tool_members, expected);
  EXPECT_EQ(attempting.fixture.shared().facts.of(kModel), before);
}

TEST(UpstreamAttempts, remember_for_the_model_what_it_cannot_do) {
  const std::string refusal = "`temperature` is deprecated for this model.";
  ASSERT_TRUE(anthropic::correction_from_error(refusal));
  Attempting attempting(scripts_of({error_response(400, refusal), http::ok("hi")}));
  attempting.fixture.run(ends_with(attempting, 200));
  EXPECT_FALSE(attempting.fixture.shared().facts.of(kModel).sampling);
}

// One model whose day has passed, and its successor.
constexpr const char* kDatedModels = R"({"newest_family":"f","families":[{"name":"f","line":"opus",
  "context":9,"max_output":1,"sampling":true,"thinking":{"default":"off","off":"omit",
  "manual":"yes","adaptive":false,"display":"none"},"effort":{"levels":[],"default":null},
  "forced_tool_choice":"yes","prefill":"yes","structured_outputs":true,"mid_system":true,
  "preserved_thinking":"no"}],"models":[
  {"id":"later","family":"f","display_name":"x","life":{"state":"active"}},
  {"id":"old","family":"f","display_name":"x",
   "life":{"state":"active","date":"2020-01-01","successor":"later"}}]})";

const std::string kMissing = json_response(
    404, R"({"type":"error","error":{"type":"not_found_error","message":"model: old"}})");

TEST(UpstreamAttempts, go_to_the_successor_of_a_model_that_has_retired_since) {
  Attempting attempting(scripts_of({kMissing, http::ok("hi")}), {}, kDatedModels);
  attempting.request.model = attempting.receipt.model_sent = "old";
  attempting.fixture.run(ends_with(attempting, 200));
  EXPECT_EQ(attempting.request.model, "later");
  EXPECT_EQ(attempting.decoded, 1);
}

Task<void> ends_frozen_with(Attempting& attempting, int status) {
  attempting.attempts.freeze_request();
  co_await ends_with(attempting, status);
}

TEST(UpstreamAttempts, stay_with_the_model_of_a_reply_that_has_begun) {
  Attempting attempting(scripts_of({kMissing, http::ok("hi")}), {}, kDatedModels);
  attempting.request.model = attempting.receipt.model_sent = "old";
  attempting.fixture.run(ends_frozen_with(attempting, 404));
  EXPECT_EQ(attempting.request.model, "old");
}

TEST(UpstreamAttempts, do_not_change_a_request_whose_reply_has_begun) {
  Attempting attempting(scripts_of({error_response(400, kContextLimit), http::ok("hi")}));
  attempting.fixture.run(ends_frozen_with(attempting, 400));
  EXPECT_EQ(attempting.decoded, 0);
}

Task<void> fails(Attempting& attempting) {
  auto head = co_await attempting.attempts.send();
  CO_ASSERT(!head);
}

TEST(UpstreamAttempts, do_not_repeat_a_request_that_may_have_run) {
  Attempting attempting({{{http::kClose}}});
  attempting.fixture.run(fails(attempting));
  EXPECT_EQ(attempting.receipt.retries, 0);
  EXPECT_EQ(attempting.fixture.requests().size(), 1U);
}

TEST(UpstreamAttempts, leave_a_long_wait_to_the_client) {
  config::Config config;
  config.upstream.max_retry_wait = seconds(1);
  const std::string busy = error_response(529, "busy", "retry-after: 2\r\n");
  Attempting attempting(scripts_of({busy, http::ok("hi")}), config);
  attempting.fixture.run(ends_with(attempting, 529));
  EXPECT_EQ(attempting.receipt.retries, 0);
}

struct Betas {
  const char* name;
  std::string_view sent;
  std::vector<std::string> needed;
  std::string expected;
};

const std::vector<Betas> kBetas = {
    {"those of the client and of the request, each once",
     "a,b",
     {"b", "c"},
     "anthropic-beta: a,b,c"},
    {"those of the request alone", "", {"c"}, "anthropic-beta: c"},
};

TEST(UpstreamAttempts, send_the_betas_and_no_other_field_of_the_client) {
  for (const Betas& row : kBetas) {
    SCOPED_TRACE(row.name);
    Attempting attempting(scripts_of({http::ok("hi")}));
    attempting.head.fields = {{"x-secret", "1"}, {"user-agent", "theirs"}};
    if (!row.sent.empty()) attempting.head.fields.push_back({"anthropic-beta", row.sent});
    attempting.request.decoded.betas = row.needed;
    attempting.fixture.run(ends_with(attempting, 200));
    const std::string& request = attempting.fixture.requests().front();
    EXPECT_NE(request.find(row.expected + "\r\n"), std::string::npos) << request;
    EXPECT_EQ(request.find("x-secret"), std::string::npos) << request;
    EXPECT_EQ(request.find("theirs"), std::string::npos) << request;
  }
}

}  // namespace
}  // namespace ccproxy::proxy
