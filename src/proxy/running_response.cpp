#include "proxy/running_response.hpp"

#include <algorithm>
#include <utility>

namespace ccproxy::proxy {
namespace {

constexpr std::size_t kPiece = std::size_t{16} << 10;  // of events, as they are written
// Of events that wait to be written. More is not kept.
constexpr std::size_t kMostWaiting = std::size_t{64} << 20;
// How long somebody waits for a response to be on disk.
constexpr std::chrono::seconds kPatience{1};

tl::unexpected<Error> not_in_time() {
  return fail(ErrorKind::kBusy, "the store could not be written within a second");
}

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

std::string_view RunningResponse::Events::behind(std::int64_t after) const {
  if (after < first) return bytes;
  const auto known = static_cast<std::size_t>(after - first) + 1;
  return known >= ends.size() ? std::string_view()
                              : std::string_view(bytes).substr(ends[known - 1]);
}

// --- Of whoever runs it --------------------------------------------------------------------------

RunningResponse::RunningResponse(net::Runtime& runtime, ResponseStore& all,
                                 std::shared_ptr<store::Archive> archive,
                                 store::StoredResponse response,
                                 std::vector<store::StoredItem> input)
    : runtime_(runtime),
      all_(all),
      archive_(std::move(archive)),
      id_(response.id),
      scope_(response.scope),
      is_background_(response.is_background),
      is_started_(!is_background_) {
  waiting_.beginning =
      std::make_shared<Beginning>(Beginning{std::move(response), std::move(input)});
}

void RunningResponse::set_object(std::string object) {
  waiting_.beginning->response.object = std::move(object);
}

Task<Result<void>> RunningResponse::begin(store::Status status, std::string object) {
  ArchiveWait wait(runtime_);
  waiting_.beginning->response.status = status;
  set_object(std::move(object));
  waiting_.done = wait.callback();
  hand_over();
  const auto done = co_await wait.wait_for(kPatience);
  if (done && *done) co_return Result<void>{};
  withdraw();
  if (!done) co_return not_in_time();
  co_return fail(ErrorKind::kBusy, done->error().message);
}

void RunningResponse::update(store::Status status, std::string object) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.status = status;
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
    is_lost_ = is_lost_ || events.bytes.size() + sse.size() > kMostWaiting;
    if (is_lost_) events = {.first = number};
    events.add(sse);
  }
  wake_followers();
}

void RunningResponse::end(std::int64_t number, std::string_view sse) {
  if (!has_begun_ && !is_background_) hand_over();
  const std::lock_guard lock(mutex_);
  end_number_ = number;
  end_ = sse;
}

// The first events of one in the background are written together, when it runs.
bool RunningResponse::has_piece() const {
  return is_started_ && !is_failing_ && waiting_.events.bytes.size() >= kPiece;
}

// One after another, so that what could not be written goes with what comes behind it. The
// beginning goes alone: its first events belong together, and are not all there yet.
void RunningResponse::hand_over() {
  if (writing_ || is_gone_) return;
  has_begun_ = true;
  {
    const std::lock_guard lock(mutex_);
    const std::int64_t first = waiting_.events.first;
    writing_ = std::make_shared<Changes>(std::exchange(waiting_, {}));
    if (writing_->beginning && !writing_->is_end)
      waiting_.events = std::exchange(writing_->events, {.first = first});
    else
      waiting_.events.first = writing_->events.next();
  }
  archive_->submit(
      [id = id_, changes = writing_](store::Responses& kept) { return write(kept, id, *changes); },
      [&runtime = runtime_, weak = weak_from_this()](Result<void> written) {
        runtime.post([weak, written = std::move(written)] {
          if (const auto self = weak.lock()) self->note_written(written);
        });
      });
}

