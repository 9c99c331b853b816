// For tests of the server's side: a raw client that is connected to a ServerConnection, and a small
// server whose reply depends on the path. Only tests include this.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "http/head.hpp"
#include "http/server_connection.hpp"
#include "net/test_loop.hpp"

namespace ccproxy::http {

using ConnectionPtr = std::shared_ptr<ServerConnection>;
using StreamPtr = std::unique_ptr<net::Stream>;

// A raw client and the connection that serves it.
struct Link {
  StreamPtr client;
  ConnectionPtr server;
};

inline Task<Link> connect(net::TestLoop& loop, ServerLimits limits = {}) {
  auto pair = co_await net::connect_pair(loop);
  Link link;
  link.client = std::move(pair.client);
  link.server = std::make_shared<ServerConnection>(loop.runtime(), std::move(pair.server), limits);
  link.server->start();
  co_return link;
}

inline Task<void> send_text(net::Stream& stream, std::string text) {
  auto written = co_await stream.write(text);
  EXPECT_TRUE(written);
}

inline Task<std::string> read_to_end(net::Stream& stream) {
  std::string all;
  std::string room(4096, '\0');
  while (true) {
    auto got = co_await stream.read_some(room);
    if (!got) all += "(broken)";
    if (!got || *got == 0) co_return all;
    all.append(room.data(), *got);
  }
}

inline Task<Result<std::string>> read_whole(ServerConnection& client) {
  std::string body;
  while (true) {
    auto piece = co_await client.read_body();
    if (!piece) co_return fail(piece.error());
    if (piece->empty()) co_return body;
    body += *piece;
  }
}

// The reply depends on the path of the request.
inline Task<Result<void>> reply_to(net::TestLoop& loop, ServerConnection& client,
                                   const RequestHead& head) {
  if (head.path() == "/early") co_return co_await client.send_reply(413, {}, "too large");
  auto body = co_await read_whole(client);
  if (!body) co_return co_await client.send_reply(400, {}, body.error().message);
  if (head.path() == "/slow") co_await net::sleep(loop.runtime(), std::chrono::milliseconds(50));
  if (head.path() == "/none") co_return co_await client.send_reply(204, {}, {});
  if (head.path() == "/pieces") {
    std::string fields;
    append_field(fields, "x-kind", "pieces");
    client.begin_reply(200, fields, std::nullopt);
    for (const std::string_view piece : {"one", "", "a piece of 22 letters."})
      if (auto written = co_await client.write(piece); !written) co_return written;
    co_return co_await client.end_reply(head.query() == "?last" ? "last" : "");
  }
  const std::string text =
      std::string(head.method) + " " + std::string(head.target) + " <" + *body + ">";
  co_return co_await client.send_reply(200, {}, text);
}

inline Task<void> serve(net::TestLoop& loop, ConnectionPtr client) {
  while (true) {
    auto head = co_await client->read_request();
    if (!head && head.error().kind == ErrorKind::kClosed) break;
    if (head) {
      (void)co_await reply_to(loop, *client, *head);
    } else {
      const int status = head.error().kind == ErrorKind::kHeadTooLarge    ? 431
                         : head.error().kind == ErrorKind::kClientStalled ? 408
                                                                          : 400;
      (void)co_await client->send_reply(status, {}, "refused");
    }
  }
  client->close();
}

inline std::string ok_reply(const std::string& body, bool last = false) {
  return "HTTP/1.1 200 OK\r\ncontent-length: " + std::to_string(body.size()) + "\r\n" +
         (last ? "connection: close\r\n" : "") + "\r\n" + body;
}

inline std::string refusal(const std::string& status, const std::string& body) {
  return "HTTP/1.1 " + status + "\r\ncontent-length: " + std::to_string(body.size()) +
         "\r\nconnection: close\r\n\r\n" + body;
}

}  // namespace ccproxy::http
