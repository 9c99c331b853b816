#include "proxy/translation/recorder.hpp"

#include <fmt/format.h>

#include <utility>

#include "proxy/state/offload.hpp"

namespace ccproxy::proxy {

store::Status archive_status(dialect::ResponseStatus status) {
  switch (status) {
    case dialect::ResponseStatus::kQueued: return store::Status::kQueued;
    case dialect::ResponseStatus::kInProgress: return store::Status::kInProgress;
    case dialect::ResponseStatus::kCompleted: return store::Status::kCompleted;
    case dialect::ResponseStatus::kIncomplete: return store::Status::kIncomplete;
    case dialect::ResponseStatus::kFailed: return store::Status::kFailed;
    case dialect::ResponseStatus::kCancelled: break;
  }
  return store::Status::kCancelled;
}

std::vector<store::StoredItem> stored_items(const std::vector<dialect::EmittedItem>& items,
                                            const anthropic::Transcript& transcript) {
  std::vector<store::StoredItem> stored;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::size_t first = i == 0 ? 0 : items[i].first_block;
    const std::size_t end = i + 1 == items.size() ? transcript.count() : items[i + 1].first_block;
    if (items[i].json.empty()) continue;
    stored.push_back({items[i].id, items[i].json, std::string(transcript.blocks(first, end))});
  }
  return stored;
}

Task<void> encode_recorded(WorkerState& worker, RunningResponse& running, std::size_t size,
                           FunctionRef<void()> work) {
  const RunningResponse::OffloadScope apart(running);
  co_await offload_accepted(worker, size, work);
}

Task<bool> ResponseRecorder::record(const anthropic::Transcript& transcript, std::string& out,
                                    MemoryReservation& hold) {
  std::vector<store::StoredItem> items;
  std::string object;
  const auto copy = [this, &transcript, &items, &object] {
    items = stored_items(encoder_.items(), transcript);
    object = encoder_.object();
  };
  co_await offload_accepted(exchange_.worker, transcript.blocks().size() + encoder_.echoed_bytes(),
                            copy);
  const store::Status status = archive_status(encoder_.response_status());
  const auto stored = co_await running_.finish(status, std::move(object), std::move(items), hold);
  if (!stored) co_await note_lost(stored.error(), out);
  running_.close();
  co_return stored.has_value();
}

Task<void> ResponseRecorder::note_lost(const Error& error, std::string& out) {
  const auto taking_back = [this, &out] { encoder_.mark_not_stored(out); };
  co_await encode(out.size() + encoder_.echoed_bytes(), taking_back);
  exchange_.receipt.warn("not_stored", error.message);
  exchange_.worker.shared.log.write_message(
      telemetry::Level::kError, "store",
      fmt::format("{} could not be kept: {}", running_.id(), error.message));
}

Task<void> ResponseRecorder::record_cancelled(const anthropic::Transcript& transcript,
                                              MemoryReservation& hold) {
  std::string events;  // no client reads them
  const auto cancelling = [this, &events] { encoder_.cancel(events); };
  co_await encode(transcript.blocks().size() + encoder_.echoed_bytes(), cancelling);
  (void)co_await record(transcript, events, hold);
}

void ResponseRecorder::withdraw() {
  running_.erase();
  running_.close();
}

}  // namespace ccproxy::proxy
