// Responses that run without a client: it asks for one, and reads it later by its id. A worker owns
// those that it runs, ends them when it must, and does not end before them.
#pragma once

#include <memory>
#include <string>
#include <string_view>

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

// How a Responses request wants its response: `background` and `stream`.
struct ResponseMode {
  bool is_background = false, streams = false;
};

// Reads the mode from a body, in full only where the word `background` occurs. A body that is not
// JSON has the default: its decoder says what is wrong with it. Fails as offload() does.
[[nodiscard]] Task<Result<ResponseMode>> response_mode(WorkerState& worker, ClientWait& client,
                                                       std::string_view body);

// What the client gets as soon as its response is on disk.
struct QueuedResponse {
  std::string object{};      // JSON; empty when the client wants the events
  MemoryReservation held{};  // counts it
  std::string fields{};      // of the reply's head, as lines, without the CORS fields
  std::shared_ptr<RunningResponse> running{};
};

class BackgroundResponse final : public BackgroundRun,
                                 public std::enable_shared_from_this<BackgroundResponse> {
 public:
  // `head` is that of the request, and `requester` the receipt of the exchange that brought it. It
  // has `place` for as long as it lives. `worker` must outlive it.
  BackgroundResponse(WorkerState& worker, config::Snapshot config, http::RequestHead head,
                     Route route, const telemetry::Receipt& requester, DescriptorReservation place);

  // Starts it with that body, which `hold` counts until it is taken over, and returns when the
  // response is on disk. Fails with what is wrong with the request, or kept it from being stored.
  // Call once, when a shared_ptr owns it.
  [[nodiscard]] Task<Result<QueuedResponse>> start(RequestBody body, MemoryReservation& hold);

  // The server ends: the response fails and is stored so.
  void cut() override;

 private:
  struct Start;  // the result of start(), once it is known

  [[nodiscard]] static Task<void> run(std::shared_ptr<BackgroundResponse> self, RequestBody body,
                                      std::shared_ptr<Start> start);
  [[nodiscard]] Task<Result<void>> translate(RequestBody body, Start& start);

  WorkerState& worker_;
  DescriptorReservation place_;
  config::Snapshot config_;
  http::RequestHead head_;
  Route route_;
  telemetry::Receipt receipt_;
  UpstreamCall upstream_;
  MemoryReservation hold_;
};

// Runs the request with that head and body as a response in the background, and returns when it is
// on disk. Fails as BackgroundResponse::start() does, and with kBusy when too many of them run.
[[nodiscard]] Task<Result<QueuedResponse>> start_in_background(
    WorkerState& worker, config::Snapshot config, const http::RequestHead& head, const Route& route,
    const telemetry::Receipt& requester, RequestBody body, MemoryReservation& hold);

}  // namespace ccproxy::proxy
