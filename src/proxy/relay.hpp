// Passes a response of the upstream on to the client as it came, from its head to its end, and ends
// one that breaks off as well as its form allows. It refuses to know what the request asked for.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "http/head.hpp"
#include "http/server_connection.hpp"
#include "proxy/state/worker_state.hpp"
#include "proxy/tap.hpp"
#include "proxy/upstream/call.hpp"
#include "telemetry/access_log.hpp"

namespace ccproxy::proxy {

class Relay {
 public:
  struct Request {
    bool is_message = false;         // a success is one message
    bool is_head = false;            // its method is HEAD
    std::string_view more_fields{};  // lines for the reply's head
  };

  // All must outlive it, and what `request` refers to, too.
  Relay(WorkerState& worker, const config::Config& config, http::ServerConnection& client,
        UpstreamCall& upstream, telemetry::Receipt& receipt, Request request)
      : worker_(worker),
        config_(config),
        client_(client),
        upstream_(upstream),
        receipt_(receipt),
        request_(request) {}

  // Passes on the response with that head, which `upstream` has just returned. Fails, while nothing
  // of the reply has left, with the error that the client should get; a reply that has left and
  // breaks off ends here, and is noted in the receipt.
  [[nodiscard]] Task<Result<void>> pass_on(http::ResponseHead response);
  // The same for an error whose body was read: all of it that read_error_body() reads.
  [[nodiscard]] Task<Result<void>> pass_on_error(http::ResponseHead response, ErrorBody body);

 private:
  [[nodiscard]] Task<Result<void>> pass_on(http::ResponseHead response, std::string beginning);
  [[nodiscard]] Task<Result<void>> read_and_pass_on_error(http::ResponseHead response);
  [[nodiscard]] Task<Result<void>> pass_on_body(Tap& tap, std::string_view beginning);
  [[nodiscard]] Task<Result<void>> end_broken(const Tap& tap, Error error);
  [[nodiscard]] std::string reply_fields(const http::ResponseHead& response,
                                         bool with_body = true) const;
  void explain_refusal(const http::ResponseHead& response, std::string_view body);
  void note_usage(const Tap& tap);

  WorkerState& worker_;
  const config::Config& config_;
  http::ServerConnection& client_;
  UpstreamCall& upstream_;
  telemetry::Receipt& receipt_;
  Request request_;
};

}  // namespace ccproxy::proxy
