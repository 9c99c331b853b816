#include "mock/mock_server.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "http/server_connection.hpp"
#include "json/writer.hpp"
#include "mock/api.hpp"
#include "mock/delivery.hpp"
#include "mock/recorder.hpp"
#include "mock/visitor.hpp"
#include "net/listener.hpp"
#include "net/tls.hpp"

namespace ccproxy::mock {
namespace {

constexpr std::size_t kMaxRecords = 2000;
constexpr std::size_t kMaxRecordedBytes = std::size_t{128} << 20;
constexpr std::size_t kMaxKeptOfBody = std::size_t{64} << 20;
constexpr std::chrono::seconds kHandshake{10};
constexpr Milliseconds kOutOfDescriptors{50};

bool is_loopback(std::string_view host) {
  return host.starts_with("127.") || host == "::1" || host == "localhost";
}

http::ServerLimits patient_limits() {
  http::ServerLimits limits;
  limits.keep_alive = std::chrono::minutes(10);  // a proxy's pool decides, not its upstream
  return limits;
}

}  // namespace

// What all connections share. They hold it, so that it outlives the server object.
struct MockServer::World {
  World(net::Runtime& of, Options given)
      : runtime(of),
        options(std::move(given)),
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
  bool is_over = false;  // whoever comes now comes too late
};

// One connection: its requests, one after another.
class MockServer::Session {
 public:
  Session(World& world, std::shared_ptr<http::ServerConnection> connection, net::Stream& socket)
      : world_(world), visitor_(world.runtime, std::move(connection), socket) {
    number_ = ++world_.connections;
    world_.sessions.insert(this);
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  Session(Session&&) = delete;
  Session& operator=(Session&&) = delete;
  ~Session() { world_.sessions.erase(this); }

  Task<void> run();
  void close() { visitor_.connection().close(); }
  void dismiss() { visitor_.dismiss(); }
  [[nodiscard]] bool is_control() const { return is_control_; }

 private:
  Task<void> refuse(Error error);
  Task<void> take(http::RequestHead head);
  Task<void> answer(std::shared_ptr<Record> record);
  Task<void> control(http::RequestHead head);
  Task<Result<bool>> read_body(Record& record, std::optional<std::uint64_t> limit);
  void report(const Record& record, Clock::duration time) const;

  World& world_;
  Visitor visitor_;
  std::uint64_t number_ = 0;
  std::uint64_t requests_ = 0;
  bool is_control_ = false;
  bool dies_next_time_ = false;
};

Task<void> MockServer::Session::run() {
  while (true) {
    auto head = co_await visitor_.connection().read_request();
    if (!head) {
      if (head.error().kind != ErrorKind::kClosed) co_await refuse(std::move(head.error()));
      co_return;
    }
    if (dies_next_time_) {
      close();
      co_return;
    }
    visitor_.take_head(*head);
    if (world_.options.control && head->path().starts_with("/mock/")) {
      co_await control(std::move(*head));
    } else {
      co_await take(std::move(*head));
    }
  }
}

Task<void> MockServer::Session::refuse(Error error) {
  const int status = error.kind == ErrorKind::kHeadTooLarge ? 431
                     : error.kind == ErrorKind::kTimedOut   ? 408
                                                            : 400;
  const Reply reply = error_reply(status, error_type_of(status), error.message, "");
  auto sent = co_await deliver(visitor_, reply);
  (void)sent;  // whoever sends such a head may be gone
}

// A request from its head to the end of its answer, recorded on the way.
Task<void> MockServer::Session::take(http::RequestHead head) {
  Record record;
  record.connection = number_;
  record.on_connection = ++requests_;
  record.head = std::move(head);
  record.arrived = Clock::now();
  auto kept = world_.options.record ? world_.recorder.begin(std::move(record))
                                    : std::make_shared<Record>(std::move(record));
  visitor_.on_leave([kept] {
    if (!kept->done) kept->left = Clock::now();
  });
  ++world_.in_flight;
  co_await answer(kept);
  --world_.in_flight;
  if (!kept->left) kept->done = true;
  visitor_.on_leave({});
  if (world_.options.report) report(*kept, Clock::now() - kept->arrived);
}

Task<void> MockServer::Session::answer(std::shared_ptr<Record> record) {
  auto fault = Api::fault_in(record->head);
  Reply reply;
  if (fault && *fault && (*fault)->kind == FaultKind::kEarly) {
    reply = world_.api.refuse_early(static_cast<int>((*fault)->value.value_or(413)));
  } else {
    auto fits = co_await read_body(*record, Api::body_limit(record->head.path()));
    if (world_.options.record) world_.recorder.count_body(*record);
    if (!fits) co_return co_await refuse(std::move(fits.error()));
    const Milliseconds pause = world_.api.oauth().wait_before(record->head.path());
    if (pause.count() > 0) {
      const bool stays = co_await visitor_.wait(pause);
      if (!stays) co_return;
    }
    if (*fits) {
      const Incoming request{record->head, record->body, record->body_bytes,
                             world_.options.tls ? "https" : "http"};
      reply = world_.api.reply(request);
    } else {
      reply = world_.api.refuse_early(413);
    }
  }
  record->status = reply.silent ? 0 : reply.status;
  dies_next_time_ = reply.afterwards == Afterwards::kDieNextTime;
  auto sent = co_await deliver(visitor_, reply);
  if (!sent && !record->left) record->left = Clock::now();
}

// False when the body is larger than its route takes: then the rest is left unread.
Task<Result<bool>> MockServer::Session::read_body(Record& record,
                                                  std::optional<std::uint64_t> limit) {
  auto& connection = visitor_.connection();
  const std::uint64_t announced = connection.body_length().value_or(0);
  if (limit && announced > *limit) co_return false;
  while (true) {
    auto piece = co_await connection.read_body();
    if (!piece) co_return fail(piece.error());
    if (piece->empty()) co_return true;
    record.body_bytes += piece->size();
    if (limit && record.body_bytes > *limit) co_return false;
    record.body += piece->substr(0, kMaxKeptOfBody - record.body.size());
  }
}

void MockServer::Session::report(const Record& record, Clock::duration time) const {
  const auto ms = std::chrono::duration_cast<Milliseconds>(time).count();
  const std::string line =
      fmt::format("{} {} {}, {} bytes in, {} ms{}", record.head.method, record.head.target,
                  record.status == 0 ? "without an answer" : std::to_string(record.status),
                  record.body_bytes, ms, record.left ? ", the client left" : "");
  world_.options.report(line);
}

Task<void> MockServer::Session::control(http::RequestHead head) {
  if (!std::exchange(is_control_, true)) ++world_.control_connections;
  Record record;
  record.head = std::move(head);
  auto fits = co_await read_body(record, Api::body_limit(record.head.path()));
  if (!fits) co_return co_await refuse(std::move(fits.error()));
  Reply reply = error_reply(413, error_type_of(413), "The script is too large", "");
  if (*fits) reply = world_.control(record.head.method, record.head.path(), record.body);
  auto sent = co_await deliver(visitor_, reply);
  (void)sent;
}

// Scripts in, recordings out (docs/mock.md).
Reply MockServer::World::control(std::string_view method, std::string_view path,
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

std::string MockServer::World::status() const {
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
    : world_(std::make_shared<World>(runtime, std::move(options))) {}

MockServer::~MockServer() { stop(); }

Result<void> MockServer::listen() {
  World& world = *world_;
  if (world.options.tls) {
    auto tls = net::TlsContext::throwaway_server(world.certificate);
    if (!tls) return fail(tls.error());
    world.tls = std::move(*tls);
  }
  const std::string ip = world.options.host == "localhost" ? "127.0.0.1" : world.options.host;
  auto listener = net::Listener::tcp(world.runtime, ip, world.options.port, false);
  if (!listener) return fail(listener.error());
  world.listener = std::move(*listener);
  world.runtime.spawn(accept_all(world_));
  return {};
}

std::uint16_t MockServer::port() const { return world_->listener ? world_->listener->port() : 0; }

std::string MockServer::url() const {
  const std::string& host = world_->options.host;
  const bool is_v6 = host.find(':') != std::string::npos;
  return fmt::format("{}://{}{}{}:{}", world_->options.tls ? "https" : "http", is_v6 ? "[" : "",
                     host, is_v6 ? "]" : "", port());
}

const std::string& MockServer::certificate_pem() const { return world_->certificate; }

void MockServer::stop() {
  if (world_->listener) world_->listener->close();
  world_->is_over = true;
  for (Session* session : world_->sessions) session->dismiss();
}

Task<void> MockServer::accept_all(std::shared_ptr<World> world) {
  while (true) {
    auto stream = co_await world->listener->accept();
    if (stream) {
      world->runtime.spawn(serve(world, std::move(*stream)));
    } else if (stream.error().kind == ErrorKind::kClosed) {
      co_return;
    } else {
      co_await net::sleep(world->runtime, kOutOfDescriptors);
    }
  }
}

Task<void> MockServer::serve(std::shared_ptr<World> world, std::unique_ptr<net::Stream> stream) {
  net::Stream& socket = *stream;  // TLS takes it, but leaves it where it is
  if (world->tls) {
    auto secured = co_await world->tls->wrap(world->runtime, std::move(stream), "", kHandshake);
    if (!secured) co_return;
    stream = std::move(*secured);
  }
  auto connection =
      std::make_shared<http::ServerConnection>(world->runtime, std::move(stream), patient_limits());
  connection->start();
  Session session(*world, connection, socket);
  if (!world->is_over) co_await session.run();
  connection->close();
}

}  // namespace ccproxy::mock
