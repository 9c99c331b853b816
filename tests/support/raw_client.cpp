#include "support/raw_client.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

namespace ccproxy::test {
namespace {

using std::chrono::steady_clock;

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

void parse_head(Reply& reply, std::string_view head) {
  reply.status = std::atoi(std::string(head.substr(9, 3)).c_str());
  auto line = head.find("\r\n");
  while (line != std::string_view::npos && line + 2 < head.size()) {
    const auto end = head.find("\r\n", line + 2);
    const std::string_view text = head.substr(line + 2, end - line - 2);
    if (const auto colon = text.find(": "); colon != std::string_view::npos)
      reply.fields.emplace_back(text.substr(0, colon), text.substr(colon + 2));
    line = end;
  }
}

// Appends complete chunks of `raw` to `body`, beginning at `used`; true when the last one was
// found.
bool take_chunks(std::string_view raw, std::string& body, std::size_t& used) {
  while (true) {
    const auto line = raw.find("\r\n", used);
    if (line == std::string_view::npos) return false;
    const auto size = std::strtoul(std::string(raw.substr(used, line - used)).c_str(), nullptr, 16);
    if (raw.size() < line + 2 + size + 2) return false;
    body += raw.substr(line + 2, size);
    used = line + 2 + size + 2;
    if (size == 0) return true;
  }
}

// Returns the content of a chunk that is incomplete.
std::string_view incomplete_chunk(std::string_view raw) {
  const auto line = raw.find("\r\n");
  if (line == std::string_view::npos) return {};
  const auto size = std::strtoul(std::string(raw.substr(0, line)).c_str(), nullptr, 16);
  return raw.substr(line + 2, size);
}

int connect_to(const sockaddr* address, socklen_t size) {
  const int fd = ::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::connect(fd, address, size) == 0) return fd;
  ::close(fd);
  return -1;
}

}  // namespace

std::string Reply::field(std::string_view name) const {
  for (const auto& [key, value] : fields)
    if (equal_ignoring_case(key, name)) return value;
  return {};
}

bool Reply::has(std::string_view name) const {
  return std::any_of(fields.begin(), fields.end(),
                     [&](const auto& field) { return equal_ignoring_case(field.first, name); });
}

