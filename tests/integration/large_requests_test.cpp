// A request that is as large and as costly to read as one may be keeps nobody else waiting: it is
// read, and its answer made, apart from the loop that serves all. How long a client waits depends
// on what else the machine does; how long a loop is held is told by its thread's own time.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "http/coding.hpp"
#include "support/chat.hpp"
#include "support/responses.hpp"

namespace ccproxy::test {
namespace {

constexpr std::size_t kMebibyte = std::size_t{1} << 20;
// Milliseconds that a loop may be held at a stretch here, of its thread's time. It is 20 for what
// users run; tested builds are several times slower, and a shared processor counts for less.
constexpr long kLongestTurn = 150;
// More nanoseconds than a thread runs that only waits for work.
constexpr long kSomeWork = 1'000'000;

std::string first_line(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// What the threads that work apart have run so far, in nanoseconds.
long run_apart(pid_t pid) {
  long all = 0;
  for (const auto& thread :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task")) {
    if (first_line(thread.path() / "comm") != "ccproxy-apart") continue;
    std::istringstream words(first_line(thread.path() / "schedstat"));
    long run = 0;
    words >> run;
    all += run;
  }
  return all;
}

// The longest stretch that a loop was held for, in milliseconds; 0 when none was long.
long longest_turn(const std::string& log) {
  static constexpr std::string_view kSays = "the loop was held for ";
  long longest = 0;
  for (std::size_t at = 0; (at = log.find(kSays, at)) != std::string::npos;) {
    at += kSays.size();
    longest = std::max(longest, std::stol(log.substr(at, 20)));
  }
  return longest;
}

Plan watched() {
  Plan plan;
  plan.environment["CCPROXY_LOG"] = "debug";
  return plan;
}

// As ask(), for what takes long in a build that is watched over on a machine that is busy.
Reply ask_patiently(const ProxyFixture& fixture, std::string_view method, std::string_view target,
                    std::string_view body = {}, std::string_view fields = kOpenAiFields) {
  RawClient client(fixture.port());
  if (!client.send(request(method, target, body, fields))) return {};
  return client.read_reply(false, std::chrono::seconds(100));
}

std::string filled(std::string text, const std::string& piece, const std::string& behind,
                   std::size_t size = 24 * kMebibyte) {
  text.reserve(size);
  while (text.size() + piece.size() + behind.size() < size) text += piece;
  return text + behind;
}

const std::string kHead = R"({"model":"claude-sonnet-5","max_tokens":9)";
const std::string kMessages = kHead + R"(,"messages":[{"role":"user","content":"q"})";
const std::string kInput = R"(,"input":[{"role":"user","content":"q"})";
const std::string kOutput = R"(,{"type":"function_call_output","call_id":"c","output":"r"})";
const std::string kStoredAt = "/v1/responses/";
const std::string kSaid = "All that is said here is said again. ";

std::string results(const std::string& more = {}, std::size_t size = 24 * kMebibyte) {
  return filled(kHead + more + kInput, kOutput, "]}", size);
}

std::string instructions(const std::string& more = {}) {
  return filled(kHead + more + R"(,"input":"q","instructions":")", kSaid, "\"}");
}

std::string many_tools(const std::string& begin, const std::string& end) {
  std::string body = kHead + R"(,"tools":[)";
  for (int i = 0; body.size() < 16 * kMebibyte; ++i) {
    if (i > 0) body += ',';
    body.append(begin).append(std::to_string(i)).append(end);
  }
  return body + "]";
}

struct Case {
  const char* says;
  const char* path;
  std::function<std::string()> body;
  std::string fields = kOpenAiFields;
};

std::vector<Case> cases() {
  const std::string gzipped = std::string(kOpenAiFields) + "content-encoding: gzip\r\n";
  const auto many_models = [] {
    return filled(kMessages + "]", R"(,"model":"gpt-4")", "}", 20 * kMebibyte);
  };
  const auto many_messages = [] {
    return filled(kMessages, R"(,{"role":"user","content":"a"})", "]}");
  };
  return {
      {"the model again and again", "/v1/messages", many_models},
      {"the same, to be counted", "/v1/messages/count_tokens", many_models},
      {"a batch", "/v1/messages/batches",
       [] {
         return filled(R"({"requests":[{"custom_id":"a","params":{"model":"gpt-4"}})",
                       R"(,{"custom_id":"a","params":{"model":"gpt-4"}})", "]}");
       }},
      {"messages without end", kChat, many_messages},
      {"the same, unfolded from a few bytes", kChat, [=] { return http::gzip(many_messages()); },
       gzipped},
      {"tools without end", kChat,
       [] {
         return many_tools(R"({"type":"function","function":{"name":"t)", R"("}})") +
                R"(,"messages":[{"role":"user","content":"q"}]})";
       }},
      {"results of calls that nobody made, kept", kResponses, [] { return results(); }},
      {"the same, not kept", kResponses, [] { return results(R"(,"store":false)"); }},
      {"the same, in the background", kResponses, [] { return results(R"(,"background":true)"); }},
      {"the same, to be counted", "/v1/responses/input_tokens", [] { return results(); }},
      {"the same, to be summed up", "/v1/responses/compact", [] { return results(); }},
      {"tools that the response repeats", kResponses,
       [] { return many_tools(R"({"type":"function","name":"t)", R"("})") + R"(,"input":"q"})"; }},
      {"items that are not there", kResponses,
       [] {
         std::string body = kHead + R"(,"input":[{"role":"user","content":"q"})";
         for (int i = 0; body.size() < 24 * kMebibyte; ++i)
           body += R"(,{"type":"item_reference","id":"msg_)" + std::to_string(i) + "\"}";
         return body + "]}";
       }},
      {"instructions that the response repeats", kResponses, [] { return instructions(); }},
      {"the same, as a stream", kResponses, [] { return instructions(R"(,"stream":true)"); }},
      {"the same, in the background", kResponses,
       [] { return instructions(R"(,"background":true)"); }},
      {"the same, in the background, as a stream", kResponses,
       [] { return instructions(R"(,"background":true,"stream":true)"); }},
  };
}

// Asks for /health again and again until `work` is over.
void meanwhile_others_are_served(ProxyFixture& fixture, const std::function<void()>& work) {
  std::atomic<bool> is_over = false;
  std::thread working([&] {
    work();
    is_over = true;
  });
  while (!is_over) EXPECT_EQ(ask(fixture.port(), "GET", "/health", "").status, 200);
  working.join();
}

void expect_short_turns(const ProxyFixture& fixture) {
  const std::string log = fixture.log();
  EXPECT_LT(longest_turn(log), kLongestTurn);
}

class LargeRequests : public testing::TestWithParam<std::size_t> {};

TEST_P(LargeRequests, keep_nobody_else_waiting) {
  const Case each = cases().at(GetParam());
  SCOPED_TRACE(each.says);
  const std::string body = each.body();
  ProxyFixture fixture{watched()};
  Reply reply;
  meanwhile_others_are_served(
      fixture, [&] { reply = ask_patiently(fixture, "POST", each.path, body, each.fields); });
  EXPECT_NE(reply.status, 0);
  EXPECT_NE(reply.status, 500);
  EXPECT_GT(run_apart(fixture.proxy().pid()), kSomeWork) << "it is read apart";
  expect_short_turns(fixture);
}

INSTANTIATE_TEST_SUITE_P(Bodies, LargeRequests, testing::Range<std::size_t>(0, cases().size()));

TEST(LargeResponses, keep_nobody_else_waiting_when_they_are_asked_for_again) {
  Plan plan = watched();
  plan.config = R"({"store":{"maxResponseMegabytes":512,"maxConversationMegabytes":512}})";
  ProxyFixture fixture{plan};
  meanwhile_others_are_served(fixture, [&] {
    const Reply begun = ask_patiently(fixture, "POST", kResponses, instructions());
    ASSERT_EQ(begun.status, 200) << begun.body.substr(0, 1000);
    const Document response = json_of(begun.body);
    if (!response.at("store")) return;  // it could not be written within a second
    const std::string id = response.at("id");
    EXPECT_EQ(ask_patiently(fixture, "GET", kStoredAt + id).status, 200);
    EXPECT_EQ(ask_patiently(fixture, "GET", kStoredAt + id + "?stream=true").status, 200);
    EXPECT_EQ(ask_patiently(fixture, "GET", kStoredAt + id + "/input_items").status, 200);
    const std::string next = kHead + R"(,"input":"and?","previous_response_id":")" + id + "\"}";
    EXPECT_EQ(ask_patiently(fixture, "POST", kResponses, next).status, 200);
    EXPECT_EQ(ask_patiently(fixture, "DELETE", kStoredAt + id).status, 200);
  });
  expect_short_turns(fixture);
}

