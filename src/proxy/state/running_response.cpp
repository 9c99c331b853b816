#include "proxy/state/running_response.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <utility>

#include "base/retry_on_bad_alloc.hpp"

namespace ccproxy::proxy {
namespace {

constexpr std::size_t kFlushBytes = std::size_t{16} << 10;  // of events, as they are written
// Of events that wait to be written. More is not kept.
constexpr std::size_t kMaxWaiting = std::size_t{64} << 20;
// Of events of a response that is not kept any more, for those who follow it.
constexpr std::size_t kMaxUnkept = std::size_t{1} << 20;
// How often the object of one in the background is told or kept after it was queued: when it runs,
// at its end, and as what it is then.
constexpr std::size_t kToldAgain = 3;
// How long somebody waits for a response to be on disk.
constexpr std::chrono::seconds kTimeout{1};

Error not_in_time() { return {ErrorKind::kBusy, "the store could not be written within a second"}; }

}  // namespace

// --- Events --------------------------------------------------------------------------------------

void RunningResponse::Events::add(std::string_view sse) {
  bytes += sse;
  ends.push_back(bytes.size());
}

void RunningResponse::Events::append(const Events& behind) {
  for (const std::size_t end : behind.ends) ends.push_back(bytes.size() + end);
  bytes += behind.bytes;
}

void RunningResponse::Events::append_behind(News& news, std::size_t most, HasRoom has_room) const {
  std::size_t from = news.last < first ? 0 : static_cast<std::size_t>(news.last - first) + 1;
  for (; from < ends.size() && news.events.size() < most; ++from) {
    const std::size_t begin = from == 0 ? 0 : ends[from - 1];
    if (!has_room(ends[from] - begin)) return;
    news.events.append(bytes, begin, ends[from] - begin);
    news.last = first + static_cast<std::int64_t>(from);
  }
}

std::size_t RunningResponse::Changes::size() const {
  std::size_t size = events.bytes.size() + object.size() + (last_event ? last_event->size() : 0);
  if (beginning) size += beginning->response.object.size() + beginning->input.items.bytes();
  for (const store::StoredItem& item : output) size += item.json.size() + item.blocks.size();
  return size;
}

// --- Of whoever runs it --------------------------------------------------------------------------

RunningResponse::RunningResponse(net::Runtime& runtime, ResponseStore& all, MemoryBudget& held,
                                 std::shared_ptr<store::Archive> archive,
                                 store::StoredResponse response, store::StoredInput input)
    : runtime_(runtime),
      all_(all),
      archive_(std::move(archive)),
      id_(response.id),
      scope_(response.scope),
      is_background_(response.is_background),
      most_(all.most_response_bytes()),
      held_(held),
      is_started_(!is_background_) {
  waiting_.beginning =
      std::make_shared<Beginning>(Beginning{std::move(response), std::move(input)});
  waiting_.held = MemoryReservation(held_);
  count(waiting_.size());
}

// What waits has become larger by so much.
void RunningResponse::count(std::size_t bytes) {
  waiting_.held.grow_anyway(bytes);
  take(bytes);
}

void RunningResponse::take(std::size_t bytes) {
  taken_ += bytes;
  if (taken_ > most_) lose(too_large());
}

Error RunningResponse::too_large() const {
  return {ErrorKind::kTooLarge,
          fmt::format("it takes more than {} MiB (store.maxResponseMegabytes)", most_ >> 20)};
}

void RunningResponse::lose(Error why) {
  if (!lost_) lost_ = std::move(why);
}

// The next one takes its place, so that it is no part of what the response takes at last.
void RunningResponse::set_object(std::string object) {
  std::string& was = waiting_.beginning->response.object;
  waiting_.held.shrink(was.size());
  waiting_.held.grow_anyway(object.size());
  was = std::move(object);
}

Task<Result<void>> RunningResponse::begin(store::Status status, std::string object) {
  ArchiveFuture wait(runtime_);
  if (taken_ + kToldAgain * object.size() > most_) lose(too_large());
  waiting_.beginning->response.status = status;
  set_object(std::move(object));
  waiting_.done = wait.callback();
  hand_over();
  const auto done = co_await wait.wait_for(lost_ ? Clock::duration::zero() : kTimeout);
  if (done && *done) co_return Result<void>{};
  withdraw();
  if (lost_) co_return fail(*lost_);
  if (!done) co_return fail(not_in_time());
  co_return fail(ErrorKind::kBusy, done->error().message);
}

void RunningResponse::update(store::Status status, std::string object) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.status = status;
    waiting_.held.shrink(waiting_.object.size());
    waiting_.held.grow_anyway(object.size());
    waiting_.object = std::move(object);
  }
  is_started_ = true;
  if (!is_failing_) hand_over();
}

