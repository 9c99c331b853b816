#include "mock/mock_server.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "http/server_connection.hpp"
#include "json/writer.hpp"
#include "mock/api.hpp"
#include "mock/client_connection.hpp"
#include "mock/delivery.hpp"
#include "mock/recorder.hpp"
#include "net/listener.hpp"
#include "net/tls.hpp"

namespace ccproxy::mock {
namespace {

constexpr std::size_t kMaxRecords = 2000;
constexpr std::size_t kMaxRecordedBytes = std::size_t{128} << 20;
constexpr std::size_t kMaxRecordedBody = std::size_t{64} << 20;
constexpr std::chrono::seconds kHandshakeTimeout{10};
constexpr Milliseconds kAcceptRetryDelay{50};

bool is_loopback(std::string_view host) {
  return host.starts_with("127.") || host == "::1" || host == "localhost";
}

http::ServerLimits server_limits() {
  http::ServerLimits limits;
  limits.keep_alive = std::chrono::minutes(10);  // outlasts the idle connections of a proxy
  return limits;
}

}  // namespace

// What all connections share. Each connection owns a reference, so that it outlives the server.
struct MockServer::SharedState {
  SharedState(net::Runtime& server_runtime, Options server_options)
      : runtime(server_runtime),
        options(std::move(server_options)),
        api(std::move(options.script), options.pace),
        recorder(kMaxRecords, kMaxRecordedBytes) {
    options.control = options.control && is_loopback(options.host);
  }

  [[nodiscard]] Reply control(std::string_view method, std::string_view path,
                              const std::string& body);
  [[nodiscard]] std::string status() const;

