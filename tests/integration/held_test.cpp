// Clients that do not read: what is held for all of them together has a bound on every route,
// stored or not, and others are served meanwhile.
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
constexpr std::size_t kHeld = std::size_t{12} << 20;

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

class Held : public testing::TestWithParam<Case> {
 protected:
  explicit Held(
      std::string config = R"({"limits":{"heldBytes":12582912},"store":{"maxMegabytes":64}})")
      : fixture(Plan{.config = std::move(config),
                     .environment = {{"ANTHROPIC_API_KEY", kServerKey},
                                     {"ASAN_OPTIONS", "quarantine_size_mb=1"}}}) {}

  static std::string filled(std::string text) {
    const std::string model = R"("model":"claude-sonnet-5","max_tokens":64000)";
    return text.replace(text.find('@'), 1, model);
  }
  // An answer whose text is 6 MB.
  void answer_much() {
    fixture.reply({{"pace", "none"},
                   {"times", 1'000'000},
                   {"blocks", {{{"deltas", {std::string(1000, 'x')}}, {"repeat", 6'000}}}}});
  }

  // There is a reserve for those who want little, whoever stalls.
  void expect_small_ones_served() {
    const auto status_of = [this](const Small& small) {
      return ask(fixture.port(), "POST", small.path, filled(small.body), kOpenAiFields).status;
    };
    for (const Small& small : kSmallRequests) EXPECT_EQ(status_of(small), 200) << small.body;
    // It has a second to be on disk, which a busy machine may not give it at once.
    EXPECT_TRUE(wait_until([&] { return status_of(kSmallInBackground) == 200; }));
  }

  // Under its sanitizer the program would keep 256 MB of what it has freed.
  ProxyFixture fixture;
};

INSTANTIATE_TEST_SUITE_P(
    Routes, Held,
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

TEST_P(Held, by_those_who_do_not_read_is_bounded) {
  answer_much();
  const std::size_t before = resident_bytes(fixture.proxy().pid());
  std::vector<std::unique_ptr<RawClient>> readers;
  for (int i = 0; i < kReaders; ++i) {
    readers.push_back(std::make_unique<RawClient>(fixture.port()));
    readers.back()->shrink_receive_buffer();
    readers.back()->send(request("POST", GetParam().path, filled(GetParam().body), kOpenAiFields));
  }
  std::size_t most = 0;
  for (const auto until = steady_clock::now() + seconds(4); steady_clock::now() < until;) {
    most = std::max(most, resident_bytes(fixture.proxy().pid()));
    EXPECT_EQ(ask(fixture.port(), "GET", "/health").status, 200);
  }
  EXPECT_LT(most, before + kHeld + room_to_grow(48)) << "MiB more: " << ((most - before) >> 20);
  fixture.script({{"replies", Document::array()}});
  expect_small_ones_served();
}

// What the answer repeats of its request counts as what it says does: instructions, say, of more
// than the system takes for a client that does not read.
class HeldOfRequest : public Held {
 protected:
  HeldOfRequest() : Held(R"({"limits":{"heldBytes":67108864}})") {}

  static constexpr int kMany = 40;
  static constexpr std::size_t kLarge = 5'000'000, kMax = std::size_t{64} << 20;
  static std::string repeating(const char* body) {
    return Held::filled(body).insert(1, R"("instructions":")" + std::string(kLarge, 'i') + "\",");
  }
  // One after another, each as soon as the one before it was answered; none of them reads on.
  void ask_for_each(std::string_view method, const std::string& path, const std::string& body) {
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
  void note_memory() { most = std::max(most, resident_bytes(fixture.proxy().pid())); }
  // While they stall, and after they have left.
  void expect_bound() {
    expect_small_ones_served();
    note_memory();
    readers.clear();
    for (int i = 0; i < 100; ++i) {
      EXPECT_EQ(ask(fixture.port(), "GET", "/health").status, 200);
      note_memory();
    }
    EXPECT_LT(most, before + kMax + room_to_grow(60)) << "MiB more: " << ((most - before) >> 20);
  }

  std::vector<std::unique_ptr<RawClient>> readers;
  int refused = 0;
  const std::size_t before = resident_bytes(fixture.proxy().pid());
  std::size_t most = before;
};

INSTANTIATE_TEST_SUITE_P(
    Responses, HeldOfRequest,
    testing::Values(Case{"whole", kResponses, R"({@,"input":"q"})"},
                    Case{"streamed", kResponses, R"({@,"stream":true,"input":"q"})"},
                    Case{"unstored_whole", kResponses, R"({@,"store":false,"input":"q"})"},
                    Case{"unstored_streamed", kResponses,
                         R"({@,"stream":true,"store":false,"input":"q"})"},
                    Case{"in_the_background", kResponses, R"({@,"background":true,"input":"q"})"},
                    Case{"in_the_background_streamed", kResponses,
                         R"({@,"background":true,"stream":true,"input":"q"})"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST_P(HeldOfRequest, and_repeated_to_those_who_do_not_read_is_bounded) {
  ask_for_each("POST", GetParam().path, repeating(GetParam().body));
  EXPECT_GT(refused, 0) << "the limit was never reached";
  EXPECT_LT(refused, kMany);
  expect_bound();
}

// Of a response that is kept: with which method it is asked for, and what stands behind its id.
class HeldOfKept : public HeldOfRequest {};

INSTANTIATE_TEST_SUITE_P(
    Questions, HeldOfKept,
    testing::Values(Case{"itself", "GET", ""}, Case{"cancelled", "POST", "/cancel"},
                    Case{"its_events", "GET", "?stream=true"},
                    Case{"its_last_events", "GET", "?stream=true&starting_after=1"},
                    Case{"its_input", "GET", "/input_items"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST_P(HeldOfKept, and_asked_for_by_those_who_do_not_read_is_bounded) {
  const auto& [name, method, rest] = GetParam();
  Document body = json_of(repeating(R"({@,"background":true})"));
  body["input"] = std::string(kLarge, 'q');
  const std::string id = json_of(respond(fixture, body).body).at("id");
  ASSERT_TRUE(wait_until([&] {  // while it runs there may be no room to show it
    const Document found = stored_response(fixture, id);
    return !found.is_null() && found.at("status") == "completed";
  }));
  ask_for_each(method, "/v1/responses/" + id + rest, {});
  const bool streams = std::string_view(rest).starts_with("?stream");
  EXPECT_EQ(refused == 0, streams) << "the limit was never reached";
  EXPECT_LT(refused, kMany);
  expect_bound();
}

// At the limit: streams wait, everybody else is told to come back.
TEST(HeldAtTheLimit, whole_replies_are_told_to_come_back) {
  ProxyFixture fixture(Plan{.config = R"({"limits":{"heldBytes":4194304}})"});
  fixture.reply({{"pace", "none"},
                 {"times", 100},
                 {"blocks", {{{"deltas", {std::string(1000, 'x')}}, {"repeat", 3'000}}}}});
  for (const char* path : {"/v1/chat/completions", "/v1/responses"}) {
    SCOPED_TRACE(path);
    const Document body = {{"model", "claude-sonnet-5"},
                           {path == std::string(kResponses) ? "input" : "messages",
                            Document::array({{{"role", "user"}, {"content", "q"}}})}};
    const Reply reply = ask(fixture.port(), "POST", path, body.dump(), kOpenAiFields);
    EXPECT_EQ(reply.status, 503) << reply.raw.substr(0, 500);
    EXPECT_EQ(reply.field("retry-after"), "1");
    EXPECT_NE(reply.body.find("limits.heldBytes"), std::string::npos) << reply.body;
  }
}

// Nobody can leave so much room: it is said at once.
TEST(HeldAtTheLimit, a_stream_that_can_never_fit_does_not_wait) {
  ProxyFixture fixture(Plan{.config = R"({"limits":{"heldBytes":4194304}})"});
  fixture.reply(
      {{"pace", "none"}, {"blocks", {{{"deltas", {std::string(1000, 'x')}}, {"repeat", 3'000}}}}});
  const auto begun = steady_clock::now();
  const Reply reply =
      ask(fixture.port(), "POST", kResponses,
          R"({"model":"claude-sonnet-5","stream":true,"store":false,"input":"q"})", kOpenAiFields);
  EXPECT_LT(steady_clock::now() - begun, seconds(60));
  EXPECT_EQ(reply.status, 200);
  EXPECT_NE(reply.body.find("response.failed"), std::string::npos) << reply.body.substr(0, 300);
  EXPECT_NE(reply.body.find("limits.heldBytes"), std::string::npos);
}

// What is kept is bounded for one response and for one conversation.
TEST(HeldInTheStore, one_response_beyond_its_limit_is_not_kept) {
  ProxyFixture fixture(
      Plan{.config = R"({"store":{"maxResponseMegabytes":1,"maxConversationMegabytes":1}})"});
  fixture.reply({{"pace", "none"},
                 {"times", 2},
                 {"blocks", {{{"deltas", {std::string(1000, 'x')}}, {"repeat", 1'000}}}}});
  const ResponseEvents streamed = stream_response(fixture);
  EXPECT_EQ(streamed.response()["status"], "completed");
  EXPECT_EQ(streamed.response()["store"], false);
  EXPECT_TRUE(stored_response(fixture, streamed.id()).is_null());
  const Reply whole = respond(fixture, response_body());
  EXPECT_EQ(json_of(whole.body)["store"], false);
  EXPECT_NE(whole.field("x-ccproxy-warning").find("not_stored"), std::string::npos);
  EXPECT_TRUE(fixture.logs("store.maxResponseMegabytes"));
}

// What it repeats of its request stands in four events and in what is kept: 190 kB fit in 1 MiB.
TEST(HeldInTheStore, one_in_the_background_that_cannot_be_kept_is_not_begun) {
  ProxyFixture fixture(Plan{.config = R"({"store":{"maxResponseMegabytes":1}})"});
  Document body = response_body({{"background", true}});
  body["instructions"] = std::string(250'000, 'i');
  const Document error = error_in(respond(fixture, body));
  EXPECT_EQ(error["status"], 413) << error;
  EXPECT_EQ(error.value("code", ""), "request_too_large");
  const std::string message = error.value("message", "");
  EXPECT_NE(message.find("not begun"), std::string::npos) << message;
  EXPECT_NE(message.find("store.maxResponseMegabytes"), std::string::npos) << message;
  EXPECT_TRUE(sent_bodies(fixture).empty()) << "nobody pays for it";
  body["instructions"] = std::string(190'000, 'i');
  const Document queued = json_of(respond(fixture, body).body);
  const Document ended = ended_response(fixture, queued.at("id"));
  EXPECT_EQ(ended.at("status"), "completed") << "what is begun is kept";
  EXPECT_EQ(ended.at("instructions"), body["instructions"]);
}

TEST(HeldInTheStore, a_conversation_beyond_its_limit_is_refused) {
  ProxyFixture fixture(Plan{.config = R"({"store":{"maxConversationMegabytes":1}})"});
  std::string previous;
  for (int i = 0; i < 3; ++i) {
    Document more = {{"input", std::string(400'000, 'x')}};
    if (!previous.empty()) more["previous_response_id"] = previous;
    previous = whole_response(fixture, more)["id"];
  }
  const Reply reply = respond(fixture, response_body({{"previous_response_id", previous}}));
  EXPECT_EQ(reply.status, 413) << reply.raw;
  EXPECT_NE(reply.body.find("store.maxConversationMegabytes"), std::string::npos) << reply.body;
}

}  // namespace
}  // namespace ccproxy::test
