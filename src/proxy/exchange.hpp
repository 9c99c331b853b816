// One request, from its head to its receipt.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "config/config.hpp"
#include "http/server_connection.hpp"
#include "proxy/door/request_body.hpp"
#include "proxy/door/routes.hpp"
#include "proxy/model_rewrite.hpp"
#include "proxy/relay.hpp"
#include "proxy/state/worker_state.hpp"
#include "proxy/upstream/call.hpp"
#include "telemetry/access_log.hpp"

namespace ccproxy::proxy {

class ResponseFollower;

class Exchange {
 public:
  // `worker` must outlive it. `trusted` marks a client on a Unix socket.
  Exchange(WorkerState& worker, std::shared_ptr<http::ServerConnection> client, bool trusted);
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  Exchange(Exchange&&) = delete;
  Exchange& operator=(Exchange&&) = delete;
  ~Exchange();

  // Serves one request to its end and writes the receipt. Call once.
  [[nodiscard]] Task<void> run(http::RequestHead head);

  // Sends the error to a request whose head could not be read, and writes the receipt. `path` is
  // what is known of its path, perhaps nothing.
  [[nodiscard]] Task<void> refuse_head(Error error, std::string path);
  // Sends the error to a client that is one too many, and writes no receipt.
  [[nodiscard]] Task<void> turn_away(http::RequestHead head, Error error);

  // The server ends and the time to finish is over: ends the reply as its dialect can.
  void cut();

 private:
  [[nodiscard]] Task<Result<void>> serve_safely();
  [[nodiscard]] Task<Result<void>> serve();
  void note_refusal(const Error& error);
  [[nodiscard]] Task<Result<void>> reply_locally(const Route& route);
  [[nodiscard]] Task<Result<void>> forward_message(const Route& route);
  [[nodiscard]] Task<Result<void>> forward_relay(const Route& route);
  [[nodiscard]] Task<Result<void>> forward_batch(const Route& route);
  [[nodiscard]] Task<Result<void>> translate(const Route& route);
  [[nodiscard]] Task<Result<void>> respond_in_background(const Route& route, RequestBody body,
                                                         bool streams, MemoryReservation& hold);
  [[nodiscard]] Task<Result<void>> show_response(const Route& route);
  [[nodiscard]] Task<Result<void>> follow(std::string id, std::int64_t after, std::string fields);
  [[nodiscard]] Task<Result<void>> refuse_upgrade();

  // Returns the head of the response. Of a 404 the body is read, too, into `error_body`.
  [[nodiscard]] Task<Result<http::ResponseHead>> send_message(const Route& route, RequestBody& body,
                                                              std::optional<ErrorBody>& error_body);
  [[nodiscard]] Task<Result<RequestBody>> read_body(MemoryReservation& hold);
  [[nodiscard]] ModelRewrite model_rewrite() { return {worker_, *config_, upstream_, receipt_}; }
  [[nodiscard]] Relay relay(const Route& route);
  [[nodiscard]] std::string upstream_target(const Route& route) const;

  [[nodiscard]] Task<Result<void>> reply(int status, std::string_view content_type,
                                         std::string_view body, std::string_view more_fields = {});
  [[nodiscard]] Task<void> refuse(Error error);

  WorkerState& worker_;
  Shared& shared_;
  config::Snapshot config_;  // as it was when the request came
  std::shared_ptr<http::ServerConnection> client_;
  bool trusted_;
  bool writes_receipt_ = true;
  http::RequestHead head_;
  dialect::Dialect dialect_ = dialect::Dialect::kMessages;  // of errors
  std::string cors_fields_;
  std::string allow_;  // for a 405
  telemetry::Receipt receipt_;
  UpstreamCall upstream_;
  ResponseFollower* follower_ = nullptr;  // while one runs
};

}  // namespace ccproxy::proxy
