// A request that is as large and as costly to parse as the limits allow must not delay other
// clients: it is parsed, and its reply is encoded, on other threads than the event loop. Wall time
// depends on the machine, so the tests read the thread times.
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
// The longest time in milliseconds that an event loop may be blocked here, by its thread's own
// time. Release builds warn above 20 ms; builds of the tests are several times slower.
constexpr long kMaxBlockMs = 150;
// Nanoseconds of work that an idle thread never reaches.
constexpr long kMinWorkNs = 1'000'000;

std::string first_line(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// Returns the time that the threads named ccproxy-apart have run, in nanoseconds.
long apart_thread_time(pid_t pid) {
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

// Returns the longest logged blocking of an event loop in milliseconds; 0 when none was logged.
long longest_block(const std::string& log) {
  static constexpr std::string_view kPrefix = "the loop was held for ";
  long longest = 0;
  for (std::size_t at = 0; (at = log.find(kPrefix, at)) != std::string::npos;) {
    at += kPrefix.size();
    longest = std::max(longest, std::stol(log.substr(at, 20)));
  }
  return longest;
}

Plan debug_plan() {
  Plan plan;
  plan.environment["CCPROXY_LOG"] = "debug";
  return plan;
}

// Sends a request as send_request() does, with a longer limit, for sanitizer builds on a busy
// machine.
Reply send_with_long_timeout(const ProxyFixture& fixture, std::string_view method,
                             std::string_view target, std::string_view body = {},
                             std::string_view fields = kOpenAiFields) {
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
const std::string kStoredPrefix = "/v1/responses/";
const std::string kSentence = "All that is said here is said again. ";

std::string results(const std::string& more = {}, std::size_t size = 24 * kMebibyte) {
  return filled(kHead + more + kInput, kOutput, "]}", size);
}

std::string instructions(const std::string& more = {}) {
  return filled(kHead + more + R"(,"input":"q","instructions":")", kSentence, "\"}");
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
  const char* name;
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

// Requests /health repeatedly until `work` has returned.
void expect_others_are_served_during(ProxyFixture& fixture, const std::function<void()>& work) {
  std::atomic<bool> is_over = false;
  std::thread working([&] {
    work();
    is_over = true;
  });
  while (!is_over) EXPECT_EQ(send_request(fixture.port(), "GET", "/health", "").status, 200);
  working.join();
}

void expect_loop_is_not_blocked(const ProxyFixture& fixture) {
  const std::string log = fixture.log();
  EXPECT_LT(longest_block(log), kMaxBlockMs);
}

class LargeRequest : public testing::TestWithParam<std::size_t> {};

TEST_P(LargeRequest, does_not_delay_other_clients) {
  const Case each = cases().at(GetParam());
  SCOPED_TRACE(each.name);
  const std::string body = each.body();
  ProxyFixture fixture{debug_plan()};
  Reply reply;
  expect_others_are_served_during(fixture, [&] {
    reply = send_with_long_timeout(fixture, "POST", each.path, body, each.fields);
  });
  EXPECT_NE(reply.status, 0);
  EXPECT_NE(reply.status, 500);
  EXPECT_GT(apart_thread_time(fixture.proxy().pid()), kMinWorkNs)
      << "the body is parsed on another thread";
  expect_loop_is_not_blocked(fixture);
}

INSTANTIATE_TEST_SUITE_P(Bodies, LargeRequest, testing::Range<std::size_t>(0, cases().size()));

// On a busy machine the write may take longer than a second. The client is then told to try again,
// and finds the response gone where the write came through in the meantime.
void expect_erased(const ProxyFixture& fixture, const std::string& path) {
  int status = send_with_long_timeout(fixture, "DELETE", path).status;
  const bool was_busy = status == 503;
  for (int left = 60; status == 503 && left > 0; --left) {
    std::this_thread::sleep_for(std::chrono::seconds(1));
    status = send_with_long_timeout(fixture, "DELETE", path).status;
  }
  EXPECT_TRUE(status == 200 || (was_busy && status == 404)) << status;
}

TEST(LargeStoredResponse, does_not_delay_other_clients) {
  Plan plan = debug_plan();
  plan.config = R"({"store":{"maxResponseMegabytes":512,"maxConversationMegabytes":512}})";
  ProxyFixture fixture{plan};
  expect_others_are_served_during(fixture, [&] {
    const Reply begun = send_with_long_timeout(fixture, "POST", kResponses, instructions());
    ASSERT_EQ(begun.status, 200) << begun.body.substr(0, 1000);
    const Document response = json_of(begun.body);
    if (!response.at("store")) return;  // the database could not be written within a second
    const std::string id = response.at("id");
    EXPECT_EQ(send_with_long_timeout(fixture, "GET", kStoredPrefix + id).status, 200);
    EXPECT_EQ(send_with_long_timeout(fixture, "GET", kStoredPrefix + id + "?stream=true").status,
              200);
    EXPECT_EQ(send_with_long_timeout(fixture, "GET", kStoredPrefix + id + "/input_items").status,
              200);
    const std::string next = kHead + R"(,"input":"and?","previous_response_id":")" + id + "\"}";
    EXPECT_EQ(send_with_long_timeout(fixture, "POST", kResponses, next).status, 200);
    expect_erased(fixture, kStoredPrefix + id);
  });
  expect_loop_is_not_blocked(fixture);
}

struct ReplyCase {
  const char* path;
  const char* body;
};

const std::vector<ReplyCase> kReplyCases = {
    {kChat, R"({"model":"m","messages":[{"role":"user","content":"q"}]})"},
    {kChat, R"({"model":"m","stream":true,"messages":[{"role":"user","content":"q"}]})"},
    {kResponses, R"({"model":"m","input":"q"})"},
    {kResponses, R"({"model":"m","input":"q","stream":true})"},
};

class LargeReply : public testing::TestWithParam<std::size_t> {};

TEST_P(LargeReply, does_not_delay_other_clients) {
  const ReplyCase& each = kReplyCases.at(GetParam());
  const RawUpstream upstream;
  Plan plan = debug_plan();
  plan.upstream = upstream.url();
  ProxyFixture fixture{plan};
  const std::string text = filled("", kSentence, "", 4 * kMebibyte);
  std::thread upstream_thread([&] {
    const auto peer = next_message(upstream);
    ASSERT_TRUE(peer);
    peer->send(kEventStreamHead);
    peer->send(chunked(message_start_event() + text_start_event()));
    for (int i = 0; i < 2; ++i) peer->send(chunked(text_event(text)));
    peer->send(chunked(stop_events()) + "0\r\n\r\n");
  });
  expect_others_are_served_during(fixture, [&] {
    const Reply reply = send_with_long_timeout(fixture, "POST", each.path, each.body);
    EXPECT_EQ(reply.status, 200);
    EXPECT_TRUE(reply.complete);
    EXPECT_GT(reply.body.size(), 2 * text.size());
  });
  upstream_thread.join();
  EXPECT_GT(apart_thread_time(fixture.proxy().pid()), kMinWorkNs)
      << "the reply is encoded on another thread";
  expect_loop_is_not_blocked(fixture);
}

INSTANTIATE_TEST_SUITE_P(Shapes, LargeReply, testing::Range<std::size_t>(0, kReplyCases.size()));

// A gateway may compress a stream of millions of bytes to a few.
TEST(CompressedStream, does_not_delay_other_clients) {
  const RawUpstream upstream;
  Plan plan = debug_plan();
  plan.upstream = upstream.url();
  ProxyFixture fixture{plan};
  const std::string nothing = filled("", ": a comment\n", "\n", 12 * kMebibyte);
  const std::string coded = http::gzip(nothing + message_start_event() + text_start_event() +
                                       text_event("Hi") + stop_events());
  ASSERT_LT(coded.size(), kMebibyte / 8);
  std::thread upstream_thread([&] {
    const auto peer = next_message(upstream);
    ASSERT_TRUE(peer);
    std::string head = kEventStreamHead;
    head.insert(head.size() - 2, "content-encoding: gzip\r\n");
    peer->send(head);
    peer->send(chunked(coded) + "0\r\n\r\n");
  });
  expect_others_are_served_during(fixture, [&] {
    const Reply reply = send_with_long_timeout(fixture, "POST", kChat, kReplyCases.front().body);
    EXPECT_EQ(reply.status, 200) << reply.body.substr(0, 1000);
    EXPECT_NE(reply.body.find("\"Hi\""), std::string::npos) << reply.body;
  });
  upstream_thread.join();
  EXPECT_GT(apart_thread_time(fixture.proxy().pid()), kMinWorkNs)
      << "the stream is decompressed on another thread";
  expect_loop_is_not_blocked(fixture);
}

// Returns clients that have sent all of a large request but its last byte.
std::vector<std::unique_ptr<RawClient>> clients_before_the_last_byte(const ProxyFixture& fixture,
                                                                     std::size_t count,
                                                                     const std::string& body) {
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

TEST(ConcurrentLargeRequests, get_a_503_when_too_many_wait) {
  ProxyFixture fixture;
  const std::string body = costly_body();
  auto clients = clients_before_the_last_byte(fixture, 48, body);
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

// Conversations reach this size every day: they are parsed on other threads, too, and wait for
// their turn.
TEST(ConcurrentLargeRequests, are_served_at_a_usual_size) {
  ProxyFixture fixture;
  const std::string body = results(R"(,"store":false)", kMebibyte - 1);
  auto clients = clients_before_the_last_byte(fixture, 48, body);
  for (const auto& client : clients) EXPECT_TRUE(client->send(body.substr(body.size() - 1)));
  for (const auto& client : clients)
    EXPECT_EQ(client->read_reply(false, std::chrono::minutes(1)).status, 200);
  EXPECT_GT(apart_thread_time(fixture.proxy().pid()), kMinWorkNs)
      << "the body is parsed on another thread";
}

TEST(ConcurrentLargeRequests, make_room_when_their_clients_disconnect) {
  ProxyFixture fixture;
  const std::string body = costly_body();
  auto clients = clients_before_the_last_byte(fixture, 12, body);
  for (const auto& client : clients) EXPECT_TRUE(client->send(body.substr(body.size() - 1)));
  for (const auto& client : clients) client->reset();
  const Reply reply = send_with_long_timeout(fixture, "POST", kResponses, body);
  EXPECT_EQ(reply.status, 200) << reply.body.substr(0, 1000);
}

TEST(ConcurrentLargeRequests, do_not_delay_a_shutdown) {
  Plan plan;
  plan.config = R"({"server":{"shutdownGraceSeconds":0}})";
  ProxyFixture fixture{plan};
  const std::string body = costly_body();
  auto clients = clients_before_the_last_byte(fixture, 12, body);
  for (const auto& client : clients) EXPECT_TRUE(client->send(body.substr(body.size() - 1)));
  fixture.proxy().signal(SIGTERM);
  EXPECT_EQ(fixture.proxy().wait_exit(std::chrono::minutes(1)), 0);
}

}  // namespace
}  // namespace ccproxy::test
