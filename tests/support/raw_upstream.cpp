#include "support/raw_upstream.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <stdexcept>
#include <utility>

namespace ccproxy::test {
namespace {

constexpr int kHangMs = 200;  // ms after which a connection attempt counts as hanging

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

}  // namespace

RawUpstream::RawUpstream() {
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  if (::bind(fd_, reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      ::listen(fd_, 16) != 0 ||
      ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error("no listener");
  port_ = ntohs(address.sin_port);
}

RawUpstream::~RawUpstream() {
  for (const int fd : filling_) ::close(fd);
  ::close(fd_);
}

std::unique_ptr<RawClient> RawUpstream::accept(std::chrono::milliseconds limit) const {
  pollfd waiting{fd_, POLLIN, 0};
  if (::poll(&waiting, 1, static_cast<int>(limit.count())) <= 0) return nullptr;
  const int fd = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
  return fd < 0 ? nullptr : std::make_unique<RawClient>(Accepted{fd});
}

void RawUpstream::fill_up() {
  ::listen(fd_, 0);
  const sockaddr_in address = loopback(port_);
  for (int i = 0; i < 100; ++i) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    filling_.push_back(fd);
    const int done = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    if (done == 0) continue;
    pollfd waiting{fd, POLLOUT, 0};
    if (errno == EINPROGRESS && ::poll(&waiting, 1, kHangMs) == 0) return;  // this attempt hangs
  }
  throw std::runtime_error("the listener cannot be filled");
}

std::string chunked(std::string_view bytes) {
  char size[20];
  std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
  return std::string(size).append(bytes).append("\r\n");
}

std::unique_ptr<RawClient> next_message(const RawUpstream& upstream) {
  while (auto peer = upstream.accept()) {
    if (!peer->wait_for("\r\n\r\n")) return nullptr;
    if (peer->pending().starts_with("POST /v1/messages "))
      return peer->wait_for("\"messages\"") ? std::move(peer) : nullptr;
    peer->send("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
  }
  return nullptr;
}

std::unique_ptr<RawClient> start_message(RawClient& client, const RawUpstream& upstream,
                                         std::string_view body) {
  client.send(request("POST", "/v1/messages", body, kAnthropicFields));
  auto peer = upstream.accept();
  return peer && peer->wait_for(body) ? std::move(peer) : nullptr;
}

}  // namespace ccproxy::test
