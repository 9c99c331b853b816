// Clients that do not read: the memory for all of them together is bounded on every route, stored
// or not, and others are served meanwhile.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/responses.hpp"

namespace ccproxy::test {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr int kReaders = 24;
constexpr std::size_t kHeldBytes = std::size_t{12} << 20;

struct Case {
  const char* name;
  const char* path;
  const char* body;
};

struct Small {
  const char* path;
  const char* body;
};

constexpr Small kSmallRequests[] = {
    {"/v1/messages", R"({@,"messages":[{"role":"user","content":"q"}]})"},
    {"/v1/messages", R"({@,"stream":true,"messages":[{"role":"user","content":"q"}]})"},
    {"/v1/chat/completions", R"({@,"messages":[{"role":"user","content":"q"}]})"},
    {"/v1/chat/completions", R"({@,"stream":true,"messages":[{"role":"user","content":"q"}]})"},
    {"/v1/responses", R"({@,"input":"q"})"},
    {"/v1/responses", R"({@,"stream":true,"input":"q"})"},
    {"/v1/responses", R"({@,"stream":true,"store":false,"input":"q"})"},
};
constexpr Small kSmallInBackground{"/v1/responses", R"({@,"background":true,"input":"q"})"};

class MemoryBudget : public testing::TestWithParam<Case> {
 protected:
  explicit MemoryBudget(
      std::string config = R"({"limits":{"heldBytes":12582912},"store":{"maxMegabytes":64}})")
      : fixture(Plan{.config = std::move(config),
                     .environment = {{"ANTHROPIC_API_KEY", kServerKey},
                                     {"ASAN_OPTIONS", "quarantine_size_mb=1"}}}) {}

