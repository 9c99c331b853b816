// The loopback end of a sign-in: a listener on this machine that the browser is sent back to
// (RFC 8252, 7.3). It takes one path, looks at Host and state, and answers with a page.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "auth/authorize.hpp"
#include "base/error.hpp"
#include "net/runtime.hpp"

namespace ccproxy::auth {

class Callback {
 public:
  // Called with what a redirect that carries our state brought: a code, or kForbidden. The browser
  // waits for finish().
  using OnRedirect = std::function<void(Result<AuthorizationCode>)>;

  // Listens on a free port of 127.0.0.1, and on the same of ::1 where there is one. Fails with kIo.
  // The runtime must outlive it.
  [[nodiscard]] static Result<std::unique_ptr<Callback>> listen(net::Runtime& runtime,
                                                                OnRedirect on_redirect);
  ~Callback();
  Callback(const Callback&) = delete;
  Callback& operator=(const Callback&) = delete;
  Callback(Callback&&) = delete;
  Callback& operator=(Callback&&) = delete;

  // What goes through the browser. Its redirect address is http://localhost:PORT/callback.
  [[nodiscard]] const PkceSession& attempt() const;

  // Tells the browser how it ended, and waits a moment for it to be told.
  [[nodiscard]] Task<void> finish(bool good, std::string message);

 private:
  struct State;
  explicit Callback(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace ccproxy::auth
