// The simulated API over real loopback connections: that each fault does what its name says, and
// that a test can see what was received.
#include "mock/mock_server.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "http/client.hpp"
#include "http/coding.hpp"
#include "json/document.hpp"
#include "net/dial.hpp"
#include "net/resolve.hpp"
#include "net/tls.hpp"

namespace ccproxy::mock {
namespace {

using json::Document;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* kBody =
    R"({"model":"claude-sonnet-5","max_tokens":100,"stream":true,"messages":[{"role":"user","content":"Hi"}]})";
constexpr const char* kWholeBody =
    R"({"model":"claude-sonnet-5","max_tokens":100,"messages":[{"role":"user","content":"Hi"}]})";

// What came back over one connection.
struct Seen {
  int status = 0;
  std::string head;              // of a raw conversation
  std::string body;
  bool complete = false;
  std::optional<Error> error{};  // why it is not
  Clock::duration time{};
  std::string request_id;
};

struct Ask {
  std::string method = "POST";
  std::string target = "/v1/messages";
  std::string body = kBody;
  std::vector<std::pair<std::string, std::string>> fields{};
};

Ask with_fault(const std::string& fault, const char* body = kBody) {
  return Ask{"POST", "/v1/messages", body, {{"x-mock-fault", fault}}};
}

Task<void> finish(net::Runtime& runtime, Task<void> work) {
  co_await std::move(work);
  runtime.stop();
}

Task<void> exchange(http::Client& client, const Ask& ask, Seen& seen) {
  const auto start = Clock::now();
  auto call = co_await client.open(false);
  if (!call) {
    seen.error = call.error();
    co_return;
  }
  std::vector<http::Field> fields = {{"x-api-key", "k"}, {"anthropic-version", "2023-06-01"}};
  for (const auto& [name, value] : ask.fields) fields.push_back({name, value});
  http::OutgoingRequest request{ask.method, ask.target, fields, ask.body.size()};
  auto sent = co_await (*call)->send(request, ask.body, true);
  auto head = co_await (*call)->read_head();
  if (!sent || !head) {
    seen.error = head ? sent.error() : head.error();
    seen.time = Clock::now() - start;
    co_return;
  }
  seen.status = head->status;
  seen.request_id = head->get("request-id");
  while (true) {
    auto piece = co_await (*call)->read_body();
    if (!piece) seen.error = piece.error();
    if (!piece || piece->empty()) break;
    seen.body += *piece;
  }
  seen.complete = !seen.error;
  seen.time = Clock::now() - start;
}

// Raw bytes out, everything that comes back in; `wait` bounds the silence at the end.
Task<void> converse(net::Runtime& runtime, std::uint16_t port, const std::string& bytes,
                    milliseconds wait, Seen& seen) {
  net::Resolver resolver(runtime);
  auto stream = co_await net::dial(runtime, resolver, "127.0.0.1", port, seconds(5));
  if (!stream) co_return;
  auto written = co_await (*stream)->write(bytes);
  std::vector<char> room(4096);
  while (written) {
    (*stream)->expires_after(wait);
    auto got = co_await (*stream)->read_some(room);
    if (!got) seen.error = got.error();
    if (!got || *got == 0) break;
    seen.body.append(room.data(), *got);
  }
  seen.complete = !seen.error;
  const auto end = seen.body.find("\r\n\r\n");
  if (end == std::string::npos) co_return;
  seen.head = seen.body.substr(0, end + 2);
  seen.body.erase(0, end + 4);
}

class Loopback : public testing::Test {
 protected:
  explicit Loopback(Options options = {}) : server(runtime, std::move(options)) {
    const auto listening = server.listen();
    EXPECT_TRUE(listening) << (listening ? "" : listening.error().message);
    http::ClientLimits limits;
    limits.first_byte = limits.idle = seconds(5);
    client = std::make_unique<http::Client>(
        runtime, http::Origin{false, "127.0.0.1", server.port(), "127.0.0.1"}, nullptr, limits);
  }

