#include "proxy/state/running_response.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <utility>

#include "base/retry_on_bad_alloc.hpp"
#include "proxy/state/archive_future.hpp"
#include "proxy/state/response_store.hpp"

namespace ccproxy::proxy {
namespace {

constexpr std::size_t kFlushBytes = std::size_t{16} << 10;  // of events, written at once
// Bytes of events that may wait to be written. Beyond that the response is not stored.
constexpr std::size_t kMaxPending = std::size_t{64} << 20;
// Bytes of events that followers can still get of a response that is not stored any more.
constexpr std::size_t kMaxUnstored = std::size_t{1} << 20;
// The object of a background response is written so many times behind `queued`: when it runs, in
// its last event, and as the stored object.
constexpr std::size_t kObjectRepeats = 3;
// How long a client waits for a response to be on disk.
constexpr std::chrono::seconds kTimeout{1};

Error not_in_time() { return {ErrorKind::kBusy, "the store could not be written within a second"}; }

}  // namespace

// --- Pending events ------------------------------------------------------------------------------

void RunningResponse::Events::add(std::string_view sse) {
  bytes += sse;
  ends.push_back(bytes.size());
}

void RunningResponse::Events::append(const Events& other) {
  for (const std::size_t end : other.ends) ends.push_back(bytes.size() + end);
  bytes += other.bytes;
}

void RunningResponse::Events::append_to(Batch& batch, std::size_t max_bytes,
                                        HasRoom has_room) const {
  std::size_t from = batch.last < first ? 0 : static_cast<std::size_t>(batch.last - first) + 1;
  for (; from < ends.size() && batch.events.size() < max_bytes; ++from) {
    const std::size_t begin = from == 0 ? 0 : ends[from - 1];
    if (!has_room(ends[from] - begin)) return;
    batch.events.append(bytes, begin, ends[from] - begin);
    batch.last = first + static_cast<std::int64_t>(from);
  }
}

std::size_t RunningResponse::Changes::size() const {
  std::size_t size = events.bytes.size() + object.size() + (last_event ? last_event->size() : 0);
  if (beginning) size += beginning->response.object.size() + beginning->input.items.bytes();
  for (const store::StoredItem& item : output) size += item.json.size() + item.blocks.size();
  return size;
}

// --- For the runner ------------------------------------------------------------------------------

RunningResponse::RunningResponse(net::Runtime& runtime, ResponseStore& store, MemoryBudget& budget,
                                 std::shared_ptr<store::Archive> archive,
                                 store::StoredResponse response, store::StoredInput input)
    : runtime_(runtime),
      store_(store),
      archive_(std::move(archive)),
      id_(response.id),
      scope_(response.scope),
      is_background_(response.is_background),
      max_bytes_(store.max_response_bytes()),
      budget_(budget),
      is_started_(!is_background_) {
  pending_.beginning =
      std::make_shared<Beginning>(Beginning{std::move(response), std::move(input)});
  pending_.held = MemoryReservation(budget_);
  count_pending(pending_.size());
}

// The pending changes have grown by so many bytes.
void RunningResponse::count_pending(std::size_t bytes) {
  pending_.held.grow_anyway(bytes);
  count_size(bytes);
}

void RunningResponse::count_size(std::size_t bytes) {
  bytes_ += bytes;
  if (bytes_ > max_bytes_) give_up_storing(too_large());
}

Error RunningResponse::too_large() const {
  return {ErrorKind::kTooLarge,
          fmt::format("it takes more than {} MiB (store.maxResponseMegabytes)", max_bytes_ >> 20)};
}

void RunningResponse::give_up_storing(Error why) {
  if (!storage_error_) storage_error_ = std::move(why);
}

// Later objects replace this one, so it does not count for the size of the response.
void RunningResponse::set_object(std::string object) {
  std::string& current = pending_.beginning->response.object;
  pending_.held.shrink(current.size());
  pending_.held.grow_anyway(object.size());
  current = std::move(object);
}

Task<Result<void>> RunningResponse::begin(store::Status status, std::string object) {
  ArchiveFuture wait(runtime_);
  if (bytes_ + kObjectRepeats * object.size() > max_bytes_) give_up_storing(too_large());
  pending_.beginning->response.status = status;
  set_object(std::move(object));
  pending_.done = wait.callback();
  submit();
  const auto done = co_await wait.wait_for(storage_error_ ? Clock::duration::zero() : kTimeout);
  if (done && *done) co_return Result<void>{};
  withdraw();
  if (storage_error_) co_return fail(*storage_error_);
  if (!done) co_return fail(not_in_time());
  co_return fail(ErrorKind::kBusy, done->error().message);
}

void RunningResponse::update(store::Status status, std::string object) {
  {
    const std::lock_guard lock(mutex_);
    pending_.status = status;
    pending_.held.shrink(pending_.object.size());
    pending_.held.grow_anyway(object.size());
    pending_.object = std::move(object);
  }
  is_started_ = true;
  if (!is_failing_) submit();
}

void RunningResponse::add(std::int64_t number, std::string_view sse) {
  if (has_begun_ ? has_piece() : !is_background_) submit();
  {
    const std::lock_guard lock(mutex_);
    Events& events = pending_.events;
    count_pending(sse.size());
    if (events.bytes.size() + sse.size() > kMaxPending) give_up_storing(not_in_time());
    if ((storage_error_ || is_gone_) && events.bytes.size() + sse.size() > kMaxUnstored) {
      pending_.held.shrink(events.bytes.size());
      events = {.first = number};
    }
    events.add(sse);
  }
  wake_followers();
}

void RunningResponse::end(std::int64_t number, std::string_view sse) {
  if (!has_begun_ && !is_background_) submit();
  const auto last =
      std::make_shared<LastEvent>(LastEvent{std::string(sse), MemoryReservation(budget_)});
  last->held.grow_anyway(sse.size());
  const std::lock_guard lock(mutex_);
  end_number_ = number;
  end_ = {last, &last->sse};
}

// The first events of a background response are written together, when it runs.
bool RunningResponse::has_piece() const {
  return is_started_ && !is_failing_ && !storage_error_ &&
         pending_.events.bytes.size() >= kFlushBytes;
}

// The archive gets one piece after another, so that one that could not be written goes together
// with the next. The beginning goes alone: the first events belong together, and are not all there
// yet.
void RunningResponse::submit() {
  if (writing_ || is_gone_ || storage_error_) return;
  has_begun_ = true;
  {
    const std::lock_guard lock(mutex_);
    const std::int64_t first = pending_.events.first;
    writing_ = std::make_shared<Changes>(std::exchange(pending_, {}));
    pending_.held = MemoryReservation(budget_);
    if (writing_->beginning && !writing_->is_end) {
      pending_.events = std::exchange(writing_->events, {.first = first});
      pending_.held.take_from(writing_->held, pending_.events.bytes.size());
    } else {
      pending_.events.first = writing_->events.next();
    }
  }
  const std::size_t bytes = writing_->size();
  archive_->submit([id = id_, changes = writing_](
                       store::Responses& responses) { return write(responses, id, *changes); },
                   [&runtime = runtime_, weak = weak_from_this()](Result<void> written) {
                     runtime.post([weak, written = std::move(written)] {
                       if (const auto self = weak.lock()) self->note_written(written);
                     });
                   },
                   bytes);
}

Result<void> RunningResponse::write(store::Responses& responses, const std::string& id,
                                    const Changes& changes) {
  if (changes.beginning) {
    auto begun = responses.begin(changes.beginning->response, changes.beginning->input);
    if (!begun) return begun;
  }
  const Events& events = changes.events;
  if (!events.ends.empty()) {
    auto appended = responses.append_events(id, events.first, events.next() - 1, events.bytes);
    if (!appended) return appended;
  }
  if (changes.last_event) {
    auto appended = responses.append_events(id, events.next(), events.next(), *changes.last_event);
    if (!appended) return appended;
  }
  if (!changes.status) return {};
  return changes.is_end ? responses.finish(id, *changes.status, changes.object, changes.output)
                        : responses.update(id, *changes.status, changes.object);
}

void RunningResponse::end_offload() noexcept {
  is_offloaded_ = false;
  try {
    if (const auto written = std::exchange(deferred_, std::nullopt)) note_written(*written);
  } catch (const std::bad_alloc&) {
    give_up_storing({ErrorKind::kInternal, "no memory"});  // a piece may be lost
  }
}

void RunningResponse::note_written(const Result<void>& written) {
  if (is_offloaded_) {
    deferred_ = written;
    return;
  }
  std::shared_ptr<Changes> changes;
  // Its row was written first of all, so it is missing only when somebody has erased it.
  const bool was_erased = !is_gone_ && !written && written.error().kind == ErrorKind::kNotFound;
  {
    const std::lock_guard lock(mutex_);
    changes = std::exchange(writing_, nullptr);
    is_gone_ = is_gone_ || was_erased;
    is_on_disk_ = is_on_disk_ || written;
    is_failing_ = is_failing_ || !written;
    if (!written && written.error().kind == ErrorKind::kTooLarge) give_up_storing(written.error());
    if (!written && !is_gone_ && !changes->is_end) put_back(*changes);
  }
  if (changes->done) changes->done(written);
  if (was_erased) note_erased();
  if (is_gone_) cancel();  // nobody can ever read it
  if (is_gone_ && pending_.done) return std::exchange(pending_.done, {})(written);
  if (pending_.is_end || (pending_.status && !is_failing_) || has_piece()) submit();
}

// Puts them in front of the pending changes.
void RunningResponse::put_back(Changes& changes) {
  changes.events.append(pending_.events);
  pending_.events = std::move(changes.events);
  pending_.beginning = std::move(changes.beginning);
  pending_.held.take_over(changes.held);
  if (!pending_.status) {
    pending_.status = changes.status;
    pending_.object = std::move(changes.object);
  }
}

Task<Result<RunningResponse::Outcome>> RunningResponse::finish(
    store::Status status, std::string object, std::vector<store::StoredItem> output,
    MemoryReservation& hold) {
  has_ended_ = true;
  if (!has_begun_ && !storage_error_) co_return Outcome::kNotWritten;
  if (is_gone_) co_return Outcome::kErased;
  ArchiveFuture wait(runtime_);
  {
    const std::lock_guard lock(mutex_);
    const std::size_t before = pending_.size();
    pending_.status = status;
    pending_.object = std::move(object);
    pending_.is_end = true;
    pending_.last_event = end_;
    pending_.output = std::move(output);
    pending_.done = wait.callback();
    const std::size_t more = pending_.size() - std::min(before, pending_.size());
    hold.shrink(more);
    pending_.held.grow_anyway(more - std::min(more, end_ ? end_->size() : 0));
    count_size(more);
  }
  submit();
  auto done = co_await wait.wait_for(storage_error_ ? Clock::duration::zero() : kTimeout);
  while (!done && !storage_error_ && is_background_ && !is_followed())
    done = co_await wait.wait_for(kTimeout);
  if (!done) done = fail(storage_error_ ? *storage_error_ : not_in_time());
  if (*done) co_return Outcome::kStored;
  if (done->error().kind == ErrorKind::kNotFound) co_return Outcome::kErased;
  withdraw();
  co_return fail(done->error());
}

void RunningResponse::withdraw() {
  is_gone_ = true;
  archive_->withdraw(id_);
}

void RunningResponse::erase() {
  if (has_begun_) withdraw();
}

void RunningResponse::close() noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(is_over_, true)) return;
    cancel_ = {};
  }
  if (has_begun_ && !has_ended_ && !is_gone_)
    retry_on_bad_alloc([this] {
      archive_->submit([id = id_](store::Responses& responses) { return responses.interrupt(id); },
                       {});
    });
  store_.remove(id_);
  wake_followers();
}

