// What becomes of a response that is kept when it ends: its object, its items and the blocks that
// they were made of go to the archive before the client is told the end.
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

// Does `work`, which tells about `size` bytes of `running`: apart from the loop when that is large.
[[nodiscard]] Task<void> encode_kept(WorkerState& worker, RunningResponse& running,
                                     std::size_t size, FunctionRef<void()> work);

class ResponseRecorder final : public ReplyRecorder {
 public:
  // All must outlive it.
  ResponseRecorder(const ExchangeContext& exchange, dialect::ResponsesEncoder& encoder,
                   RunningResponse& running)
      : exchange_(exchange), encoder_(encoder), running_(running) {}

  [[nodiscard]] Task<bool> keep(const anthropic::Transcript& transcript, std::string& out,
                                MemoryReservation& hold) override;
  [[nodiscard]] Task<void> abandon(const anthropic::Transcript& transcript,
                                   MemoryReservation& hold) override;
  void drop() override;
  [[nodiscard]] Task<void> encode(std::size_t size, FunctionRef<void()> work) override {
    return encode_kept(exchange_.worker, running_, size, work);
  }

 private:
  [[nodiscard]] Task<void> note_lost(const Error& error, std::string& out);

  const ExchangeContext& exchange_;
  dialect::ResponsesEncoder& encoder_;
  RunningResponse& running_;
};

// The items of an answer with their blocks; a block that belongs to none goes with the item before
// it, so that all of them together are the whole turn.
[[nodiscard]] std::vector<store::StoredItem> stored_items(
    const std::vector<dialect::EmittedItem>& items, const anthropic::Transcript& transcript);

}  // namespace ccproxy::proxy
