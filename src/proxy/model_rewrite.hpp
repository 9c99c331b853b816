// The model that a passed-through body names is replaced by the model that serves it, in the text
// of the body; nothing else of it changes. A body that cannot be read stays as it is: the upstream
// says what is wrong with it.
#pragma once

#include <string>

#include "base/error.hpp"
#include "config/config.hpp"
#include "proxy/door/request_body.hpp"
#include "proxy/state/offload.hpp"
#include "proxy/state/worker_state.hpp"
#include "telemetry/access_log.hpp"

namespace ccproxy::proxy {

class ModelRewrite {
 public:
  // All must outlive it. The models are noted in `receipt`, which the warnings of the mapping go
  // to, too.
  ModelRewrite(WorkerState& worker, const config::Config& config, ClientWait& client,
               telemetry::Receipt& receipt)
      : worker_(worker), config_(config), client_(client), receipt_(receipt) {}

  // Replaces the model of a message by the one that the mapping gives. Returns false when the body
  // stays as it is. Fails as offload() does, as do the others.
  [[nodiscard]] Task<Result<bool>> map(RequestBody& body);
  // Replaces the model of a message by `model`.
  [[nodiscard]] Task<Result<void>> replace(RequestBody& body, std::string model);
  // Replaces the models of all requests of a batch, which must not be coded. `hold` counts the
  // body; fails with kBusy when it cannot count another one.
  [[nodiscard]] Task<Result<void>> map_batch(RequestBody& body, MemoryReservation& hold);

 private:
  [[nodiscard]] Result<void> map_batch_now(RequestBody& body, MemoryReservation& hold);

  WorkerState& worker_;
  const config::Config& config_;
  ClientWait& client_;
  telemetry::Receipt& receipt_;
};

}  // namespace ccproxy::proxy
