#include "net/socket_stream.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <string>
#include <utility>

namespace ccproxy::net {
namespace {

namespace asio = boost::asio;

// How many bytes may be written before other work has a turn. A write counts as 4096 bytes more
// than it has, so that many small ones have a limit, too.
constexpr std::size_t kMaxBurst = std::size_t{1} << 20;
constexpr std::size_t kWriteCost = 4096;

// Linux reports that the peer has closed even when there are unread bytes before that; other
// systems report only a reset.
#ifdef POLLRDHUP
constexpr short kPeerClosed = POLLRDHUP;
#else
constexpr short kPeerClosed = 0;
#endif

std::string text_of_peer(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  if (address.ss_family == AF_UNIX) return "a Unix socket";
  const bool is_v6 = address.ss_family == AF_INET6;
  const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  std::string ip(INET6_ADDRSTRLEN, '\0');
  const void* const number = is_v6 ? static_cast<const void*>(&v6.sin6_addr) : &v4.sin_addr;
  if (::inet_ntop(address.ss_family, number, ip.data(), INET6_ADDRSTRLEN) == nullptr) return {};
  ip.resize(ip.find('\0'));
  const std::string port = std::to_string(ntohs(is_v6 ? v6.sin6_port : v4.sin_port));
  return is_v6 ? "[" + ip + "]:" + port : ip + ":" + port;
}

class SocketStream final : public Stream {
 public:
  SocketStream(Runtime& runtime, Socket socket)
      : socket_(std::move(socket)), deadline_(runtime, [this] { expire(); }) {
    boost::system::error_code ignored;
    socket_.non_blocking(true, ignored);
    socket_.set_option(asio::ip::tcp::no_delay(true), ignored);  // a Unix socket has none
  }

  Task<Result<std::size_t>> read_some(std::span<char> into) override {
    // The system reports the end once. Asio would wait for another report.
    if (ended_) co_return std::size_t{0};
    auto [error, size] =
        co_await socket_.async_read_some(asio::buffer(into.data(), into.size()), kUseResult);
    ended_ = error == asio::error::eof;
    if (ended_) co_return std::size_t{0};
    if (!error) co_return size;
    auto failed = failure(error);
    close();  // the system reports a broken connection once, too
    co_return failed;
  }

  std::string peer() override { return text_of_peer(socket_.native_handle()); }

  Task<Result<void>> write(std::string_view first, std::string_view second,
                           std::string_view third) override {
    std::array<std::string_view, 3> pieces = {first, second, third};
    while (true) {
      const std::array<asio::const_buffer, 3> buffers = {as_buffer(pieces[0]), as_buffer(pieces[1]),
                                                         as_buffer(pieces[2])};
      boost::system::error_code error;
      // The bytes nearly always fit into the socket's buffer, so this does not wait for the loop.
      const std::size_t written = socket_.write_some(buffers, error);
      if (error && error != asio::error::would_block) co_return failure(error);
      if (!advance(pieces, written)) break;
      burst_ = 0;
      auto [waited] = co_await socket_.async_wait(Socket::wait_write, kUseResult);
      if (waited) co_return failure(waited);
    }
    // A peer that reads as fast as this writes must not keep the loop from other work.
    burst_ += first.size() + second.size() + third.size() + kWriteCost;
    if (burst_ >= kMaxBurst) {
      burst_ = 0;
      co_await asio::post(socket_.get_executor(), kUseTask);
    }
    co_return Result<void>{};
  }

  void expires_after(Clock::duration duration) override { deadline_.expires_after(duration); }
  void never_expires() override { deadline_.disarm(); }

  bool is_idle() override {
    char byte = 0;
    const ssize_t got = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
  }

  bool peer_has_closed() override {
    pollfd look{socket_.native_handle(), kPeerClosed, 0};
    return ::poll(&look, 1, 0) == 1 && (look.revents & (kPeerClosed | POLLERR | POLLHUP)) != 0;
  }

  void end_writing() override {
    boost::system::error_code ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
  }

  void try_write(std::string_view bytes) override {
    boost::system::error_code ignored;
    if (socket_.is_open()) socket_.write_some(std::array{as_buffer(bytes)}, ignored);
  }

  void close() override {
    deadline_.disarm();
    boost::system::error_code ignored;
    socket_.close(ignored);
  }

  void reset() override {
    boost::system::error_code ignored;
    socket_.set_option(asio::socket_base::linger(true, 0), ignored);
    close();
  }

 private:
  static asio::const_buffer as_buffer(std::string_view piece) {
    return {piece.data(), piece.size()};
  }

  // Drops what was written from the front; false when nothing is left.
  static bool advance(std::array<std::string_view, 3>& pieces, std::size_t written) {
    bool left = false;
    for (auto& piece : pieces) {
      const std::size_t taken = std::min(written, piece.size());
      piece.remove_prefix(taken);
      written -= taken;
      left = left || !piece.empty();
    }
    return left;
  }

  tl::unexpected<Error> failure(const boost::system::error_code& error) const {
    if (expired_) return fail(ErrorKind::kTimedOut, "the peer took too long");
    return fail(ErrorKind::kClosed, "the connection was lost: " + error.message());
  }

  void expire() {
    expired_ = true;
    close();
  }

  Socket socket_;
  bool expired_ = false;
  bool ended_ = false;     // the peer has ended its side
  std::size_t burst_ = 0;  // written since this stream last let other work have a turn
  Deadline deadline_;
};

}  // namespace

std::unique_ptr<Stream> make_socket_stream(Runtime& runtime, Socket socket) {
  return std::make_unique<SocketStream>(runtime, std::move(socket));
}

}  // namespace ccproxy::net