RawClient::RawClient(std::uint16_t port, const std::string& ip) {
  if (ip.find(':') != std::string::npos) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(port);
    ::inet_pton(AF_INET6, ip.c_str(), &address.sin6_addr);
    fd_ = connect_to(reinterpret_cast<const sockaddr*>(&address), sizeof address);
  } else {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    ::inet_pton(AF_INET, ip.c_str(), &address.sin_addr);
    fd_ = connect_to(reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  send_without_delay();
}

RawClient::RawClient(const std::string& unix_path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, unix_path.c_str(), sizeof address.sun_path - 1);
  fd_ = connect_to(reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

RawClient::RawClient(Accepted accepted) : fd_(accepted.fd) { send_without_delay(); }

RawClient::~RawClient() { close(); }

void RawClient::send_without_delay() const {
  const int yes = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

bool RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::size_t RawClient::send_until_stalled(std::string_view piece, std::size_t max_bytes,
                                          std::chrono::milliseconds quiet) const {
  std::size_t all = 0;
  while (all < max_bytes) {
    pollfd waiting{fd_, POLLOUT, 0};
    if (::poll(&waiting, 1, static_cast<int>(quiet.count())) <= 0) break;
    const std::string_view rest = piece.substr(all % piece.size());
    const ssize_t sent = ::send(fd_, rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent <= 0) break;
    all += static_cast<std::size_t>(sent);
  }
  return all;
}

void RawClient::end_writing() const { ::shutdown(fd_, SHUT_WR); }

void RawClient::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void RawClient::reset() {
  const linger now{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close();
}

void RawClient::shrink_receive_buffer() const {
  const int size = 4096;
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
}

bool RawClient::read_more(steady_clock::time_point give_up) {
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(give_up - steady_clock::now()).count();
  if (closed_ || left <= 0) return false;
  pollfd waiting{fd_, POLLIN, 0};
  if (::poll(&waiting, 1, static_cast<int>(left)) <= 0) return false;
  std::array<char, 65536> piece{};
  const ssize_t got = ::recv(fd_, piece.data(), piece.size(), 0);
  if (got <= 0) {
    closed_ = true;
    return false;
  }
  pending_.append(piece.data(), static_cast<std::size_t>(got));
  return true;
}

bool RawClient::wait_for(std::string_view text, std::chrono::milliseconds limit) {
  const auto give_up = steady_clock::now() + limit;
  while (pending_.find(text) == std::string::npos)
    if (!read_more(give_up)) return false;
  return true;
}

std::string RawClient::take(std::size_t size, std::chrono::milliseconds limit) {
  const auto give_up = steady_clock::now() + limit;
  while (pending_.size() < size)
    if (!read_more(give_up)) return {};
  std::string taken = pending_.substr(0, size);
  pending_.erase(0, size);
  return taken;
}

std::string RawClient::take_through(std::string_view text, std::chrono::milliseconds limit) {
  if (!wait_for(text, limit)) return {};
  return take(pending_.find(text) + text.size());
}

std::string RawClient::take_some(std::chrono::milliseconds limit) {
  if (pending_.empty()) (void)read_more(steady_clock::now() + limit);
  return std::exchange(pending_, {});
}

bool RawClient::wait_closed(std::chrono::milliseconds limit) {
  const auto give_up = steady_clock::now() + limit;
  while (read_more(give_up)) {
  }
  return closed_;
}

Reply RawClient::read_reply(bool to_head, std::chrono::milliseconds limit) {
  const auto give_up = steady_clock::now() + limit;
  Reply reply;
  std::size_t head = 0;
  while (true) {
    while ((head = pending_.find("\r\n\r\n")) == std::string::npos)
      if (!read_more(give_up)) {
        reply.raw = pending_;
        return reply;
      }
    parse_head(reply, std::string_view(pending_).substr(0, head + 2));
    if (reply.status >= 200) break;
    pending_.erase(0, head + 4);  // an interim response
    reply = Reply();
  }
  const std::size_t start = head + 4;
  const bool chunked = equal_ignoring_case(reply.field("transfer-encoding"), "chunked");
  const bool sized = reply.has("content-length");
  const std::size_t length =
      sized ? std::strtoul(reply.field("content-length").c_str(), nullptr, 10) : 0;
  const bool is_bare = to_head || reply.status == 204 || reply.status == 304;
  std::size_t used = 0;  // bytes after the head
  while (true) {
    const std::string_view rest = std::string_view(pending_).substr(start);
    if (chunked && !is_bare)
      reply.complete = take_chunks(rest, reply.body, used);
    else
      reply.complete = is_bare || (sized ? rest.size() >= length : closed_);
    if (reply.complete || !read_more(give_up)) break;
  }
  const std::string_view rest = std::string_view(pending_).substr(start);
  if (!chunked && !sized && closed_) reply.complete = true;
  if (chunked && !reply.complete) {
    reply.body += incomplete_chunk(rest.substr(used));
  } else if (!chunked && !is_bare) {
    used = sized ? std::min(length, rest.size()) : rest.size();
    reply.body = rest.substr(0, used);
  }
  if (!reply.complete) {
    reply.raw = pending_;
    return reply;
  }
  used += start;
  reply.raw = pending_.substr(0, used);
  pending_.erase(0, used);
  return reply;
}

std::string RawClient::read_all(bool* closed, std::chrono::milliseconds limit) {
  const auto give_up = steady_clock::now() + limit;
  while (read_more(give_up)) {
  }
  if (closed != nullptr) *closed = closed_;
  return std::exchange(pending_, {});
}

std::string request(std::string_view method, std::string_view target, std::string_view body,
                    std::string_view fields) {
  std::string text(method);
  text.append(" ").append(target).append(" HTTP/1.1\r\nHost: localhost\r\n").append(fields);
  if (!body.empty() || method == "POST")
    text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  text.append("\r\n").append(body);
  return text;
}

Reply send_request(std::uint16_t port, std::string_view method, std::string_view target,
                   std::string_view body, std::string_view fields) {
  RawClient client(port);
  if (!client.send(request(method, target, body, fields))) return {};
  return client.read_reply(method == "HEAD");
}

}  // namespace ccproxy::test