struct Answered {
  const char* path;
  const char* body;
};

const std::vector<Answered> kAnswered = {
    {kChat, R"({"model":"m","messages":[{"role":"user","content":"q"}]})"},
    {kChat, R"({"model":"m","stream":true,"messages":[{"role":"user","content":"q"}]})"},
    {kResponses, R"({"model":"m","input":"q"})"},
    {kResponses, R"({"model":"m","input":"q","stream":true})"},
};

class LargeAnswers : public testing::TestWithParam<std::size_t> {};

TEST_P(LargeAnswers, keep_nobody_else_waiting) {
  const Answered& each = kAnswered.at(GetParam());
  const RawUpstream upstream;
  Plan plan = watched();
  plan.upstream = upstream.url();
  ProxyFixture fixture{plan};
  const std::string text = filled("", kSaid, "", 4 * kMebibyte);
  std::thread answering([&] {
    const auto peer = next_message(upstream);
    ASSERT_TRUE(peer);
    peer->send(kEventStreamHead);
    peer->send(chunked(message_start_event() + text_start_event()));
    for (int i = 0; i < 2; ++i) peer->send(chunked(text_event(text)));
    peer->send(chunked(stop_events()) + "0\r\n\r\n");
  });
  meanwhile_others_are_served(fixture, [&] {
    const Reply told = ask_patiently(fixture, "POST", each.path, each.body);
    EXPECT_EQ(told.status, 200);
    EXPECT_TRUE(told.complete);
    EXPECT_GT(told.body.size(), 2 * text.size());
  });
  answering.join();
  EXPECT_GT(run_apart(fixture.proxy().pid()), kSomeWork) << "it is made apart";
  expect_short_turns(fixture);
}

