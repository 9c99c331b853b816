// The head that goes upstream for a client's request: the client's fields without those that
// concern the connection to this program alone, the credential in use, and the client's betas
// followed by those that the credential needs. It refuses to know sockets and bodies.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "auth/credential.hpp"
#include "http/client.hpp"
#include "http/head.hpp"

namespace ccproxy::proxy {

// True when the head's Connection names other fields (RFC 9110, 7.6.1): these are not passed on.
[[nodiscard]] bool connection_names_fields(const http::Head& head);

class UpstreamRequest {
 public:
  // `client` must outlive it. `target` is path and query; `decoded` drops Content-Encoding, because
  // the body is sent decoded.
  UpstreamRequest(const http::RequestHead& client, std::string target,
                  const auth::Credential& credential, std::string_view version, bool decoded);
  UpstreamRequest(const UpstreamRequest&) = delete;
  UpstreamRequest& operator=(const UpstreamRequest&) = delete;
  UpstreamRequest(UpstreamRequest&&) = delete;
  UpstreamRequest& operator=(UpstreamRequest&&) = delete;
  ~UpstreamRequest() = default;

  [[nodiscard]] http::OutgoingRequest outgoing(std::optional<std::uint64_t> length) const {
    return {method_, target_, fields_, length};
  }
  [[nodiscard]] const std::vector<http::Field>& fields() const { return fields_; }

 private:
  void add_client_fields(const http::RequestHead& client, bool decoded);
  void add_credential(const http::RequestHead& client, const auth::Credential& credential);

  std::string_view method_;
  std::string target_;
  bool is_ours_;  // the credential was given to this program, which therefore says its own name
  std::string secret_, betas_, user_agent_;  // the views in fields_ point into them
  std::vector<http::Field> fields_;
};

}  // namespace ccproxy::proxy
