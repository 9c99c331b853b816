// The routes of the simulated API: takes a request and returns a reply. It knows what the real API
// requires (credential, version, fields) and when a script or a fault takes over. It refuses to
// know sockets.
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
#include "mock/http_request.hpp"
#include "mock/messages_endpoint.hpp"
#include "mock/oauth/oauth.hpp"
#include "mock/reply.hpp"

namespace ccproxy::mock {

class Api {
 public:
  Api(Script script, Pace pace);

  void set_script(Script script) { messages_.set_script(std::move(script)); }

  [[nodiscard]] Reply reply(const HttpRequest& request);

  // Returns the authorization server and its controls.
  [[nodiscard]] Oauth& oauth() { return oauth_; }

  // Returns the error reply to a request whose body was not read: because of the fault kEarly, or
  // because the body is larger than its route accepts.
  [[nodiscard]] Reply refuse_early(int status);

  // Returns the largest body in bytes that the route accepts; nullopt when there is no limit.
  [[nodiscard]] static std::optional<std::uint64_t> body_limit(std::string_view path);

  // Returns the fault that the header x-mock-fault names; nullopt without that header. Fails with
  // kConfiguration when there is no such fault.
  [[nodiscard]] static Result<std::optional<Fault>> fault_in(const http::RequestHead& head);

 private:
  struct RequestContext;
  [[nodiscard]] std::optional<Reply> refusal(const RequestContext& context) const;
  [[nodiscard]] Reply reply_to(RequestContext& context);
  [[nodiscard]] Reply serve_message(RequestContext& context, const ScriptedReply* scripted);
  [[nodiscard]] Reply route(RequestContext& context);
  [[nodiscard]] Reply count_tokens(RequestContext& context);
  [[nodiscard]] Reply model_route(RequestContext& context, std::string_view rest);
  [[nodiscard]] Reply batch_route(RequestContext& context, std::string_view rest);
  [[nodiscard]] Reply batch_results(RequestContext& context, std::string_view id);
  [[nodiscard]] Reply file_route(RequestContext& context, std::string_view rest);
  [[nodiscard]] Reply download(RequestContext& context, std::string_view id);
  [[nodiscard]] Reply skill_route(RequestContext& context, std::string_view rest);
  void add_common_fields(Reply& reply, const RequestContext& context) const;

  IdNumbers numbers_;
  MessagesEndpoint messages_;
  Batches batches_;
  Files files_;
  Oauth oauth_;
  std::string key_fields_, oauth_fields_;  // rate limit fields by kind of credential
};

}  // namespace ccproxy::mock
