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
#include "proxy/state/worker_state.hpp"
#include "proxy/tap.hpp"
#include "proxy/upstream/call.hpp"
#include "telemetry/access_log.hpp"

namespace ccproxy::proxy {

class ResponseFollower;

class Exchange {
 public:
  // `trusted` marks a client on a Unix socket. The worker outlives the exchange.
  Exchange(WorkerState& worker, std::shared_ptr<http::ServerConnection> client, bool trusted);
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  Exchange(Exchange&&) = delete;
  Exchange& operator=(Exchange&&) = delete;
  ~Exchange();

  // Serves one request to its end and records the receipt. Call once.
  [[nodiscard]] Task<void> run(http::RequestHead head);

  // Answers a request whose head could not be read. `path` is what is known of it, perhaps nothing.
  [[nodiscard]] Task<void> refuse_head(Error error, std::string path);
  // Answers a request that is not served, because there are too many clients, and writes no
  // receipt.
  [[nodiscard]] Task<void> turn_away(http::RequestHead head, Error error);

  // The server ends and the time to finish is over: ends the answer as its dialect can.
  void cut();

 private:
  [[nodiscard]] Task<Result<void>> serve_safely();
  [[nodiscard]] Task<Result<void>> serve();
  void note_refusal(const Error& error);
  [[nodiscard]] Task<Result<void>> answer_here(const Route& route);
  [[nodiscard]] Task<Result<void>> forward_message(const Route& route);
  [[nodiscard]] Task<Result<void>> translate(const Route& route);
  [[nodiscard]] Task<Result<void>> respond_in_background(const Route& route, RequestBody body,
                                                         bool streams, MemoryReservation& hold);
  [[nodiscard]] Task<Result<void>> show_response(const Route& route);
  [[nodiscard]] Task<Result<void>> follow(std::string id, std::int64_t after, std::string fields);
  [[nodiscard]] Task<Result<void>> refuse_upgrade();
  [[nodiscard]] Task<Result<void>> forward_relay(const Route& route);
  [[nodiscard]] Task<Result<void>> forward_batch(const Route& route);

  [[nodiscard]] Task<Result<http::ResponseHead>> ask_message(const Route& route, RequestBody& body,
                                                             std::optional<ErrorBody>& error_body);
  [[nodiscard]] Task<Result<void>> relay(const Route& route, http::ResponseHead answer);
  // `error_body` is what has been read of it already.
  [[nodiscard]] Task<Result<void>> relay_error(const Route& route, http::ResponseHead answer,
                                               ErrorBody error_body);
  [[nodiscard]] Task<Result<void>> relay_answer(const Route& route, http::ResponseHead answer,
                                                std::string begun);
  [[nodiscard]] Task<Result<void>> relay_body(Tap& tap, std::string_view begun);
  [[nodiscard]] Task<Result<void>> end_in_trouble(const Tap& tap, Error error);
  [[nodiscard]] Task<Result<void>> answer(int status, std::string_view content_type,
                                          std::string_view body, std::string_view more_fields = {});
  [[nodiscard]] Task<void> refuse(Error error);

  [[nodiscard]] Task<Result<RequestBody>> read_body(MemoryReservation& hold);
  // How a response is to be run.
  struct Wishes {
    bool is_background = false, streams = false;
  };
  [[nodiscard]] Task<Result<Wishes>> wishes_of(std::string_view body);
  [[nodiscard]] Task<Result<bool>> map_model(RequestBody& body);
  [[nodiscard]] Task<Result<void>> replace_model(RequestBody& body, std::string name);
  [[nodiscard]] Result<void> map_batch(RequestBody& body, MemoryReservation& hold);
  [[nodiscard]] std::string upstream_target(const Route& route) const;
  // All of the answer's that pass; without those about its body when that is another's.
  [[nodiscard]] std::string reply_fields(const http::ResponseHead& answer,
                                         bool with_body = true) const;
  void explain_refusal(const http::ResponseHead& answer, std::string_view body);
  void note_usage(const Tap& tap);

  WorkerState& worker_;
  Shared& shared_;
  config::Snapshot config_;  // as it was when the request came
  std::shared_ptr<http::ServerConnection> client_;
  bool trusted_;
  bool may_be_told_ = true;  // by a receipt
  http::RequestHead head_;
  dialect::Dialect dialect_ = dialect::Dialect::kMessages;
  std::string cors_fields_;
  std::string allow_;  // for a 405
  telemetry::Receipt receipt_;
  UpstreamCall upstream_;
  ResponseFollower* follower_ = nullptr;  // while one runs
};

}  // namespace ccproxy::proxy