Result<void> RunningResponse::write(store::Responses& kept, const std::string& id,
                                    const Changes& changes) {
  if (changes.beginning)
    if (auto begun = kept.begin(changes.beginning->response, changes.beginning->input); !begun)
      return begun;
  const bool has_last = !changes.last_event.empty();
  if (const Events& events = changes.events; has_last || !events.ends.empty()) {
    const std::int64_t last = has_last ? events.next() : events.next() - 1;
    const std::string all = has_last ? events.bytes + changes.last_event : std::string();
    const std::string& bytes = has_last ? all : events.bytes;
    if (auto told = kept.append_events(id, events.first, last, bytes); !told) return told;
  }
  if (!changes.status) return {};
  return changes.is_end ? kept.finish(id, *changes.status, changes.object, changes.output)
                        : kept.update(id, *changes.status, changes.object);
}

void RunningResponse::note_written(const Result<void>& written) {
  std::shared_ptr<Changes> was;
  {
    const std::lock_guard lock(mutex_);
    was = std::exchange(writing_, nullptr);
    is_gone_ = is_gone_ || (!written && written.error().kind == ErrorKind::kNotFound);
    is_failing_ = is_failing_ || !written;
    if (!written && !is_gone_ && !was->is_end) put_back(*was);
  }
  if (was->done) was->done(written);
  if (is_gone_) cancel();  // nobody can ever read it
  if (is_gone_ && waiting_.done) return std::exchange(waiting_.done, {})(written);
  if (waiting_.is_end || (waiting_.status && !is_failing_) || has_piece()) hand_over();
}

// In front of what waits.
void RunningResponse::put_back(Changes& changes) {
  changes.events.append(waiting_.events);
  waiting_.events = std::move(changes.events);
  waiting_.beginning = std::move(changes.beginning);
  if (!waiting_.status) {
    waiting_.status = changes.status;
    waiting_.object = std::move(changes.object);
  }
}

Task<Result<void>> RunningResponse::finish(store::Status status, std::string object,
                                           std::vector<store::StoredItem> output) {
  has_ended_ = true;
  if (!has_begun_) co_return Result<void>{};
  if (is_gone_) co_return fail(ErrorKind::kNotFound, id_);
  ArchiveWait wait(runtime_);
  {
    const std::lock_guard lock(mutex_);
    waiting_.status = status;
    waiting_.object = std::move(object);
    waiting_.is_end = true;
    waiting_.last_event = end_;
    waiting_.output = std::move(output);
    waiting_.done = wait.callback();
  }
  if (!is_lost_) hand_over();
  auto done = co_await wait.wait_for(is_lost_ ? Clock::duration::zero() : kPatience);
  while (!done && !is_lost_ && is_background_ && !is_followed())
    done = co_await wait.wait_for(kPatience);
  if (!done) done = not_in_time();
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

void RunningResponse::close() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(is_over_, true)) return;
    cancel_ = {};
  }
  if (has_begun_ && !has_ended_ && !is_gone_)
    archive_->submit([id = id_](store::Responses& kept) { return kept.interrupt(id); }, {});
  all_.remove(id_);
  wake_followers();
}

void RunningResponse::on_cancel(std::function<void()> cancel) {
  const std::lock_guard lock(mutex_);
  cancel_ = std::move(cancel);
}

// --- From any thread -----------------------------------------------------------------------------

RunningResponse::News RunningResponse::news_behind(std::int64_t after) const {
  const std::lock_guard lock(mutex_);
  News news{.last = after, .is_over = is_over_};
  const Events& oldest = writing_ ? writing_->events : waiting_.events;
  news.is_complete = after + 1 >= oldest.first;
  if (writing_) news.events = writing_->events.behind(after);
  news.events += waiting_.events.behind(after);
  news.last = std::max(after, waiting_.events.next() - 1);
  news.has_end = is_over_ && end_number_ >= 0;
  if (!is_over_ || end_number_ <= after) return news;
  news.events += end_;
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

void RunningResponse::wake_followers() {
  if (!is_followed()) return;
  const std::lock_guard lock(mutex_);
  for (const Follower& one : followers_)
    one.runtime->post([event = one.event] {
      if (const auto waiting = event.lock()) waiting->notify();
    });
}

bool RunningResponse::can_be_cancelled() const {
  const std::lock_guard lock(mutex_);
  return cancel_ != nullptr;
}

void RunningResponse::cancel() {
  const std::lock_guard lock(mutex_);
  if (cancel_) runtime_.post(std::exchange(cancel_, {}));
}

}  // namespace ccproxy::proxy