  void run(Task<void> work) {
    runtime.context().restart();
    runtime.spawn(finish(runtime, std::move(work)));
    runtime.run();
  }

  Seen ask(const Ask& ask) {
    Seen seen;
    run(exchange(*client, ask, seen));
    return seen;
  }

  Seen raw(const std::string& bytes, milliseconds wait = milliseconds(2000)) {
    Seen seen;
    run(converse(runtime, server.port(), bytes, wait, seen));
    return seen;
  }

  std::string raw_request(const std::string& fields, const std::string& body = kBody) {
    return "POST /v1/messages HTTP/1.1\r\nHost: x\r\nx-api-key: k\r\n"
           "anthropic-version: 2023-06-01\r\n" +
           fields + "content-length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }

  void script(const std::string& text) {
    const Seen seen = ask({"PUT", "/mock/script", text});
    ASSERT_EQ(seen.status, 200) << seen.body;
  }

  Document get(const std::string& target) {
    auto document = json::parse_document(ask({"GET", target, ""}).body);
    EXPECT_TRUE(document);
    return document ? *document : Document();
  }

  net::Runtime runtime;
  MockServer server;
  std::unique_ptr<http::Client> client;
};

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST_F(Loopback, answers_whole_and_streamed) {
  const Seen streamed = ask({});
  EXPECT_EQ(streamed.status, 200);
  EXPECT_TRUE(streamed.body.starts_with("event: message_start\n"));
  EXPECT_TRUE(streamed.body.ends_with("data: {\"type\":\"message_stop\"}\n\n"));
  const Seen whole = ask({"POST", "/v1/messages", kWholeBody});
  const auto message = json::parse_document(whole.body);
  ASSERT_TRUE(message);
  EXPECT_EQ((*message)["stop_reason"], "end_turn");
  EXPECT_NE(streamed.request_id, whole.request_id);
}

TEST_F(Loopback, insists_on_what_the_real_api_insists_on) {
  const struct {
    const char* says;
    std::string request;
    int status;
    const char* type;
  } kRows[] = {
      {"a credential", "POST /v1/messages HTTP/1.1\r\nHost: x\r\n", 401, "authentication_error"},
      {"a version", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nx-api-key: k\r\n", 400,
       "invalid_request_error"},
      {"the beta flag of an OAuth token",
       "POST /v1/messages HTTP/1.1\r\nHost: x\r\nauthorization: Bearer sk-ant-oat01-x\r\n"
       "anthropic-version: 1\r\n",
       401, "OAuth authentication is currently not supported."},
      {"an OAuth token as a token",
       "POST /v1/messages HTTP/1.1\r\nHost: x\r\nx-api-key: sk-ant-oat01-x\r\n"
       "anthropic-version: 1\r\n",
       401, "invalid x-api-key"},
      {"a body",
       "POST /v1/messages HTTP/1.1\r\nHost: x\r\nx-api-key: k\r\nanthropic-version: 1\r\n", 400,
       "not valid JSON"},
      {"a known path",
       "GET /v1/nothing HTTP/1.1\r\nHost: x\r\nx-api-key: k\r\nanthropic-version: 1\r\n", 404,
       "not_found_error"},
      {"the right method",
       "GET /v1/messages HTTP/1.1\r\nHost: x\r\nx-api-key: k\r\nanthropic-version: 1\r\n", 405,
       "Method Not Allowed"},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.says);
    const Seen seen = raw(row.request + "connection: close\r\n\r\n");
    EXPECT_TRUE(seen.head.starts_with("HTTP/1.1 " + std::to_string(row.status))) << seen.head;
    EXPECT_TRUE(contains(seen.body, row.type)) << seen.body;
    EXPECT_TRUE(contains(seen.body, "request_id"));
  }
  const Seen good = ask({"POST", "/v1/messages", kBody,
                         {{"authorization", "Bearer sk-ant-oat01-x"},
                          {"anthropic-beta", "a, oauth-2025-04-20"}}});
  EXPECT_EQ(good.status, 200);
}

TEST_F(Loopback, a_script_is_followed_and_used_up) {
  script(R"({"replies":[
      {"match":{"model":"claude-sonnet-*","stream":true,"header":{"x-app":"c*"}},"times":2,
       "raw":": hi\r\ndata: x\r\n\r\n"},
      {"match":{"body_contains":"Hi"},"times":1,"status":529,"headers":{"retry-after":"7"},
       "error":"overloaded_error"},
      {"text":"Last."}]})");
  const Ask app{"POST", "/v1/messages", kBody, {{"x-app", "cli"}}};
  EXPECT_EQ(ask(app).body, ": hi\r\ndata: x\r\n\r\n");
  EXPECT_EQ(ask(app).body, ": hi\r\ndata: x\r\n\r\n");
  const Seen error = ask(app);
  EXPECT_EQ(error.status, 529);
  EXPECT_TRUE(contains(error.body, R"("type":"overloaded_error","message":"Overloaded")"));
  EXPECT_TRUE(contains(ask(app).body, "Last."));
  EXPECT_TRUE(contains(ask({"POST", "/v1/messages", kWholeBody}).body, R"("text":"Last.")"));
  EXPECT_EQ(ask({"GET", "/v1/models", ""}).status, 200);  // not what the replies are for
}