void RunningResponse::add(std::int64_t number, std::string_view sse) {
  if (has_begun_ ? has_piece() : !is_background_) hand_over();
  {
    const std::lock_guard lock(mutex_);
    Events& events = waiting_.events;
    count(sse.size());
    if (events.bytes.size() + sse.size() > kMaxWaiting) lose(not_in_time());
    if ((lost_ || is_gone_) && events.bytes.size() + sse.size() > kMaxUnkept) {
      waiting_.held.shrink(events.bytes.size());
      events = {.first = number};
    }
    events.add(sse);
  }
  wake_followers();
}

void RunningResponse::end(std::int64_t number, std::string_view sse) {
  if (!has_begun_ && !is_background_) hand_over();
  const auto last =
      std::make_shared<LastEvent>(LastEvent{std::string(sse), MemoryReservation(held_)});
  last->held.grow_anyway(sse.size());
  const std::lock_guard lock(mutex_);
  end_number_ = number;
  end_ = {last, &last->sse};
}

// The first events of one in the background are written together, when it runs.
bool RunningResponse::has_piece() const {
  return is_started_ && !is_failing_ && !lost_ && waiting_.events.bytes.size() >= kFlushBytes;
}

// One after another, so that what could not be written goes with what comes behind it. The
// beginning goes alone: its first events belong together, and are not all there yet.
void RunningResponse::hand_over() {
  if (writing_ || is_gone_ || lost_) return;
  has_begun_ = true;
  {
    const std::lock_guard lock(mutex_);
    const std::int64_t first = waiting_.events.first;
    writing_ = std::make_shared<Changes>(std::exchange(waiting_, {}));
    waiting_.held = MemoryReservation(held_);
    if (writing_->beginning && !writing_->is_end) {
      waiting_.events = std::exchange(writing_->events, {.first = first});
      waiting_.held.take_from(writing_->held, waiting_.events.bytes.size());
    } else {
      waiting_.events.first = writing_->events.next();
    }
  }
  const std::size_t bytes = writing_->size();
  archive_->submit(
      [id = id_, changes = writing_](store::Responses& kept) { return write(kept, id, *changes); },
      [&runtime = runtime_, weak = weak_from_this()](Result<void> written) {
        runtime.post([weak, written = std::move(written)] {
          if (const auto self = weak.lock()) self->note_written(written);
        });
      },
      bytes);
}

Result<void> RunningResponse::write(store::Responses& kept, const std::string& id,
                                    const Changes& changes) {
  if (changes.beginning)
    if (auto begun = kept.begin(changes.beginning->response, changes.beginning->input); !begun)
      return begun;
  const Events& events = changes.events;
  if (!events.ends.empty())
    if (auto told = kept.append_events(id, events.first, events.next() - 1, events.bytes); !told)
      return told;
  if (changes.last_event)
    if (auto told = kept.append_events(id, events.next(), events.next(), *changes.last_event);
        !told)
      return told;
  if (!changes.status) return {};
  return changes.is_end ? kept.finish(id, *changes.status, changes.object, changes.output)
                        : kept.update(id, *changes.status, changes.object);
}

void RunningResponse::end_apart() noexcept {
  is_apart_ = false;
  try {
    if (const auto written = std::exchange(put_off_, std::nullopt)) note_written(*written);
  } catch (const std::bad_alloc&) {
    lose({ErrorKind::kInternal, "no memory"});  // a piece of it may be
  }
}