  static std::string filled(std::string text) {
    const std::string model = R"("model":"claude-sonnet-5","max_tokens":64000)";
    return text.replace(text.find('@'), 1, model);
  }
  // Makes the mock reply with a text of 6 MB.
  void reply_with_6_megabytes() {
    fixture.set_reply({{"pace", "none"},
                       {"times", 1'000'000},
                       {"blocks", {{{"deltas", {std::string(1000, 'x')}}, {"repeat", 6'000}}}}});
  }

  // There is a reserve for those who want little, whoever stalls.
  void expect_small_ones_served() {
    const auto status_of = [this](const Small& small) {
      return send_request(fixture.port(), "POST", small.path, filled(small.body), kOpenAiFields)
          .status;
    };
    for (const Small& small : kSmallRequests) EXPECT_EQ(status_of(small), 200) << small.body;
    // It has a second to be on disk, which a busy machine may not give it at once.
    EXPECT_TRUE(wait_until([&] { return status_of(kSmallInBackground) == 200; }));
  }

  // Without the option, AddressSanitizer would keep 256 MB of freed memory.
  ProxyFixture fixture;
};

INSTANTIATE_TEST_SUITE_P(
    Routes, MemoryBudget,
    testing::Values(
        Case{"messages_streamed", "/v1/messages",
             R"({@,"stream":true,"messages":[{"role":"user","content":"q"}]})"},
        Case{"messages_whole", "/v1/messages", R"({@,"messages":[{"role":"user","content":"q"}]})"},
        Case{"chat_streamed", "/v1/chat/completions",
             R"({@,"stream":true,"messages":[{"role":"user","content":"q"}]})"},
        Case{"chat_with_tools", "/v1/chat/completions",
             R"({@,"stream":true,"messages":[{"role":"user","content":"q"}],
                 "tools":[{"type":"function","function":{"name":"f"}}]})"},
        Case{"chat_whole", "/v1/chat/completions",
             R"({@,"messages":[{"role":"user","content":"q"}]})"},
        Case{"responses_streamed", "/v1/responses", R"({@,"stream":true,"input":"q"})"},
        Case{"responses_whole", "/v1/responses", R"({@,"input":"q"})"},
        Case{"responses_unstored", "/v1/responses",
             R"({@,"stream":true,"store":false,"input":"q"})"},
        Case{"responses_unstored_whole", "/v1/responses", R"({@,"store":false,"input":"q"})"},
        Case{"responses_in_the_background", "/v1/responses",
             R"({@,"stream":true,"background":true,"input":"q"})"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST_P(MemoryBudget, bounds_replies_to_clients_that_do_not_read) {
  reply_with_6_megabytes();
  const std::size_t before = resident_bytes(fixture.proxy().pid());
  std::vector<std::unique_ptr<RawClient>> readers;
  for (int i = 0; i < kReaders; ++i) {
    readers.push_back(std::make_unique<RawClient>(fixture.port()));
    readers.back()->shrink_receive_buffer();
    readers.back()->send(request("POST", GetParam().path, filled(GetParam().body), kOpenAiFields));
  }
  std::size_t peak = 0;
  for (const auto until = steady_clock::now() + seconds(4); steady_clock::now() < until;) {
    peak = std::max(peak, resident_bytes(fixture.proxy().pid()));
    EXPECT_EQ(send_request(fixture.port(), "GET", "/health").status, 200);
  }
  EXPECT_LT(peak, before + kHeldBytes + allowed_growth(48))
      << "MiB more: " << ((peak - before) >> 20);
  fixture.set_script({{"replies", Document::array()}});
  expect_small_ones_served();
}

// What the reply repeats of its request counts as its own content does, such as instructions that
// are larger than the system's buffers for a client that does not read.
class MemoryBudgetOfRequests : public MemoryBudget {
 protected:
  MemoryBudgetOfRequests() : MemoryBudget(R"({"limits":{"heldBytes":67108864}})") {}

  static constexpr int kMany = 40;
  static constexpr std::size_t kLarge = 5'000'000, kMax = std::size_t{64} << 20;
  static std::string repeating(const char* body) {
    return MemoryBudget::filled(body).insert(
        1, R"("instructions":")" + std::string(kLarge, 'i') + "\",");
  }
  // Sends the requests one after another, each after the head of the reply before it. No client
  // reads on.
  void send_from_many_clients(std::string_view method, const std::string& path,
                              const std::string& body) {
    for (int i = 0; i < kMany; ++i) {
      readers.push_back(std::make_unique<RawClient>(fixture.port()));
      RawClient& reader = *readers.back();
      reader.shrink_receive_buffer();
      reader.send(request(method, path, body, kOpenAiFields));
      ASSERT_TRUE(reader.wait_for("\r\n\r\n"));
      note_memory();
      if (reader.pending().starts_with("HTTP/1.1 200")) continue;
      ++refused;
      EXPECT_TRUE(reader.pending().starts_with("HTTP/1.1 503")) << reader.pending();
      EXPECT_NE(reader.pending().find("retry-after: 1\r\n"), std::string::npos);
    }
  }
  void note_memory() { peak = std::max(peak, resident_bytes(fixture.proxy().pid())); }
  // Expects the bound while the clients stall, and after they have left.
  void expect_bound() {
    expect_small_ones_served();
    note_memory();
    readers.clear();
    for (int i = 0; i < 100; ++i) {
      EXPECT_EQ(send_request(fixture.port(), "GET", "/health").status, 200);
      note_memory();
    }
    EXPECT_LT(peak, before + kMax + allowed_growth(60)) << "MiB more: " << ((peak - before) >> 20);
  }

  std::vector<std::unique_ptr<RawClient>> readers;
  int refused = 0;
  const std::size_t before = resident_bytes(fixture.proxy().pid());
  std::size_t peak = before;
};

INSTANTIATE_TEST_SUITE_P(
    Responses, MemoryBudgetOfRequests,
    testing::Values(Case{"whole", kResponses, R"({@,"input":"q"})"},
                    Case{"streamed", kResponses, R"({@,"stream":true,"input":"q"})"},
                    Case{"unstored_whole", kResponses, R"({@,"store":false,"input":"q"})"},
                    Case{"unstored_streamed", kResponses,
                         R"({@,"stream":true,"store":false,"input":"q"})"},
                    Case{"in_the_background", kResponses, R"({@,"background":true,"input":"q"})"},
                    Case{"in_the_background_streamed", kResponses,
                         R"({@,"background":true,"stream":true,"input":"q"})"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST_P(MemoryBudgetOfRequests, bounds_instructions_that_replies_repeat) {
  send_from_many_clients("POST", GetParam().path, repeating(GetParam().body));
  EXPECT_GT(refused, 0) << "the limit was never reached";
  EXPECT_LT(refused, kMany);
  expect_bound();
}

// Requests for a stored response: the method, and what follows the id.
class MemoryBudgetOfStored : public MemoryBudgetOfRequests {};

INSTANTIATE_TEST_SUITE_P(
    Questions, MemoryBudgetOfStored,
    testing::Values(Case{"itself", "GET", ""}, Case{"cancelled", "POST", "/cancel"},
                    Case{"its_events", "GET", "?stream=true"},
                    Case{"its_last_events", "GET", "?stream=true&starting_after=1"},
                    Case{"its_input", "GET", "/input_items"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST_P(MemoryBudgetOfStored, bounds_stored_responses_that_are_fetched) {
  const auto& [name, method, rest] = GetParam();
  Document body = json_of(repeating(R"({@,"background":true})"));
  body["input"] = std::string(kLarge, 'q');
  const std::string id = json_of(post_response(fixture, body).body).at("id");
  ASSERT_TRUE(wait_until([&] {  // while it runs there may be no memory to show it
    const Document found = stored_response(fixture, id);
    return !found.is_null() && found.at("status") == "completed";
  }));
  send_from_many_clients(method, "/v1/responses/" + id + rest, {});
  const bool streams = std::string_view(rest).starts_with("?stream");
  EXPECT_EQ(refused == 0, streams) << "the limit was never reached";
  EXPECT_LT(refused, kMany);
  expect_bound();
}

// At the limit streams wait, and whole replies get 503 with retry-after.
TEST(MemoryBudgetLimit, whole_replies_get_a_503) {
  ProxyFixture fixture(Plan{.config = R"({"limits":{"heldBytes":4194304}})"});
  fixture.set_reply({{"pace", "none"},
                     {"times", 100},
                     {"blocks", {{{"deltas", {std::string(1000, 'x')}}, {"repeat", 3'000}}}}});
  for (const char* path : {"/v1/chat/completions", "/v1/responses"}) {
    SCOPED_TRACE(path);
    const Document body = {{"model", "claude-sonnet-5"},
                           {path == std::string(kResponses) ? "input" : "messages",
                            Document::array({{{"role", "user"}, {"content", "q"}}})}};
    const Reply reply = send_request(fixture.port(), "POST", path, body.dump(), kOpenAiFields);
    EXPECT_EQ(reply.status, 503) << reply.raw.substr(0, 500);
    EXPECT_EQ(reply.field("retry-after"), "1");
    EXPECT_NE(reply.body.find("limits.heldBytes"), std::string::npos) << reply.body;
  }
}

// A stream that can never fit fails at once, because no other request could release that much
// memory.
TEST(MemoryBudgetLimit, stream_that_can_never_fit_fails_at_once) {
  ProxyFixture fixture(Plan{.config = R"({"limits":{"heldBytes":4194304}})"});
  fixture.set_reply(
      {{"pace", "none"}, {"blocks", {{{"deltas", {std::string(1000, 'x')}}, {"repeat", 3'000}}}}});
  const auto begun = steady_clock::now();
  const Reply reply = send_request(
      fixture.port(), "POST", kResponses,
      R"({"model":"claude-sonnet-5","stream":true,"store":false,"input":"q"})", kOpenAiFields);
  EXPECT_LT(steady_clock::now() - begun, seconds(60));
  EXPECT_EQ(reply.status, 200);
  EXPECT_NE(reply.body.find("response.failed"), std::string::npos) << reply.body.substr(0, 300);
  EXPECT_NE(reply.body.find("limits.heldBytes"), std::string::npos);
}

// The store bounds one response and one conversation.
TEST(StoreLimit, response_beyond_the_limit_is_not_stored) {
  ProxyFixture fixture(
      Plan{.config = R"({"store":{"maxResponseMegabytes":1,"maxConversationMegabytes":1}})"});
  fixture.set_reply({{"pace", "none"},
                     {"times", 2},
                     {"blocks", {{{"deltas", {std::string(1000, 'x')}}, {"repeat", 1'000}}}}});
  const ResponseEvents streamed = stream_response(fixture);
  EXPECT_EQ(streamed.response()["status"], "completed");
  EXPECT_EQ(streamed.response()["store"], false);
  EXPECT_TRUE(stored_response(fixture, streamed.id()).is_null());
  const Reply whole = post_response(fixture, response_body());
  EXPECT_EQ(json_of(whole.body)["store"], false);
  EXPECT_NE(whole.field("x-ccproxy-warning").find("not_stored"), std::string::npos);
  EXPECT_TRUE(fixture.logs("store.maxResponseMegabytes"));
}

// The response repeats its instructions in four events and in its stored object: 190 kB fit in 1
// MiB.
TEST(StoreLimit, background_response_that_cannot_be_stored_is_not_begun) {
  ProxyFixture fixture(Plan{.config = R"({"store":{"maxResponseMegabytes":1}})"});
  Document body = response_body({{"background", true}});
  body["instructions"] = std::string(250'000, 'i');
  const Document error = error_in(post_response(fixture, body));
  EXPECT_EQ(error["status"], 413) << error;
  EXPECT_EQ(error.value("code", ""), "request_too_large");
  const std::string message = error.value("message", "");
  EXPECT_NE(message.find("not begun"), std::string::npos) << message;
  EXPECT_NE(message.find("store.maxResponseMegabytes"), std::string::npos) << message;
  EXPECT_TRUE(sent_bodies(fixture).empty()) << "nobody pays for it";
  body["instructions"] = std::string(190'000, 'i');
  const Document queued = json_of(post_response(fixture, body).body);
  const Document ended = ended_response(fixture, queued.at("id"));
  EXPECT_EQ(ended.at("status"), "completed") << "a response that has begun is stored";
  EXPECT_EQ(ended.at("instructions"), body["instructions"]);
}

TEST(StoreLimit, conversation_beyond_the_limit_is_refused) {
  ProxyFixture fixture(Plan{.config = R"({"store":{"maxConversationMegabytes":1}})"});
  std::string previous;
  for (int i = 0; i < 3; ++i) {
    Document more = {{"input", std::string(400'000, 'x')}};
    if (!previous.empty()) more["previous_response_id"] = previous;
    previous = whole_response(fixture, more)["id"];
  }
  const Reply reply = post_response(fixture, response_body({{"previous_response_id", previous}}));
  EXPECT_EQ(reply.status, 413) << reply.raw;
  EXPECT_NE(reply.body.find("store.maxConversationMegabytes"), std::string::npos) << reply.body;
}

}  // namespace
}  // namespace ccproxy::test
