// The endpoints of a stored response (rule B.6): retrieve, cancel, delete, list its input. Its
// events are streamed by ResponseFollower.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "net/task.hpp"
#include "proxy/endpoints/stored_responses.hpp"
#include "proxy/state/memory_budget.hpp"

namespace ccproxy::proxy {

class RunningResponse;

// A request to one of the endpoints. The views must stay valid until it is served.
struct StoredResponseRequest {
  std::string_view path;  // /v1/responses/{id} and what follows
  std::string_view method;
  std::string_view query;  // with its question mark, or ""
  std::string_view scope;  // the client's own responses

  [[nodiscard]] std::string id() const;
  // True when the events are requested, not the object.
  [[nodiscard]] bool streams() const;
  // The number of the event behind which they are requested; -1 for all. Fails with
  // kInvalidRequest.
  [[nodiscard]] Result<std::int64_t> starting_after() const;
};

class ResponseEndpoint {
 public:
  // Both must outlive it. `runtime` is that of the thread that uses it.
  ResponseEndpoint(ResponseStore& store, net::Runtime& runtime)
      : store_(store), runtime_(runtime), responses_(store, runtime) {}

  // The JSON of the reply, which `hold` counts. Fails with kNotFound and kInvalidRequest, and with
  // kBusy where the memory budget has no room, or the archive, or another process that runs the
  // response, takes too long.
  [[nodiscard]] Task<Result<std::string>> serve(StoredResponseRequest request,
                                                std::shared_ptr<MemoryReservation> hold) const;

 private:
  using Hold = std::shared_ptr<MemoryReservation>;
  [[nodiscard]] Task<Result<std::string>> retrieve(std::string scope, std::string id,
                                                   Hold hold) const;
  [[nodiscard]] Task<Result<std::string>> erase(std::string scope, std::string id) const;
  [[nodiscard]] Task<Result<std::string>> cancel(std::string scope, std::string id,
                                                 Hold hold) const;
  [[nodiscard]] Task<Result<std::string>> list_input(std::string scope, std::string id,
                                                     std::string query_string, Hold hold) const;
  [[nodiscard]] Task<Result<store::StoredResponse>> state_of(std::string scope,
                                                             std::string id) const;
  [[nodiscard]] Task<void> wait_for_end(std::shared_ptr<RunningResponse> running) const;
  [[nodiscard]] Task<Result<void>> end_elsewhere(std::string scope, std::string id) const;

  ResponseStore& store_;
  net::Runtime& runtime_;
  StoredResponses responses_;
};

}  // namespace ccproxy::proxy
