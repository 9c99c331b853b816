// Responses that run without a client: asked once, read later. A worker knows those it runs, ends
// them when it has to, and does not end before them.
#pragma once

#include <memory>
#include <string>

#include "base/error.hpp"
#include "config/config.hpp"
#include "http/head.hpp"
#include "net/runtime.hpp"
#include "proxy/door/request_body.hpp"
#include "proxy/door/routes.hpp"
#include "proxy/state/background_responses.hpp"
#include "proxy/state/descriptor_budget.hpp"
#include "proxy/state/worker_state.hpp"
#include "proxy/upstream/call.hpp"
#include "telemetry/access_log.hpp"

namespace ccproxy::proxy {

class RunningResponse;

// What whoever asked is told as soon as the response is on disk: it waits.
struct Queued {
  std::string object{};      // JSON; empty when its events are wanted
  MemoryReservation held{};  // counts it
  std::string fields{};      // of the reply's head, as lines: what became of the request on the way
  std::shared_ptr<RunningResponse> running{};
};

class BackgroundResponse final : public BackgroundRun,
                                 public std::enable_shared_from_this<BackgroundResponse> {
 public:
  // The request as it came, and the receipt of the request that brought it. It has `place` as long
  // as it is there.
  BackgroundResponse(WorkerState& worker, config::Snapshot config, http::RequestHead head,
                     Route route, const telemetry::Receipt& asked, Place place);

  // Starts it with that body, which `hold` counts until it is taken over, and returns when it is on
  // disk. Fails with what is wrong with the request.
  [[nodiscard]] Task<Result<Queued>> start(RequestBody body, MemoryReservation& hold);

  // The server ends.
  void cut() override;

 private:
  struct Waiting;  // whoever asked, until there is something to tell

  [[nodiscard]] static Task<void> run(std::shared_ptr<BackgroundResponse> self, RequestBody body,
                                      std::shared_ptr<Waiting> waiting);
  [[nodiscard]] Task<Result<void>> translate(RequestBody body, Waiting& waiting);

  WorkerState& worker_;
  Place place_;
  config::Snapshot config_;
  http::RequestHead head_;
  Route route_;
  telemetry::Receipt receipt_;
  UpstreamCall upstream_;
  MemoryReservation hold_;
};

}  // namespace ccproxy::proxy