TEST_F(Loopback, a_bad_script_is_refused_with_its_place) {
  const Seen seen = ask({"PUT", "/mock/script", R"({"replies":[{"tekst":"a"}]})"});
  EXPECT_EQ(seen.status, 400);
  EXPECT_TRUE(contains(seen.body, "replies[0] has an unknown key")) << seen.body;
}

TEST_F(Loopback, records_what_came_as_it_came) {
  const std::string body = "{ \"model\":\"m\",\t\"max_tokens\":1.0 }";
  (void)raw("POST /v1/messages?beta=true HTTP/1.1\r\nHost: x\r\nX-Api-Key: k\r\nB: 1\r\nb: 2\r\n"
            "connection: close\r\ncontent-length: " +
            std::to_string(body.size()) + "\r\n\r\n" + body);
  (void)ask({"POST", "/v1/messages", "\xff\x01"});
  const Document records = get("/mock/requests");
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0]["target"], "/v1/messages?beta=true");
  EXPECT_EQ(records[0]["body"], body);
  EXPECT_EQ(records[0]["headers"][1], (Document{"X-Api-Key", "k"}));
  EXPECT_EQ(records[0]["headers"][2], (Document{"B", "1"}));
  EXPECT_EQ(records[0]["headers"][3], (Document{"b", "2"}));
  EXPECT_EQ(records[0]["aborted"], false);
  EXPECT_EQ(records[1]["body_base64"], "/wE=");
  EXPECT_NE(records[0]["connection"], records[1]["connection"]);
  EXPECT_EQ(ask({"DELETE", "/mock/requests", ""}).status, 200);
  EXPECT_EQ(get("/mock/requests").size(), 0U);
}

TEST_F(Loopback, tells_when_a_client_left) {
  (void)raw(raw_request("x-mock-fault: stall\r\n"), milliseconds(100));
  (void)raw(raw_request("x-mock-fault: stall-mid=3\r\n"), milliseconds(100));
  const Document records = get("/mock/requests");
  ASSERT_EQ(records.size(), 2U);
  for (const Document& record : records) {
    EXPECT_EQ(record["aborted"], true);
    EXPECT_GE(record["left_ms"].get<int>(), 90);
    EXPECT_LT(record["left_ms"].get<int>(), 1000);
  }
  const Document status = get("/mock/status");
  EXPECT_EQ(status["open_connections"], 0);
  EXPECT_EQ(status["connections_seen"], 2);
  EXPECT_EQ(status["requests_in_flight"], 0);
}

