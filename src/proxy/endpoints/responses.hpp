// What can be asked of a response that is kept: itself, its input, that it end, that it be erased
// (rule B.6).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "proxy/state/worker_state.hpp"
#include "store/responses.hpp"

namespace ccproxy::proxy {

struct ResponseQuestion {
  std::string_view path;  // /v1/responses/{id} and what follows
  std::string_view method;
  std::string_view query;  // with its question mark, or ""
  std::string_view scope;  // whose responses

  [[nodiscard]] std::string id() const;
  // Its events are wanted, those behind a number; -1: all of them. Fails with kInvalidRequest.
  [[nodiscard]] bool streams() const;
  [[nodiscard]] Result<std::int64_t> starting_after() const;
};

// The body of the answer, which `hold` counts. Fails with kNotFound and kInvalidRequest, and with
// kBusy when too much is held.
[[nodiscard]] Task<Result<std::string>> answer_of(WorkerState& worker, ResponseQuestion question,
                                                  std::shared_ptr<MemoryReservation> hold);

// Fails with kNotFound when it is not kept in that scope, and with kBusy when too much is held.
// `hold` counts its object; nobody else may use it meanwhile.
[[nodiscard]] Task<Result<store::StoredResponse>> find_response(
    WorkerState& worker, std::string scope, std::string id,
    std::shared_ptr<MemoryReservation> hold);

// The same without its object: for whoever asks how it stands. One of at most `most_object` bytes,
// as it was last written, is read nevertheless.
[[nodiscard]] Task<Result<store::StoredResponse>> find_state(WorkerState& worker, std::string scope,
                                                             std::string id,
                                                             std::size_t most_object = 0);

}  // namespace ccproxy::proxy