void RunningResponse::on_cancel(std::function<void()> cancel) {
  const std::lock_guard lock(mutex_);
  cancel_ = std::move(cancel);
}

// --- From any thread -----------------------------------------------------------------------------

RunningResponse::Batch RunningResponse::events_after(std::int64_t after, std::size_t max_bytes,
                                                     HasRoom has_room) const {
  const std::lock_guard lock(mutex_);
  Batch batch{.last = after, .state = is_erased_ ? State::kErased : State::kRunning};
  const Events& oldest = writing_ ? writing_->events : pending_.events;
  batch.is_complete = after + 1 >= oldest.first;
  if (writing_) writing_->events.append_to(batch, max_bytes, has_room);
  if (!writing_ || batch.last + 1 >= writing_->events.next())
    pending_.events.append_to(batch, max_bytes, has_room);
  const bool has_more = batch.last + 1 < pending_.events.next();
  if (has_more || !is_over_) return batch;
  batch.state = end_number_ >= 0 ? State::kEnded : State::kAborted;
  if (end_number_ <= after) return batch;
  batch.end = end_;
  batch.last = end_number_;
  return batch;
}

bool RunningResponse::is_over() const {
  const std::lock_guard lock(mutex_);
  return is_over_;
}

void RunningResponse::follow(net::Runtime& runtime, std::weak_ptr<net::Event> event) {
  const std::lock_guard lock(mutex_);
  followers_.push_back({&runtime, std::move(event)});
}

bool RunningResponse::is_followed() {
  const std::lock_guard lock(mutex_);
  std::erase_if(followers_, [](const Follower& one) { return one.event.expired(); });
  return !followers_.empty();
}

void RunningResponse::wake_followers() noexcept {
  if (!is_followed()) return;
  const std::lock_guard lock(mutex_);
  try {
    for (const Follower& one : followers_)
      one.runtime->post([event = one.event] {
        if (const auto waiting = event.lock()) waiting->notify();
      });
  } catch (const std::bad_alloc&) {
    // Followers look again by themselves, twice a second.
  }
}

bool RunningResponse::is_on_disk() const {
  const std::lock_guard lock(mutex_);
  return is_on_disk_;
}

void RunningResponse::note_erased() {
  cancel();
  {
    const std::lock_guard lock(mutex_);
    is_erased_ = true;
  }
  wake_followers();
}

void RunningResponse::cancel() {
  const std::lock_guard lock(mutex_);
  if (!cancel_) return;
  runtime_.post(cancel_);
  cancel_ = {};
}

}  // namespace ccproxy::proxy