TEST_F(Loopback, status_faults_come_with_their_type_and_retry_after) {
  const Seen seen = raw(raw_request("connection: close\r\nx-mock-fault: status=429:7\r\n"));
  EXPECT_TRUE(seen.head.starts_with("HTTP/1.1 429"));
  EXPECT_TRUE(contains(seen.head, "retry-after: 7\r\n"));
  EXPECT_TRUE(contains(seen.body, "rate_limit_error"));
  Ask model = {"POST", "/v1/messages",
               R"({"model":"mock-fault-status=402","max_tokens":1,"messages":[{"role":"user","content":"a"}]})"};
  EXPECT_EQ(ask(model).status, 402);
  EXPECT_EQ(ask(with_fault("nonsense")).status, 400);
}

TEST_F(Loopback, cut_streams_are_cut_in_their_own_way) {
  const std::string whole = ask({}).body;
  const struct {
    const char* fault;
    bool complete;   // as HTTP sees it
    ErrorKind kind;  // where it is not
  } kRows[] = {{"end-mid=4", true, ErrorKind::kInternal},
               {"close-mid=4", false, ErrorKind::kUpstreamBroke},
               {"reset-mid=4", false, ErrorKind::kClosed}};
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.fault);
    const Seen seen = ask(with_fault(row.fault));
    EXPECT_EQ(seen.status, 200);
    EXPECT_EQ(seen.complete, row.complete);
    EXPECT_TRUE(contains(seen.body, "content_block_delta"));
    EXPECT_FALSE(contains(seen.body, "message_stop"));
    EXPECT_LT(seen.body.size(), whole.size());
    EXPECT_EQ(seen.error ? seen.error->kind : ErrorKind::kInternal, row.kind);
  }
  const Seen reset = ask(with_fault("reset"));
  ASSERT_TRUE(reset.error);
  EXPECT_TRUE(contains(reset.error->message, "reset")) << reset.error->message;
}

TEST_F(Loopback, cut_messages_end_before_their_length) {
  for (const char* fault : {"close-mid", "reset-mid", "bad-length"}) {
    const Seen seen = ask(with_fault(fault, kWholeBody));
    EXPECT_EQ(seen.status, 200) << fault;
    EXPECT_FALSE(seen.complete) << fault;
  }
  const Seen cut = ask(with_fault("end-mid", kWholeBody));
  EXPECT_TRUE(cut.complete);
  EXPECT_FALSE(json::parse_document(cut.body));
}

TEST_F(Loopback, an_error_event_ends_the_stream) {
  const Seen seen = ask(with_fault("error-mid"));
  EXPECT_TRUE(seen.complete);
  EXPECT_TRUE(seen.body.ends_with(
      "event: error\ndata: "
      "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}"
      "\n\n"));
  EXPECT_EQ(ask(with_fault("error-mid", kWholeBody)).status, 529);
}

TEST_F(Loopback, odd_line_ends_and_pieces_say_the_same) {
  const auto without_ids = [](std::string text) {
    const auto at = text.find("msg_01");
    return at == std::string::npos ? text : text.erase(at, 28);
  };
  const auto with_line_end = [](const std::string& text, const std::string& end) {
    std::string changed;
    for (const char c : text) changed += c == '\n' ? end : std::string(1, c);
    return changed;
  };
  const std::string whole = without_ids(ask({}).body);
  for (const char* fault : {"drip", "split", "split=3", "http10", "interim", "close-after",
                            "dead-keepalive", "slow-head=10"}) {
    const Seen seen = ask(with_fault(fault));
    EXPECT_TRUE(seen.complete) << fault << ": " << seen.error->message;
    EXPECT_EQ(without_ids(seen.body), whole) << fault;
  }
  EXPECT_EQ(without_ids(ask(with_fault("crlf")).body), with_line_end(whole, "\r\n"));
  EXPECT_EQ(without_ids(ask(with_fault("cr")).body), with_line_end(whole, "\r"));
  EXPECT_EQ(without_ids(ask(with_fault("no-blank-end")).body), whole.substr(0, whole.size() - 1));
}

