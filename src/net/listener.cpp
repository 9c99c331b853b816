#include "net/listener.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <optional>
#include <utility>

#include "net/socket_stream.hpp"

namespace ccproxy::net {

namespace asio = boost::asio;

namespace {

using boost::system::error_code;
using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;
constexpr int kBacklog = 1024;

// The identity of the file at a path; nothing when there is none.
using FileId = std::pair<dev_t, ino_t>;
std::optional<FileId> file_at(const std::string& path) {
  struct stat status {};
  if (path.empty() || ::lstat(path.c_str(), &status) != 0) return std::nullopt;
  return FileId{status.st_dev, status.st_ino};
}

template <class Protocol>
class SocketListener final : public Listener {
 public:
  using Acceptor = asio::basic_socket_acceptor<Protocol, Executor>;

  SocketListener(Runtime& runtime, Acceptor acceptor, std::uint16_t port, std::string path)
      : runtime_(runtime),
        acceptor_(std::move(acceptor)),
        port_(port),
        path_(std::move(path)),
        file_(file_at(path_)) {
    error_code ignored;
    acceptor_.non_blocking(true, ignored);
  }
  SocketListener(const SocketListener&) = delete;
  SocketListener& operator=(const SocketListener&) = delete;
  SocketListener(SocketListener&&) = delete;
  SocketListener& operator=(SocketListener&&) = delete;
  ~SocketListener() override { SocketListener::close(); }

  Task<Result<std::unique_ptr<Stream>>> accept() override {
    PeerSocket socket(runtime_.context());
    error_code error;
    if (!accept_at_once(socket)) error = co_await wait_for(socket);
    // After an abort this object may be gone: its own destructor may have closed the acceptor.
    if (error == asio::error::operation_aborted || !acceptor_.is_open())
      co_return fail(ErrorKind::kClosed, "no longer listening");
    if (error) co_return fail(ErrorKind::kIo, "cannot accept a connection: " + error.message());
    co_return make_socket_stream(runtime_, Socket(std::move(socket)));
  }

  std::uint16_t port() const override { return port_; }

  void close() override {
    if (!acceptor_.is_open()) return;
    // Another program may have replaced the socket file. No other file has the same identity as
    // long as this socket is open.
    if (file_ && file_at(path_) == file_) ::unlink(path_.c_str());
    error_code ignored;
    acceptor_.close(ignored);
  }

 private:
  using PeerSocket = typename Protocol::socket::template rebind_executor<Executor>::other;
  static constexpr int kMaxPerTurn = 64;

  // Accepts a connection that is already waiting. Asio alone accepts one connection in each turn of
  // the loop, so that the last of many clients would wait for as many turns of all other streams.
  bool accept_at_once(PeerSocket& socket) {
    if (left_ == 0 || !acceptor_.is_open()) return false;
    --left_;
    error_code error;
    acceptor_.accept(socket, error);
    return !error;  // the asynchronous attempt that follows reports an error
  }

  Task<error_code> wait_for(PeerSocket& socket) {
    left_ = kMaxPerTurn;
    auto [error] = co_await acceptor_.async_accept(socket, kUseResult);
    co_return error;
  }

  Runtime& runtime_;
  Acceptor acceptor_;
  int left_ = 0;  // how many connections may still be accepted in this turn
  std::uint16_t port_;
  std::string path_;  // of a Unix socket; empty for TCP
  std::optional<FileId> file_;
};

using TcpAcceptor = SocketListener<asio::ip::tcp>::Acceptor;

error_code open_tcp(TcpAcceptor& acceptor, const asio::ip::tcp::endpoint& endpoint, bool shared) {
  error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (error) return error;
  acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (endpoint.address().is_v6()) acceptor.set_option(asio::ip::v6_only(true), error);
  if (shared) acceptor.set_option(ReusePort(true), error);
  if (error) return error;
  acceptor.bind(endpoint, error);
  if (error) return error;
  acceptor.listen(kBacklog, error);
  return error;
}

bool has_listener(Runtime& runtime, const asio::local::stream_protocol::endpoint& endpoint) {
  asio::basic_stream_socket<asio::local::stream_protocol, Executor> probe(runtime.context());
  error_code error;
  probe.connect(endpoint, error);
  return error != asio::error::connection_refused;
}

}  // namespace

Result<void> Listener::check_free(Runtime& runtime, const std::string& ip, std::uint16_t port) {
  if (port == 0) return {};
  auto probe = tcp(runtime, ip, port, false);
  if (!probe) return fail(probe.error());
  return {};
}

Result<std::unique_ptr<Listener>> Listener::tcp(Runtime& runtime, const std::string& ip,
                                                std::uint16_t port, bool shared) {
  error_code error;
  const auto address = asio::ip::make_address(ip, error);
  const asio::ip::tcp::endpoint endpoint(address, port);
  TcpAcceptor acceptor(runtime.context());
  if (!error) error = open_tcp(acceptor, endpoint, shared);
  if (error == asio::error::address_in_use)
    return fail({ErrorKind::kIo,
                 fmt::format("port {} on {} is in use by another program", port, ip), "",
                 kAddressInUse});
  if (error)
    return fail(ErrorKind::kIo,
                fmt::format("cannot listen on {} port {}: {}", ip, port, error.message()));
  const std::uint16_t bound = acceptor.local_endpoint().port();
  return std::make_unique<SocketListener<asio::ip::tcp>>(runtime, std::move(acceptor), bound, "");
}

Result<std::unique_ptr<Listener>> Listener::unix_socket(Runtime& runtime, const std::string& path) {
  using Protocol = asio::local::stream_protocol;
  struct stat status {};
  error_code error;
  SocketListener<Protocol>::Acceptor acceptor(runtime.context());
  try {
    const Protocol::endpoint endpoint(path);  // throws for a path longer than the system allows
    const bool is_socket = ::stat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode);
    if (is_socket && !has_listener(runtime, endpoint)) ::unlink(path.c_str());
    acceptor.open(endpoint.protocol(), error);
    const mode_t previous = ::umask(0177);
    if (!error) acceptor.bind(endpoint, error);
    ::umask(previous);
    if (!error) acceptor.listen(kBacklog, error);
  } catch (const boost::system::system_error& thrown) {
    error = thrown.code();
  }
  if (error)
    return fail({ErrorKind::kIo, fmt::format("cannot listen on {}: {}", path, error.message()), "",
                 error == asio::error::address_in_use ? kAddressInUse : ""});
  return std::make_unique<SocketListener<Protocol>>(runtime, std::move(acceptor), std::uint16_t{0},
                                                    path);
}

}  // namespace ccproxy::net
