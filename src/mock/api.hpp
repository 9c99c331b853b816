// The simulated API's routes: a request in, a reply out. It knows what the real API insists on
// (credential, version, fields) and where a script or a fault takes over. It refuses to know
// sockets.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "http/head.hpp"
#include "mock/batches.hpp"
#include "mock/fault.hpp"
#include "mock/files.hpp"
#include "mock/incoming.hpp"
#include "mock/messages.hpp"
#include "mock/oauth/oauth.hpp"
#include "mock/reply.hpp"

namespace ccproxy::mock {

class Api {
 public:
  Api(Script script, Pace pace);

  void set_script(Script script) { messages_.set_script(std::move(script)); }

  [[nodiscard]] Reply reply(const Incoming& request);

  // The authorization server and its controls.
  [[nodiscard]] Oauth& oauth() { return oauth_; }

  // The answer to a request whose body is not read: kEarly, or more than its route takes.
  [[nodiscard]] Reply refuse_early(int status);

  // The most bytes a route takes; nothing: as many as come.
  [[nodiscard]] static std::optional<std::uint64_t> body_limit(std::string_view path);

  // The fault that the head asks for. Fails for one that does not exist.
  [[nodiscard]] static Result<std::optional<Fault>> fault_in(const http::RequestHead& head);

 private:
  struct Turn;
  [[nodiscard]] std::optional<Reply> refusal(const Turn& turn) const;
  [[nodiscard]] Reply answer(Turn& turn);
  [[nodiscard]] Reply message(Turn& turn, const ScriptedReply* scripted);
  [[nodiscard]] Reply route(Turn& turn);
  [[nodiscard]] Reply count_tokens(Turn& turn);
  [[nodiscard]] Reply model_route(Turn& turn, std::string_view rest);
  [[nodiscard]] Reply batch_route(Turn& turn, std::string_view rest);
  [[nodiscard]] Reply batch_results(Turn& turn, std::string_view id);
  [[nodiscard]] Reply file_route(Turn& turn, std::string_view rest);
  [[nodiscard]] Reply download(Turn& turn, std::string_view id);
  [[nodiscard]] Reply skill_route(Turn& turn, std::string_view rest);
  void add_common_fields(Reply& reply, const Turn& turn) const;

  Numbers numbers_;
  Messages messages_;
  Batches batches_;
  Files files_;
  Oauth oauth_;
  std::string key_fields_, oauth_fields_;  // limits, as the two kinds of credential see them
};

}  // namespace ccproxy::mock