void RunningResponse::note_written(const Result<void>& written) {
  if (is_apart_) {
    put_off_ = written;
    return;
  }
  std::shared_ptr<Changes> was;
  const bool was_erased = !is_gone_ && !written && written.error().kind == ErrorKind::kNotFound;
  {
    const std::lock_guard lock(mutex_);
    was = std::exchange(writing_, nullptr);
    is_gone_ = is_gone_ || was_erased;
    is_on_disk_ = is_on_disk_ || written;
    is_failing_ = is_failing_ || !written;
    if (!written && written.error().kind == ErrorKind::kTooLarge) lose(written.error());
    if (!written && !is_gone_ && !was->is_end) put_back(*was);
  }
  if (was->done) was->done(written);
  if (was_erased) note_erased();
  if (is_gone_) cancel();  // nobody can ever read it
  if (is_gone_ && waiting_.done) return std::exchange(waiting_.done, {})(written);
  if (waiting_.is_end || (waiting_.status && !is_failing_) || has_piece()) hand_over();
}

// In front of what waits.
void RunningResponse::put_back(Changes& changes) {
  changes.events.append(waiting_.events);
  waiting_.events = std::move(changes.events);
  waiting_.beginning = std::move(changes.beginning);
  waiting_.held.take_over(changes.held);
  if (!waiting_.status) {
    waiting_.status = changes.status;
    waiting_.object = std::move(changes.object);
  }
}

Task<Result<void>> RunningResponse::finish(store::Status status, std::string object,
                                           std::vector<store::StoredItem> output,
                                           MemoryReservation& hold) {
  has_ended_ = true;
  if (!has_begun_ && !lost_) co_return Result<void>{};
  if (is_gone_) co_return fail(ErrorKind::kNotFound, id_);
  ArchiveFuture wait(runtime_);
  {
    const std::lock_guard lock(mutex_);
    const std::size_t before = waiting_.size();
    waiting_.status = status;
    waiting_.object = std::move(object);
    waiting_.is_end = true;
    waiting_.last_event = end_;
    waiting_.output = std::move(output);
    waiting_.done = wait.callback();
    const std::size_t more = waiting_.size() - std::min(before, waiting_.size());
    hold.shrink(more);
    waiting_.held.grow_anyway(more - std::min(more, end_ ? end_->size() : 0));
    take(more);
  }
  hand_over();
  auto done = co_await wait.wait_for(lost_ ? Clock::duration::zero() : kTimeout);
  while (!done && !lost_ && is_background_ && !is_followed())
    done = co_await wait.wait_for(kTimeout);
  if (!done) done = fail(lost_ ? *lost_ : not_in_time());
  if (!*done && done->error().kind != ErrorKind::kNotFound) withdraw();
  co_return *done;
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
    insist([this] {
      archive_->submit([id = id_](store::Responses& kept) { return kept.interrupt(id); }, {});
    });
  all_.remove(id_);
  wake_followers();
}

void RunningResponse::on_cancel(std::function<void()> cancel) {
  const std::lock_guard lock(mutex_);
  cancel_ = std::move(cancel);
}

// --- From any thread -----------------------------------------------------------------------------

RunningResponse::News RunningResponse::news_behind(std::int64_t after, std::size_t most,
                                                   HasRoom has_room) const {
  const std::lock_guard lock(mutex_);
  News news{.last = after, .is_erased = is_erased_};
  const Events& oldest = writing_ ? writing_->events : waiting_.events;
  news.is_complete = after + 1 >= oldest.first;
  if (writing_) writing_->events.append_behind(news, most, has_room);
  if (!writing_ || news.last + 1 >= writing_->events.next())
    waiting_.events.append_behind(news, most, has_room);
  if (news.last + 1 < waiting_.events.next()) return news;  // the rest another time
  news.is_over = is_over_;
  news.has_end = is_over_ && end_number_ >= 0;
  if (!news.has_end || end_number_ <= after) return news;
  news.end = end_;
  news.last = end_number_;
  return news;
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
    // They look again by themselves.
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