  net::Runtime& runtime;
  Options options;
  Api api;
  Recorder recorder;
  Clock::time_point start = Clock::now();
  std::unique_ptr<net::Listener> listener{};
  std::unique_ptr<net::TlsContext> tls{};
  std::string certificate{};
  std::set<Session*> sessions{};
  std::uint64_t connections = 0;
  std::uint64_t control_connections = 0;
  std::uint64_t in_flight = 0;
  bool is_stopped = false;  // new connections are closed at once
};

// One connection and its requests, one after another.
class MockServer::Session {
 public:
  Session(SharedState& state, std::shared_ptr<http::ServerConnection> connection,
          net::Stream& socket)
      : shared_(state), client_(state.runtime, std::move(connection), socket) {
    number_ = ++shared_.connections;
    shared_.sessions.insert(this);
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  Session(Session&&) = delete;
  Session& operator=(Session&&) = delete;
  ~Session() { shared_.sessions.erase(this); }

  Task<void> run();
  void close() { client_.connection().close(); }
  void disconnect() { client_.disconnect(); }
  [[nodiscard]] bool is_control() const { return is_control_; }

 private:
  Task<void> refuse(Error error);
  Task<void> serve_request(http::RequestHead head);
  Task<void> reply_to(std::shared_ptr<Record> record);
  Task<void> serve_control(http::RequestHead head);
  Task<Result<bool>> read_body(Record& record, std::optional<std::uint64_t> limit);
  void report(const Record& record, Clock::duration time) const;

  SharedState& shared_;
  ClientConnection client_;
  std::uint64_t number_ = 0;
  std::uint64_t requests_ = 0;
  bool is_control_ = false;
  bool closes_at_next_request_ = false;
};

Task<void> MockServer::Session::run() {
  while (true) {
    auto head = co_await client_.connection().read_request();
    if (!head) {
      if (head.error().kind != ErrorKind::kClosed) co_await refuse(std::move(head.error()));
      co_return;
    }
    if (closes_at_next_request_) {
      close();
      co_return;
    }
    client_.set_request(*head);
    if (shared_.options.control && head->path().starts_with("/mock/")) {
      co_await serve_control(std::move(*head));
    } else {
      co_await serve_request(std::move(*head));
    }
  }
}

Task<void> MockServer::Session::refuse(Error error) {
  const int status = error.kind == ErrorKind::kHeadTooLarge ? 431
                     : error.kind == ErrorKind::kTimedOut   ? 408
                                                            : 400;
  const Reply reply = error_reply(status, error_type_of(status), error.message, "");
  auto sent = co_await deliver(client_, reply);
  (void)sent;  // a client that sends such a head may have left
}

// Serves a request from its head to the end of its reply, and records it.
Task<void> MockServer::Session::serve_request(http::RequestHead head) {
  Record record;
  record.connection = number_;
  record.request_number = ++requests_;
  record.head = std::move(head);
  record.arrived = Clock::now();
  auto shared_record = shared_.options.record ? shared_.recorder.begin(std::move(record))
                                              : std::make_shared<Record>(std::move(record));
  client_.on_leave([shared_record] {
    if (!shared_record->done) shared_record->left_at = Clock::now();
  });
  ++shared_.in_flight;
  co_await reply_to(shared_record);
  --shared_.in_flight;
  if (!shared_record->left_at) shared_record->done = true;
  client_.on_leave({});
  if (shared_.options.report) report(*shared_record, Clock::now() - shared_record->arrived);
}

Task<void> MockServer::Session::reply_to(std::shared_ptr<Record> record) {
  auto fault = Api::fault_in(record->head);
  Reply reply;
  if (fault && *fault && (*fault)->kind == FaultKind::kEarly) {
    reply = shared_.api.refuse_early(static_cast<int>((*fault)->value.value_or(413)));
  } else {
    auto fits = co_await read_body(*record, Api::body_limit(record->head.path()));
    if (shared_.options.record) shared_.recorder.count_body(*record);
    if (!fits) co_return co_await refuse(std::move(fits.error()));
    const Milliseconds pause = shared_.api.oauth().delay_before_request(record->head.path());
    if (pause.count() > 0) {
      const bool stays = co_await client_.wait(pause);
      if (!stays) co_return;
    }
    if (*fits) {
      const HttpRequest request{record->head, record->body, record->body_bytes,
                                shared_.options.tls ? "https" : "http"};
      reply = shared_.api.reply(request);
    } else {
      reply = shared_.api.refuse_early(413);
    }
  }
  record->status = reply.sends_nothing ? 0 : reply.status;
  closes_at_next_request_ = reply.after_reply == AfterReply::kCloseAtNextRequest;
  auto sent = co_await deliver(client_, reply);
  if (!sent && !record->left_at) record->left_at = Clock::now();
}

// Returns false when the body is larger than its route accepts; the rest is left unread.
Task<Result<bool>> MockServer::Session::read_body(Record& record,
                                                  std::optional<std::uint64_t> limit) {
  auto& connection = client_.connection();
  const std::uint64_t announced = connection.body_length().value_or(0);
  if (limit && announced > *limit) co_return false;
  while (true) {
    auto piece = co_await connection.read_body();
    if (!piece) co_return fail(piece.error());
    if (piece->empty()) co_return true;
    record.body_bytes += piece->size();
    if (limit && record.body_bytes > *limit) co_return false;
    record.body += piece->substr(0, kMaxRecordedBody - record.body.size());
  }
}

void MockServer::Session::report(const Record& record, Clock::duration time) const {
  const auto ms = std::chrono::duration_cast<Milliseconds>(time).count();
  const std::string line =
      fmt::format("{} {} {}, {} bytes in, {} ms{}", record.head.method, record.head.target,
                  record.status == 0 ? "without a reply" : std::to_string(record.status),
                  record.body_bytes, ms, record.left_at ? ", the client left" : "");
  shared_.options.report(line);
}

Task<void> MockServer::Session::serve_control(http::RequestHead head) {
  if (!std::exchange(is_control_, true)) ++shared_.control_connections;
  Record record;
  record.head = std::move(head);
  auto fits = co_await read_body(record, Api::body_limit(record.head.path()));
  if (!fits) co_return co_await refuse(std::move(fits.error()));
  Reply reply = error_reply(413, error_type_of(413), "The script is too large", "");
  if (*fits) reply = shared_.control(record.head.method, record.head.path(), record.body);
  auto sent = co_await deliver(client_, reply);
  (void)sent;
}

// Serves the controls under /mock/ (docs/mock.md).
Reply MockServer::SharedState::control(std::string_view method, std::string_view path,
                                       const std::string& body) {
  if (path == "/mock/status" && method == "GET") return json_reply(200, status());
  if (path == "/mock/requests" && method == "GET") return json_reply(200, recorder.list(start));
  if (path == "/mock/requests" && method == "DELETE") {
    recorder.clear();
    return json_reply(200, "{}");
  }
  if (path == "/mock/script" && method == "DELETE") {
    api.set_script(Script{});
    return json_reply(200, "{}");
  }
  if (path == "/mock/script" && method == "PUT") {
    auto script = parse_script(body);
    if (!script) return error_reply(400, error_type_of(400), script.error().message, "");
    api.set_script(std::move(*script));
    return json_reply(200, "{}");
  }
  if (auto reply = api.oauth().control(method, path, body)) return std::move(*reply);
  return error_reply(404, error_type_of(404), "There is no such control; docs/mock.md lists them",
                     "");
}

std::string MockServer::SharedState::status() const {
  const auto open = std::count_if(sessions.begin(), sessions.end(),
                                  [](const Session* one) { return !one->is_control(); });
  std::string text;
  json::Writer out(text);
  out.begin_object();
  out.member("open_connections", open);
  out.member("connections_seen", connections - control_connections);
  out.member("requests_in_flight", in_flight);
  out.end_object();
  return text;
}

MockServer::MockServer(net::Runtime& runtime, Options options)
    : shared_(std::make_shared<SharedState>(runtime, std::move(options))) {}

MockServer::~MockServer() { stop(); }

Result<void> MockServer::listen() {
  SharedState& state = *shared_;
  if (state.options.tls) {
    auto tls = net::TlsContext::throwaway_server(state.certificate);
    if (!tls) return fail(tls.error());
    state.tls = std::move(*tls);
  }
  const std::string ip = state.options.host == "localhost" ? "127.0.0.1" : state.options.host;
  auto listener = net::Listener::tcp(state.runtime, ip, state.options.port, false);
  if (!listener) return fail(listener.error());
  state.listener = std::move(*listener);
  state.runtime.spawn(accept_all(shared_));
  return {};
}

std::uint16_t MockServer::port() const { return shared_->listener ? shared_->listener->port() : 0; }

std::string MockServer::url() const {
  const std::string& host = shared_->options.host;
  const bool is_v6 = host.find(':') != std::string::npos;
  return fmt::format("{}://{}{}{}:{}", shared_->options.tls ? "https" : "http", is_v6 ? "[" : "",
                     host, is_v6 ? "]" : "", port());
}

const std::string& MockServer::certificate_pem() const { return shared_->certificate; }

void MockServer::stop() {
  if (shared_->listener) shared_->listener->close();
  shared_->is_stopped = true;
  for (Session* session : shared_->sessions) session->disconnect();
}

Task<void> MockServer::accept_all(std::shared_ptr<SharedState> state) {
  while (true) {
    auto stream = co_await state->listener->accept();
    if (stream) {
      state->runtime.spawn(serve(state, std::move(*stream)));
    } else if (stream.error().kind == ErrorKind::kClosed) {
      co_return;
    } else {
      co_await net::sleep(state->runtime, kAcceptRetryDelay);
    }
  }
}

Task<void> MockServer::serve(std::shared_ptr<SharedState> state,
                             std::unique_ptr<net::Stream> stream) {
  net::Stream& socket = *stream;  // the TLS stream takes ownership, but does not move it
  if (state->tls) {
    auto secured =
        co_await state->tls->wrap(state->runtime, std::move(stream), "", kHandshakeTimeout);
    if (!secured) co_return;
    stream = std::move(*secured);
  }
  auto connection =
      std::make_shared<http::ServerConnection>(state->runtime, std::move(stream), server_limits());
  connection->start();
  Session session(*state, connection, socket);
  if (!state->is_stopped) co_await session.run();
  connection->close();
}

}  // namespace ccproxy::mock
