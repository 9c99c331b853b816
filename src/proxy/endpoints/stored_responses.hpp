// Reads responses from the store, each in its scope, as a client sees them: one whose process died
// is shown as it ended. It refuses to know which endpoint asks.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "net/task.hpp"
#include "proxy/state/memory_budget.hpp"
#include "store/responses.hpp"

namespace ccproxy::net {
class Runtime;
}

namespace ccproxy::proxy {

class ResponseStore;

// kNotFound, for the client: no response of that id is stored in its scope.
[[nodiscard]] Error response_not_found(std::string_view id);

// kBusy where `hold` cannot grow by `size` bytes.
[[nodiscard]] Result<void> make_room(MemoryReservation& hold, std::size_t size);

class StoredResponses {
 public:
  // A response; nothing when none of that id is stored in that scope, or the store is disabled.
  using Found = std::optional<store::StoredResponse>;

  // Both must outlive it. `runtime` is that of the thread that uses it.
  StoredResponses(ResponseStore& store, net::Runtime& runtime) : store_(store), runtime_(runtime) {}

  // The response with its object, which `hold` counts; nobody else may use `hold` meanwhile. Fails
  // with kBusy where the memory budget has no room, and as the archive does.
  [[nodiscard]] Task<Result<Found>> find(std::string scope, std::string id,
                                         std::shared_ptr<MemoryReservation> hold) const;

  // The response without its object, unless that has at most `max_object` bytes: then it is there,
  // as it was last written.
  [[nodiscard]] Task<Result<Found>> find_state(std::string scope, std::string id,
                                               std::size_t max_object = 0) const;

 private:
  using Read = std::function<Result<Found>(const store::Responses&)>;
  [[nodiscard]] Task<Result<Found>> read(Read read) const;

  ResponseStore& store_;
  net::Runtime& runtime_;
};

}  // namespace ccproxy::proxy
