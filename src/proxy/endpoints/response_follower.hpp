// Streams the events of a stored response to a client: those in the archive, then those that still
// come, to the last. The response may run in another worker, or have ended long ago; one that runs
// in another process is looked up twice a second. Where the response is gone (erased, expired, or
// too large to be stored), the stream ends with a `response.failed` that is made of the object as
// it was at the beginning: no client waits for events that can no longer come.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "http/server_connection.hpp"
#include "net/task.hpp"
#include "proxy/endpoints/stored_responses.hpp"
#include "proxy/state/memory_budget.hpp"
#include "proxy/state/running_response.hpp"
#include "telemetry/access_log.hpp"

namespace ccproxy::net {
class WorkPool;
}

namespace ccproxy::proxy {

class ResponseFollower {
 public:
  // What it reads from, and with; all must outlive it.
  struct Context {
    net::Runtime& runtime;
    net::WorkPool& pool;
    ResponseStore& store;
    MemoryBudget& budget;
  };

  // `keep_alive` is how long the stream may be silent before a comment is sent. `client` and
  // `receipt` must outlive it.
  ResponseFollower(const Context& context, Clock::duration keep_alive,
                   http::ServerConnection& client, telemetry::Receipt& receipt);

  // Sends the events behind the number `after`, all for -1. `more_fields` are lines for the head of
  // the reply, its date among them. Fails with kNotFound, and as the archive does, while nothing
  // was sent.
  [[nodiscard]] Task<Result<void>> follow(std::string id, std::int64_t after,
                                          std::string_view more_fields);

  // The server ends. A response that runs here ends as well, and its end is sent; the stream of any
  // other is ended where it is.
  void cut();

 private:
  // What the last look for events has brought.
  enum class Progress {
    kEvents,   // some, and there may be more at once
    kNothing,  // none: wait for more
    kMissing,  // the response runs here, and the next events are nowhere: it was erased, or became
               // too large to be stored. Its runner is about to end it
    kErased,   // the response is gone, and does not run here
    kOver,     // the last one
  };
  [[nodiscard]] Task<Result<void>> send_all();
  [[nodiscard]] Task<Result<Progress>> take_events();
  [[nodiscard]] Task<Result<Progress>> take_stored();
  [[nodiscard]] Task<Result<Progress>> take_end();
  [[nodiscard]] Task<Result<Progress>> take_interrupted_end();
  [[nodiscard]] Progress end_if_gone(Progress progress);
  [[nodiscard]] bool may_hold(std::size_t size);
  [[nodiscard]] bool may_wait(const Error& error);
  [[nodiscard]] Task<Result<void>> send();
  [[nodiscard]] Task<void> wait();

  Context context_;
  StoredResponses responses_;
  Clock::duration keep_alive_;
  http::ServerConnection& client_;
  telemetry::Receipt& receipt_;
  std::shared_ptr<store::Archive> archive_;
  std::shared_ptr<RunningResponse> running_;  // nullptr when it does not run in this process
  std::shared_ptr<net::Event> changed_;
  std::string id_, scope_;
  std::string object_;                              // at the beginning; bare where it is large
  std::optional<Clock::time_point> missing_since_;  // since the first kMissing
  std::int64_t after_ = -1;                         // number of the last event in out_, or sent
  std::string out_;                                 // to be sent next
  std::shared_ptr<const std::string> end_;          // the last event, behind out_
  std::shared_ptr<MemoryReservation> hold_;         // counts large events in out_
  std::optional<Clock::time_point> refused_since_;  // since the memory budget has no room
  Clock::time_point last_sent_ = Clock::now();
  bool client_is_gone_ = false;
  bool is_cut_ = false;
};

}  // namespace ccproxy::proxy