INSTANTIATE_TEST_SUITE_P(Shapes, LargeAnswers, testing::Range<std::size_t>(0, kAnswered.size()));

// A gateway that codes its answers may send a few bytes that unfold to millions.
TEST(CodedAnswers, keep_nobody_else_waiting) {
  const RawUpstream upstream;
  Plan plan = watched();
  plan.upstream = upstream.url();
  ProxyFixture fixture{plan};
  const std::string nothing = filled("", ": a comment\n", "\n", 12 * kMebibyte);
  const std::string coded = http::gzip(nothing + message_start_event() + text_start_event() +
                                       text_event("Hi") + stop_events());
  ASSERT_LT(coded.size(), kMebibyte / 8);
  std::thread answering([&] {
    const auto peer = next_message(upstream);
    ASSERT_TRUE(peer);
    std::string head = kEventStreamHead;
    head.insert(head.size() - 2, "content-encoding: gzip\r\n");
    peer->send(head);
    peer->send(chunked(coded) + "0\r\n\r\n");
  });
  meanwhile_others_are_served(fixture, [&] {
    const Reply told = ask_patiently(fixture, "POST", kChat, kAnswered.front().body);
    EXPECT_EQ(told.status, 200) << told.body.substr(0, 1000);
    EXPECT_NE(told.body.find("\"Hi\""), std::string::npos) << told.body;
  });
  answering.join();
  EXPECT_GT(run_apart(fixture.proxy().pid()), kSomeWork) << "it is unfolded apart";
  expect_short_turns(fixture);
}

