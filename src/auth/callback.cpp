#include "auth/callback.hpp"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "http/server_connection.hpp"
#include "net/listener.hpp"

namespace ccproxy::auth {
namespace {

constexpr std::chrono::milliseconds kFinishTimeout{500};
constexpr std::chrono::milliseconds kPollInterval{10};
constexpr std::chrono::milliseconds kAcceptRetryInterval{200};
constexpr int kMaxPortTries = 8;

std::string page(std::string_view title, std::string_view text) {
  return fmt::format(
      "<!doctype html><meta charset=\"utf-8\"><title>CCProxy</title>"
      "<body style=\"font-family:sans-serif;margin:4em\"><h1>{}</h1><p>{}</p>\n",
      html_escaped(title), html_escaped(text));
}

using Listeners = std::vector<std::unique_ptr<net::Listener>>;

// Listens on the same port of both loopback addresses: a browser may try either first, and would
// reach another program's listener on the second. A machine without IPv6 has only the first.
Result<Listeners> listen_on_both(net::Runtime& runtime) {
  for (int tried = 1;; ++tried) {
    auto first = net::Listener::tcp(runtime, "127.0.0.1", 0, false);
    if (!first) return fail(first.error());
    auto second = net::Listener::tcp(runtime, "::1", (*first)->port(), false);
    if (!second && tried < kMaxPortTries) continue;
    Listeners listeners;
    listeners.push_back(std::move(*first));
    if (second) listeners.push_back(std::move(*second));
    return listeners;
  }
}

}  // namespace

struct Callback::State {
  State(net::Runtime& of, OnRedirect call) : runtime(of), on_redirect(std::move(call)) {}

  net::Runtime& runtime;
  OnRedirect on_redirect;
  PkceSession session{};
  std::string port{};
  Listeners listeners{};
  std::vector<std::shared_ptr<http::ServerConnection>> clients{};
  std::optional<std::string> outcome{};  // the page for finish()
  int waiting = 0;                       // browsers that wait for that page

  // Whether the host is a name of this machine with this port: any other is DNS rebinding.
  [[nodiscard]] bool is_ours(std::string_view host) const {
    for (const char* name : {"localhost:", "127.0.0.1:", "[::1]:"})
      if (same_text(host, name + port)) return true;
    return false;
  }
  void close() {
    for (const auto& listener : listeners) listener->close();
    for (const auto& client : std::vector(clients)) client->close();
  }

  static Task<void> accept(std::shared_ptr<State> self, net::Listener& listener);
  static Task<void> serve(std::shared_ptr<State> self,
                          std::shared_ptr<http::ServerConnection> client);
  static Task<void> reply(std::shared_ptr<State> self, http::ServerConnection& client,
                          const http::RequestHead& head);
  static Task<void> send_page(http::ServerConnection& client, int status, std::string body);
};

Result<std::unique_ptr<Callback>> Callback::listen(net::Runtime& runtime, OnRedirect on_redirect) {
  auto state = std::make_shared<State>(runtime, std::move(on_redirect));
  auto listeners = listen_on_both(runtime);
  if (!listeners) return fail(listeners.error());
  state->listeners = std::move(*listeners);
  const std::uint16_t port = state->listeners.front()->port();
  state->port = std::to_string(port);
  state->session = begin_pkce_session(fmt::format("http://localhost:{}/callback", port));
  for (const auto& listener : state->listeners) runtime.spawn(State::accept(state, *listener));
  return std::unique_ptr<Callback>(new Callback(std::move(state)));
}

Callback::Callback(std::shared_ptr<State> state) : state_(std::move(state)) {}

Callback::~Callback() {
  state_->on_redirect = {};
  state_->close();
}

const PkceSession& Callback::session() const { return state_->session; }

Task<void> Callback::finish(bool good, std::string message) {
  const std::shared_ptr<State> state = state_;
  state->outcome =
      page(good ? "Signed in" : "Not signed in",
           message + (good ? " You can close this window." : " The terminal says more."));
  const auto give_up = Clock::now() + kFinishTimeout;
  while (state->waiting > 0 && Clock::now() < give_up)
    co_await net::sleep(state->runtime, kPollInterval);
}

Task<void> Callback::State::accept(std::shared_ptr<State> self, net::Listener& listener) {
  while (true) {
    auto stream = co_await listener.accept();
    if (!stream && stream.error().kind == ErrorKind::kClosed) co_return;
    if (!stream) {  // the system lacks a resource, which others will give back
      co_await net::sleep(self->runtime, kAcceptRetryInterval);
      continue;
    }
    http::ServerLimits limits;
    auto client =
        std::make_shared<http::ServerConnection>(self->runtime, std::move(*stream), limits);
    self->clients.push_back(client);
    client->start();
    self->runtime.spawn(serve(self, client));
  }
}

Task<void> Callback::State::serve(std::shared_ptr<State> self,
                                  std::shared_ptr<http::ServerConnection> client) {
  while (true) {
    auto head = co_await client->read_request();
    if (!head) break;
    co_await reply(self, *client, *head);
  }
  client->close();
  std::erase(self->clients, client);
}

Task<void> Callback::State::reply(std::shared_ptr<State> self, http::ServerConnection& client,
                                  const http::RequestHead& head) {
  if (!self->is_ours(head.get("host")) || head.method != "GET" || head.path() != "/callback")
    co_return co_await send_page(client, 404, page("Nothing here", "This is CCProxy, signing in."));
  auto redirect = read_redirect(head.query(), self->session);
  if (!redirect && redirect.error().kind == ErrorKind::kInvalidRequest)
    co_return co_await send_page(client, 400,
                                 page("Not signed in", redirect.error().message + "."));
  if (self->on_redirect) std::exchange(self->on_redirect, {})(std::move(redirect));
  ++self->waiting;
  while (!self->outcome && !client.gone()) co_await net::sleep(self->runtime, kPollInterval);
  if (self->outcome) co_await send_page(client, 200, *self->outcome);
  --self->waiting;
}

Task<void> Callback::State::send_page(http::ServerConnection& client, int status,
                                      std::string body) {
  std::string fields;
  http::append_field(fields, "content-type", "text/html; charset=utf-8");
  http::append_field(fields, "cache-control", "no-store");
  http::append_field(fields, "referrer-policy", "no-referrer");
  http::append_field(fields, "content-security-policy",
                     "default-src 'none'; style-src 'unsafe-inline'");
  client.close_after_reply();
  (void)co_await client.send_reply(status, fields, body);
}

}  // namespace ccproxy::auth
