#include "http/client.hpp"

#include <new>
#include <utility>
#include <vector>

#include "http/h1_connection.hpp"

namespace ccproxy::http {
namespace {

constexpr std::size_t kMaxIdle = 128;

}  // namespace

// The idle connections to one origin. Calls share the pool, since they may outlive the client.
class Client::Pool : public std::enable_shared_from_this<Client::Pool> {
 public:
  Pool(net::Runtime& runtime, Origin origin, net::TlsContext* tls, ClientLimits limits)
      : runtime_(runtime),
        resolver_(runtime),
        origin_(std::move(origin)),
        tls_(tls),
        limits_(limits),
        sweep_(runtime, [this] { sweep(); }) {}

  // Returns the connection that was used last, since it is the likeliest to be alive; nullptr when
  // there is none.
  std::shared_ptr<H1Connection> take() {
    while (!idle_.empty()) {
      auto connection = std::move(idle_.back().connection);
      idle_.pop_back();
      if (connection->is_idle()) return connection;
    }
    return nullptr;
  }

  void give_back(std::shared_ptr<H1Connection> connection) {
    if (draining_ || !connection->reusable()) return connection->close();
    if (idle_.size() >= kMaxIdle) idle_.erase(idle_.begin());
    connection->release_buffers();
    idle_.push_back({std::move(connection), Clock::now() + limits_.keep_alive});
    if (idle_.size() == 1) sweep_.expires_after(limits_.keep_alive);
  }

  Task<Result<std::shared_ptr<H1Connection>>> connect(net::Cancellation* cancellation) {
    const auto self = shared_from_this();
    auto stream = co_await net::dial(runtime_, resolver_, origin_.host, origin_.port,
                                     limits_.connect, cancellation);
    if (!stream) co_return fail(stream.error());
    if (origin_.tls) {
      net::Stream* raw = stream->get();
      if (cancellation != nullptr) cancellation->arm([raw] { raw->close(); });
      auto secured = co_await tls_->wrap(runtime_, std::move(*stream), origin_.host, limits_.tls);
      if (cancellation != nullptr) cancellation->disarm();
      if (!secured && cancellation != nullptr && cancellation->cancelled())
        co_return fail(ErrorKind::kClosed, "nobody waits for the connection");
      if (!secured) co_return fail(secured.error());
      stream = std::move(secured);
    }
    co_return std::make_shared<H1Connection>(std::move(*stream), origin_.authority, limits_);
  }

  void drain() {
    draining_ = true;
    idle_.clear();
  }

  [[nodiscard]] const Origin& origin() const { return origin_; }

 private:
  struct Idle {
    std::shared_ptr<H1Connection> connection;
    Clock::time_point until;
  };

  // Closes the connections that have been idle too long. The oldest are at the front.
  void sweep() {
    const auto now = Clock::now();
    std::erase_if(idle_, [now](const Idle& idle) { return idle.until <= now; });
    if (!idle_.empty()) sweep_.expires_after(idle_.front().until - now);
  }

  net::Runtime& runtime_;
  net::Resolver resolver_;
  Origin origin_;
  net::TlsContext* tls_;
  ClientLimits limits_;
  std::vector<Idle> idle_;
  bool draining_ = false;
  net::Deadline sweep_;
};

namespace {

template <class Pool>
class H1Call final : public Call {
 public:
  H1Call(std::shared_ptr<Pool> pool, std::shared_ptr<H1Connection> connection, bool reused)
      : pool_(std::move(pool)), connection_(std::move(connection)), reused_(reused) {}
  H1Call(const H1Call&) = delete;
  H1Call& operator=(const H1Call&) = delete;
  H1Call(H1Call&&) = delete;
  H1Call& operator=(H1Call&&) = delete;
  ~H1Call() override {
    try {
      if (!aborted_) pool_->give_back(std::move(connection_));
    } catch (const std::bad_alloc&) {
      // There is no memory for the pool's list: the connection is closed.
    }
  }

  Task<Result<void>> send(const OutgoingRequest& request, std::string_view body,
                          bool last) override {
    return connection_->send(request, body, last);
  }
  Task<Result<void>> send_body(std::string_view piece, bool last) override {
    return connection_->send_body(piece, last);
  }
  Task<Result<ResponseHead>> read_head() override { return connection_->read_head(); }
  Task<Result<std::string_view>> read_body() override { return connection_->read_body(); }
  bool body_done() const override { return connection_->body_done(); }
  bool body_ready() const override { return connection_->body_ready(); }
  std::optional<std::uint64_t> body_length() const override {
    const Framing& framing = connection_->framing();
    if (framing.kind == BodyKind::kNone) return 0;
    if (framing.kind != BodyKind::kLength) return std::nullopt;
    return framing.length;
  }
  bool reused() const override { return reused_; }
  bool response_begun() const override { return connection_->response_begun(); }
  void abort() override {
    aborted_ = true;
    connection_->close();
  }

 private:
  std::shared_ptr<Pool> pool_;
  std::shared_ptr<H1Connection> connection_;
  bool reused_;
  bool aborted_ = false;
};

}  // namespace

Client::Client(net::Runtime& runtime, Origin origin, net::TlsContext* tls, ClientLimits limits)
    : pool_(std::make_shared<Pool>(runtime, std::move(origin), tls, limits)) {}

Client::~Client() { pool_->drain(); }

Task<Result<std::shared_ptr<Call>>> Client::open(bool fresh, net::Cancellation* cancellation) {
  const auto pool = pool_;
  auto idle = fresh ? nullptr : pool->take();
  const bool reused = idle != nullptr;
  if (!reused) {
    auto connected = co_await pool->connect(cancellation);
    if (!connected) co_return fail(connected.error());
    idle = std::move(*connected);
  }
  co_return std::make_shared<H1Call<Pool>>(pool, std::move(idle), reused);
}

const Origin& Client::origin() const { return pool_->origin(); }

void Client::drain() { pool_->drain(); }

}  // namespace ccproxy::http
