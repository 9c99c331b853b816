// Tells a client the events of a response that is kept: those that are in the archive, then those
// that come, until its end. It may run in another worker, or have ended long ago. One that runs in
// another process is looked at twice a second. One whose row is gone (erased, expired, never kept)
// gets `response.failed` as its last event, made of the object as it stood, once its runner has had
// a moment to tell the end itself: nobody waits for a row that can no longer come.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "config/config.hpp"
#include "http/server_connection.hpp"
#include "proxy/state/running_response.hpp"
#include "proxy/state/worker_state.hpp"
#include "telemetry/access_log.hpp"

namespace ccproxy::proxy {

class ResponseFollower {
 public:
  // All must outlive it.
  ResponseFollower(WorkerState& worker, const config::Config& config,
                   http::ServerConnection& client, telemetry::Receipt& receipt);

  // The events behind the number `after`; -1: all. `more_fields` go into the reply's head, the date
  // among them. Fails with kNotFound while nothing was sent.
  [[nodiscard]] Task<Result<void>> follow(std::string id, std::int64_t after,
                                          std::string_view more_fields);

  // The server ends. A response that runs here ends, too, and its end is told; of any other the
  // stream ends where it is.
  void cut();

 private:
  enum class Progress { kMore, kNothing, kOver };
  [[nodiscard]] Task<Result<void>> tell_all();
  [[nodiscard]] Task<Result<Progress>> take_news();
  [[nodiscard]] Task<Result<Progress>> send_stored();
  [[nodiscard]] Task<Result<Progress>> take_end();
  [[nodiscard]] Task<Result<Progress>> tell_interrupted();
  [[nodiscard]] bool may_hold(std::size_t size);
  [[nodiscard]] bool may_wait(const Error& error);
  [[nodiscard]] Progress miss();
  [[nodiscard]] Progress tell_erased();
  [[nodiscard]] Task<Result<void>> tell();
  [[nodiscard]] Task<void> wait();

  WorkerState& worker_;
  const config::Config& config_;
  http::ServerConnection& client_;
  telemetry::Receipt& receipt_;
  std::shared_ptr<store::Archive> archive_;
  std::shared_ptr<RunningResponse> running_;  // nullptr when it does not run in this process
  std::shared_ptr<net::Event> changed_;
  std::string id_, scope_;
  std::string object_;                              // as it stood at the beginning, if small
  std::optional<Clock::time_point> missing_since_;  // what comes next, which is nowhere
  std::int64_t after_ = -1;                         // the last number that was told
  std::string out_;
  std::shared_ptr<const std::string> end_;          // what is told behind that, at last
  std::shared_ptr<MemoryReservation> hold_;         // counts large events
  std::optional<Clock::time_point> refused_since_;  // since there is no room for the next ones
  Clock::time_point last_sent_ = Clock::now();
  bool is_gone_ = false;  // the client
  bool is_cut_ = false;
};

}  // namespace ccproxy::proxy
