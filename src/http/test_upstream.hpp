// For tests of the client: an upstream that follows a script, and calls whose outcome is one line
// of text. Only tests include this.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "http/client.hpp"
#include "net/test_loop.hpp"

namespace ccproxy::http {

inline const std::string kClose = "(close)", kReset = "(reset)", kSilence = "(silence)",
                         kPause = "(pause)";

// A script is for one connection: it has a reply for each request, in pieces. After the last reply
// the upstream waits until the client closes. Connections beyond the number of scripts follow the
// last one.
using Reply = std::vector<std::string>;
using Script = std::vector<Reply>;

class Upstream {
 public:
  Upstream(net::TestLoop& loop, std::vector<Script> scripts)
      : loop_(loop),
        scripts_(std::move(scripts)),
        listener_(std::move(net::Listener::tcp(loop.runtime(), "127.0.0.1", 0, false).value())) {
    loop.runtime().spawn(accept(*this));
  }

  [[nodiscard]] Origin origin() const {
    return {false, "127.0.0.1", listener_->port(), "api.example"};
  }
  [[nodiscard]] const std::vector<std::string>& requests() const { return requests_; }
  [[nodiscard]] std::size_t connections() const { return connections_; }
  [[nodiscard]] std::size_t open() const { return open_; }

 private:
  static Task<void> accept(Upstream& self) {
    while (true) {
      auto stream = co_await self.listener_->accept();
      if (!stream) co_return;
      const std::size_t index = std::min(self.connections_++, self.scripts_.size() - 1);
      ++self.open_;
      self.loop_.runtime().spawn(follow(self, std::move(*stream), self.scripts_[index]));
    }
  }

  static Task<void> follow(Upstream& self, std::unique_ptr<net::Stream> stream, Script script) {
    std::string arrived;
    for (const Reply& reply : script) {
      const bool whole = co_await read_request(self, *stream, arrived);
      if (!whole) break;
      const bool stays = co_await perform(self, *stream, reply);
      if (!stays) break;
    }
    while (true) {  // until the client closes the connection
      std::string room(1024, '\0');
      auto got = co_await stream->read_some(room);
      if (!got || *got == 0) break;
    }
    --self.open_;
  }

  static Task<bool> perform(Upstream& self, net::Stream& stream, Reply reply) {
    for (const std::string& piece : reply) {
      if (piece == kPause) {
        co_await net::sleep(self.loop_.runtime(), std::chrono::milliseconds(30));
      } else if (piece == kClose) {
        stream.close();
        co_return false;
      } else if (piece == kReset) {
        stream.reset();
        co_return false;
      } else if (piece == kSilence) {
        co_return false;
      } else {
        (void)co_await stream.write(piece);
      }
    }
    co_return true;
  }

  // Reads a request whose body has a Content-Length or is chunked, and stores its bytes.
  static Task<bool> read_request(Upstream& self, net::Stream& stream, std::string& arrived) {
    std::size_t size = std::string::npos;
    while ((size = size_of_request(arrived)) == std::string::npos) {
      std::string room(16 * 1024, '\0');
      auto got = co_await stream.read_some(room);
      if (!got || *got == 0) co_return false;
      arrived.append(room.data(), *got);
    }
    self.requests_.push_back(arrived.substr(0, size));
    arrived.erase(0, size);
    co_return true;
  }

  static std::size_t size_of_request(const std::string& text) {
    const auto end = text.find("\r\n\r\n");
    if (end == std::string::npos) return end;
    const std::string head = text.substr(0, end);
    if (head.find("transfer-encoding: chunked") != std::string::npos) {
      const auto last = text.find("0\r\n\r\n", end + 4);
      return last == std::string::npos ? last : last + 5;
    }
    const auto length = head.find("content-length: ");
    const std::size_t body = length == std::string::npos ? 0 : std::stoul(head.substr(length + 16));
    return text.size() < end + 4 + body ? std::string::npos : end + 4 + body;
  }

  net::TestLoop& loop_;
  std::vector<Script> scripts_;
  std::unique_ptr<net::Listener> listener_;
  std::vector<std::string> requests_;
  std::size_t connections_ = 0;
  std::size_t open_ = 0;
};

inline std::string describe_failure(const Error& error) {
  switch (error.kind) {
    case ErrorKind::kUpstreamBroke: return "broke";
    case ErrorKind::kUpstreamUnreachable: return "unreachable";
    case ErrorKind::kTimedOut: return "timed out";
    case ErrorKind::kClosed: return "closed";
    default: return "another error";
  }
}

inline OutgoingRequest get() { return {"GET", "/x", {}, {}}; }

// The status and the body of the response, or the error.
inline Task<std::string> read_response(Call& call) {
  auto head = co_await call.read_head();
  if (!head) co_return describe_failure(head.error());
  std::string text = std::to_string(head->status) + " ";
  while (true) {
    auto piece = co_await call.read_body();
    if (!piece) co_return text + describe_failure(piece.error());
    text += *piece;
    if (piece->empty()) co_return text;
  }
}

inline Task<std::string> get_response(Client& client, bool fresh = false) {
  auto call = co_await client.open(fresh);
  if (!call) co_return describe_failure(call.error());
  const OutgoingRequest request = get();
  auto sent = co_await (*call)->send(request, {}, true);
  EXPECT_TRUE(sent);
  co_return co_await read_response(**call);
}

inline std::string ok(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

inline const std::string kChunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

}  // namespace ccproxy::http
