// What goes upstream for a passed-through request: the client's fields but for those that are
// between it and us, the credential in use, its betas with ours behind them. It refuses to know
// sockets and bodies.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "auth/credential.hpp"
#include "http/client.hpp"
#include "http/head.hpp"

namespace ccproxy::proxy {

// True when the head's Connection names more than whether the connection stays: those fields go no
// further.
[[nodiscard]] bool connection_names_fields(const http::Head& head);

class UpstreamRequest {
 public:
  // `client` must outlive it. `target` is path and query; `decoded` drops Content-Encoding, because
  // the body goes out unfolded.
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
  bool is_ours_;  // the credential was given to this program, so it says its own name
  std::string secret_, betas_, user_agent_;  // what the views point to
  std::vector<http::Field> fields_;
};

}  // namespace ccproxy::proxy
