// The loopback redirect of a sign-in (RFC 8252, 7.3): a listener on this machine to which the
// browser is sent back. It serves one path, checks Host and state, and replies with a page.
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
  // Called with the code, or with kForbidden, of a redirect that carries this session's state. The
  // browser waits until finish() is called.
  using OnRedirect = std::function<void(Result<AuthorizationCode>)>;

  // Listens on a free port of 127.0.0.1, and on the same port of ::1 where the machine has it.
  // Fails with kIo. The runtime must outlive the callback.
  [[nodiscard]] static Result<std::unique_ptr<Callback>> listen(net::Runtime& runtime,
                                                                OnRedirect on_redirect);
  ~Callback();
  Callback(const Callback&) = delete;
  Callback& operator=(const Callback&) = delete;
  Callback(Callback&&) = delete;
  Callback& operator=(Callback&&) = delete;

  // The session to authorize. Its redirect address is http://localhost:PORT/callback.
  [[nodiscard]] const PkceSession& session() const;

  // Sends the waiting browsers a page with the outcome, and waits up to half a second for them.
  [[nodiscard]] Task<void> finish(bool good, std::string message);

 private:
  struct State;
  explicit Callback(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace ccproxy::auth
