// Stores a response when it ends: its object, its items and the content blocks that they were made
// of are in the archive before the client sees the end.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dialect/responses/encoder.hpp"
#include "proxy/state/running_response.hpp"
#include "proxy/translation/context.hpp"
#include "proxy/translation/reply.hpp"

namespace ccproxy::proxy {

[[nodiscard]] store::Status archive_status(dialect::ResponseStatus status);

// Does `work`, which encodes about `size` bytes of `running`: on a thread of the pool when that is
// large.
[[nodiscard]] Task<void> encode_recorded(WorkerState& worker, RunningResponse& running,
                                         std::size_t size, FunctionRef<void()> work);

class ResponseRecorder final : public ReplyRecorder {
 public:
  // All must outlive it.
  ResponseRecorder(const ExchangeContext& exchange, dialect::ResponsesEncoder& encoder,
                   RunningResponse& running)
      : exchange_(exchange), encoder_(encoder), running_(running) {}

  [[nodiscard]] Task<bool> record(const anthropic::Transcript& transcript, std::string& out,
                                  MemoryReservation& hold) override;
  [[nodiscard]] Task<void> record_cancelled(const anthropic::Transcript& transcript,
                                            MemoryReservation& hold) override;
  void withdraw() override;
  [[nodiscard]] Task<void> encode(std::size_t size, FunctionRef<void()> work) override {
    return encode_recorded(exchange_.worker, running_, size, work);
  }

 private:
  [[nodiscard]] Task<void> note_lost(const Error& error, std::string& out);

  const ExchangeContext& exchange_;
  dialect::ResponsesEncoder& encoder_;
  RunningResponse& running_;
};

// The items of a response with their content blocks. A block that belongs to no item goes with the
// item before it, so that the blocks of all items are the whole turn.
[[nodiscard]] std::vector<store::StoredItem> stored_items(
    const std::vector<dialect::EmittedItem>& items, const anthropic::Transcript& transcript);

}  // namespace ccproxy::proxy