// Clients that have sent all of a large request but its last byte.
std::vector<std::unique_ptr<RawClient>> nearly_asking(const ProxyFixture& fixture,
                                                      std::size_t count, const std::string& body) {
  const std::string head = std::string("POST ") + kResponses + " HTTP/1.1\r\nhost: localhost\r\n" +
                           kOpenAiFields + "content-length: " + std::to_string(body.size()) +
                           "\r\n\r\n";
  std::vector<std::unique_ptr<RawClient>> clients;
  for (std::size_t i = 0; i < count; ++i) {
    clients.push_back(std::make_unique<RawClient>(fixture.port()));
    EXPECT_TRUE(clients.back()->send(head + body.substr(0, body.size() - 1)));
  }
  return clients;
}

std::string costly_body() { return results(R"(,"store":false)", 2 * kMebibyte); }

TEST(LargeRequestsAtOnce, are_told_to_come_back_when_too_many_wait) {
  ProxyFixture fixture;
  const std::string body = costly_body();
  auto clients = nearly_asking(fixture, 48, body);
  for (const auto& client : clients) EXPECT_TRUE(client->send(body.substr(body.size() - 1)));
  std::size_t served = 0, refused = 0;
  for (const auto& client : clients) {
    const Reply reply = client->read_reply(false, std::chrono::minutes(1));
    if (reply.status == 200) ++served;
    if (reply.status != 503) continue;
    ++refused;
    EXPECT_EQ(reply.field("retry-after"), "1");
    EXPECT_NE(reply.body.find("too many large requests at once (server.workers)"),
              std::string::npos)
        << reply.body;
  }
  EXPECT_EQ(served + refused, clients.size());
  EXPECT_GT(served, 0U);
  EXPECT_GT(refused, 0U);
}

// What conversations grow to every day is read apart as well, and waits for its turn.
TEST(LargeRequestsAtOnce, are_not_refused_while_they_are_of_a_usual_size) {
  ProxyFixture fixture;
  const std::string body = results(R"(,"store":false)", kMebibyte - 1);
  auto clients = nearly_asking(fixture, 48, body);
  for (const auto& client : clients) EXPECT_TRUE(client->send(body.substr(body.size() - 1)));
  for (const auto& client : clients)
    EXPECT_EQ(client->read_reply(false, std::chrono::minutes(1)).status, 200);
  EXPECT_GT(run_apart(fixture.proxy().pid()), kSomeWork) << "it is read apart";
}

TEST(LargeRequestsAtOnce, of_clients_that_leave_make_room_for_others) {
  ProxyFixture fixture;
  const std::string body = costly_body();
  auto clients = nearly_asking(fixture, 12, body);
  for (const auto& client : clients) EXPECT_TRUE(client->send(body.substr(body.size() - 1)));
  for (const auto& client : clients) client->reset();
  const Reply reply = ask_patiently(fixture, "POST", kResponses, body);
  EXPECT_EQ(reply.status, 200) << reply.body.substr(0, 1000);
}

TEST(LargeRequestsAtOnce, do_not_hold_up_a_server_that_ends) {
  Plan plan;
  plan.config = R"({"server":{"shutdownGraceSeconds":0}})";
  ProxyFixture fixture{plan};
  const std::string body = costly_body();
  auto clients = nearly_asking(fixture, 12, body);
  for (const auto& client : clients) EXPECT_TRUE(client->send(body.substr(body.size() - 1)));
  fixture.proxy().signal(SIGTERM);
  EXPECT_EQ(fixture.proxy().wait_exit(std::chrono::minutes(1)), 0);
}

}  // namespace
}  // namespace ccproxy::test