TEST_F(Loopback, heads_that_contradict_themselves_are_refused_by_a_strict_client) {
  for (const char* fault : {"two-lengths", "two-lengths=te"}) {
    const Seen seen = ask(with_fault(fault));
    ASSERT_TRUE(seen.error) << fault;
    EXPECT_EQ(seen.error->kind, ErrorKind::kUpstreamBroke) << fault;
  }
}

TEST_F(Loopback, peculiar_heads_are_on_the_wire) {
  EXPECT_TRUE(raw(raw_request("x-mock-fault: http10\r\n")).head.starts_with("HTTP/1.0 200"));
  const Seen interim = raw(raw_request("connection: close\r\nx-mock-fault: interim\r\n"));
  EXPECT_TRUE(interim.head.starts_with("HTTP/1.1 103"));
  EXPECT_TRUE(contains(interim.body, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200"));
  const Seen closing = raw(raw_request("x-mock-fault: close-after\r\n"));
  EXPECT_TRUE(contains(closing.head, "connection: close\r\n"));
  EXPECT_TRUE(closing.complete);
  const Seen packed = raw(raw_request("connection: close\r\nx-mock-fault: gzip\r\n", kWholeBody));
  EXPECT_TRUE(contains(packed.head, "content-encoding: gzip\r\n"));
  EXPECT_EQ(packed.body.substr(0, 2), "\x1f\x8b");
  const Seen early = raw("POST /v1/messages HTTP/1.1\r\nHost: x\r\nx-mock-fault: early=413\r\n"
                         "content-length: 1000000\r\n\r\nbegin",
                         milliseconds(3000));
  EXPECT_TRUE(early.head.starts_with("HTTP/1.1 413"));
}

TEST_F(Loopback, a_dead_kept_connection_answers_once) {
  const std::string twice = raw_request("x-mock-fault: dead-keepalive=late\r\n", kWholeBody) +
                            raw_request("", kWholeBody);
  const Seen seen = raw(twice);
  EXPECT_FALSE(contains(seen.head, "connection: close"));
  EXPECT_FALSE(contains(seen.body, "HTTP/1.1 200"));
  EXPECT_EQ(get("/mock/requests").size(), 1U);
}

TEST_F(Loopback, slow_things_are_slow_and_large_things_large) {
  EXPECT_GE(ask(with_fault("slow-head=150")).time, milliseconds(150));
  const Seen huge = ask(with_fault("huge-event=300000"));
  EXPECT_TRUE(contains(huge.body, std::string(300'000, 'x')));
  EXPECT_TRUE(contains(huge.body, "message_stop"));
  const Seen pings = raw(raw_request("x-mock-fault: pings-only=20\r\n"), milliseconds(60));
  EXPECT_FALSE(contains(pings.body, "content_block_start"));
  script(R"({"replies":[{"pace":"human","blocks":[{"deltas":["a","b","c"]}]}]})");
  EXPECT_GE(ask({}).time, milliseconds(75));
}

TEST_F(Loopback, files_come_back_as_they_went) {
  const std::string content("\0\r\n--x\xff middle", 15);
  const std::string body = "--x\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nu\r\n--x\r\n"
                           "Content-Disposition: form-data; name=\"file\"; filename=\"a.bin\"\r\n"
                           "Content-Type: image/png\r\n\r\n" +
                           content.substr(0, 3) + content.substr(6) + "\r\n--x--\r\n";
  const Seen made = ask({"POST", "/v1/files", body, {{"content-type", "multipart/form-data; boundary=x"}}});
  const auto facts = json::parse_document(made.body);
  ASSERT_TRUE(facts) << made.body;
  EXPECT_EQ((*facts)["filename"], "a.bin");
  EXPECT_EQ((*facts)["mime_type"], "image/png");
  const std::string id = (*facts)["id"].get<std::string>();
  EXPECT_EQ(ask({"GET", "/v1/files/" + id + "/content", ""}).body,
            content.substr(0, 3) + content.substr(6));
  EXPECT_EQ(get("/v1/files")["data"].size(), 1U);
  EXPECT_EQ(ask({"DELETE", "/v1/files/" + id, ""}).status, 200);
  EXPECT_EQ(ask({"GET", "/v1/files/" + id, ""}).status, 404);
}

TEST_F(Loopback, a_batch_ends_and_has_results) {
  const std::string requests =
      R"({"requests":[{"custom_id":"a","params":{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}]}},
                     {"custom_id":"b","params":{"model":"m"}}]})";
  const auto made = json::parse_document(ask({"POST", "/v1/messages/batches", requests}).body);
  ASSERT_TRUE(made);
  const std::string at = "/v1/messages/batches/" + (*made)["id"].get<std::string>();
  EXPECT_EQ((*made)["processing_status"], "in_progress");
  EXPECT_EQ(ask({"GET", at + "/results", ""}).status, 404);
  EXPECT_EQ(get(at)["processing_status"], "ended");
  const std::string lines = ask({"GET", at + "/results", ""}).body;
  EXPECT_TRUE(contains(lines, R"({"custom_id":"a","result":{"type":"succeeded","message":{"model")"));
  EXPECT_TRUE(contains(lines, R"({"custom_id":"b","result":{"type":"errored")"));
  EXPECT_EQ(ask({"DELETE", at, ""}).status, 200);
  EXPECT_EQ(ask({"GET", at, ""}).status, 404);
}

TEST_F(Loopback, models_come_in_pages) {
  const Document first = get("/v1/models?limit=3");
  EXPECT_EQ(first["data"].size(), 3U);
  EXPECT_EQ(first["has_more"], true);
  const Document next =
      get("/v1/models?limit=1000&after_id=" + first["last_id"].get<std::string>());
  EXPECT_EQ(next["has_more"], false);
  EXPECT_EQ(first["data"].size() + next["data"].size(), get("/v1/models")["data"].size());
  const Document back = get("/v1/models?limit=2&before_id=" + first["last_id"].get<std::string>());
  EXPECT_EQ(back["data"][0]["id"], first["data"][0]["id"]);
  EXPECT_EQ(get("/v1/models/claude-opus-4-5")["id"], "claude-opus-4-5-20251101");
  EXPECT_EQ(ask({"GET", "/v1/models/nothing", ""}).status, 404);
}

Options as_in_demo() {
  Options options;
  options.control = false;
  return options;
}

class WithoutControl : public Loopback {
 protected:
  WithoutControl() : Loopback(as_in_demo()) {}
};

TEST_F(WithoutControl, asks_of_mock_are_unknown) {
  EXPECT_EQ(ask({"GET", "/mock/requests", ""}).status, 404);
  EXPECT_EQ(ask({"PUT", "/mock/script", R"({"replies":[]})"}).status, 404);
}

Options secured() {
  Options options;
  options.tls = true;
  return options;
}

class Secured : public Loopback {
 protected:
  Secured() : Loopback(secured()) {
    const std::string path = testing::TempDir() + "mock-ca-" + std::to_string(::getpid()) + ".pem";
    std::ofstream(path) << server.certificate_pem();
    auto context = net::TlsContext::client(path);
    ::unlink(path.c_str());
    EXPECT_TRUE(context);
    tls = std::move(*context);
    client = std::make_unique<http::Client>(
        runtime, http::Origin{true, "localhost", server.port(), "localhost"}, tls.get(),
        http::ClientLimits{});
  }
  ~Secured() override { client.reset(); }

  std::unique_ptr<net::TlsContext> tls;
};

TEST_F(Secured, answers_and_aborts) {
  EXPECT_TRUE(ask({}).complete);
  const Seen cut = ask(with_fault("tls-abort"));
  EXPECT_EQ(cut.status, 200);
  ASSERT_TRUE(cut.error);
  EXPECT_TRUE(contains(cut.error->message, "without ending TLS")) << cut.error->message;
}

}  // namespace
}  // namespace ccproxy::mock
