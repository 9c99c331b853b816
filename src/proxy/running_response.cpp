#include "proxy/running_response.hpp"

#include <utility>

namespace ccproxy::proxy {
namespace {

constexpr std::size_t kPiece = std::size_t{16} << 10;  // of events, as they are written

}  // namespace

RunningResponse::RunningResponse(ResponseStore& all, std::shared_ptr<store::Archive> archive,
                                 store::StoredResponse response,
                                 std::vector<store::StoredItem> input)
    : all_(all),
      archive_(std::move(archive)),
      response_(std::move(response)),
      input_(std::move(input)) {}

RunningResponse::~RunningResponse() { all_.remove(response_.id); }

void RunningResponse::start(store::Archive::Done done) {
  has_begun_ = true;
  archive_->submit([response = response_, input = std::move(input_)](
                       store::Responses& kept) { return kept.begin(response, input); },
                   std::move(done));
  response_.object.clear();
}

Task<Result<void>> RunningResponse::begin(net::Runtime& runtime, store::Status status,
                                          std::string object) {
  response_.status = status;
  response_.object = std::move(object);
  ArchiveWait wait(runtime);
  start(wait.callback());
  co_return co_await wait.wait();
}

void RunningResponse::update(store::Status status, std::string object) {
  archive_->submit([id = response_.id, status, object = std::move(object)](
                       store::Responses& kept) { return kept.update(id, status, object); },
                   {});
}

void RunningResponse::add(std::int64_t number, std::string_view sse) {
  if (!has_begun_ && !response_.is_background) start({});
  std::unique_lock lock(mutex_);
  // Before this one comes: the last event is written together with the end, or not at all.
  if (has_begun_ && events_.size() >= kPiece) write_events(lock);
  events_ += sse;
  next_ = number + 1;
  wake_followers(lock);
}

store::EventChunk RunningResponse::take_events() {
  const std::int64_t first = std::exchange(first_, next_);
  return {first, next_ - 1, std::exchange(events_, {})};
}

// Handed over before anybody can see that they are gone from here.
void RunningResponse::write_events(std::unique_lock<std::mutex>& lock) {
  if (!lock.owns_lock()) return;
  archive_->submit(
      [id = response_.id, events = take_events()](store::Responses& kept) {
        return kept.append_events(id, events.first, events.last, events.bytes);
      },
      {});
}

void RunningResponse::wake_followers(std::unique_lock<std::mutex>& lock) {
  if (!lock.owns_lock()) return;
  std::erase_if(followers_, [](const Follower& one) { return one.event.expired(); });
  for (const Follower& one : followers_)
    one.runtime->post([event = one.event] {
      if (const auto waiting = event.lock()) waiting->notify();
    });
}

void RunningResponse::hand_over_end(store::Status status, std::string object,
                                    std::vector<store::StoredItem> output,
                                    store::Archive::Done done) {
  const std::lock_guard lock(mutex_);
  archive_->submit(
      [id = response_.id, status, events = take_events(), object = std::move(object),
       output = std::move(output)](store::Responses& kept) -> Result<void> {
        if (!events.bytes.empty())
          if (auto written = kept.append_events(id, events.first, events.last, events.bytes);
              !written)
            return written;
        return kept.finish(id, status, object, output);
      },
      std::move(done));
}

Task<Result<void>> RunningResponse::finish(net::Runtime& runtime, store::Status status,
                                           std::string object,
                                           std::vector<store::StoredItem> output) {
  if (!has_begun_) co_return Result<void>{};
  ArchiveWait wait(runtime);
  hand_over_end(status, std::move(object), std::move(output), wait.callback());
  auto done = co_await wait.wait();
  std::unique_lock lock(mutex_);
  is_over_ = true;
  wake_followers(lock);
  co_return done;
}

void RunningResponse::erase() {
  if (!has_begun_) return;
  archive_->submit(
      [scope = response_.scope, id = response_.id](store::Responses& kept) {
        const auto erased = kept.erase(scope, id);
        return erased ? Result<void>{} : Result<void>(fail(erased.error()));
      },
      {});
}

void RunningResponse::on_cancel(net::Runtime& runtime, std::function<void()> cancel) {
  const std::lock_guard lock(mutex_);
  runtime_ = &runtime;
  cancel_ = std::move(cancel);
}

RunningResponse::Unwritten RunningResponse::unwritten() const {
  const std::lock_guard lock(mutex_);
  return {first_, events_, is_over_};
}

void RunningResponse::follow(net::Runtime& runtime, std::weak_ptr<net::Event> event) {
  const std::lock_guard lock(mutex_);
  followers_.push_back({&runtime, std::move(event)});
}

void RunningResponse::cancel() {
  const std::lock_guard lock(mutex_);
  if (cancel_) runtime_->post(std::exchange(cancel_, {}));
}

}  // namespace ccproxy::proxy
