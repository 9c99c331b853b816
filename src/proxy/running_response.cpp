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
  events_ += sse;
  next_ = number + 1;
  if (has_begun_ && events_.size() >= kPiece) write_events(lock);
  wake_followers(lock);
}

void RunningResponse::write_events(std::unique_lock<std::mutex>& lock) {
  if (!lock.owns_lock() || events_.empty()) return;
  const std::int64_t first = std::exchange(first_, next_), last = next_ - 1;
  // Handed over before anybody can see that they are gone from here.
  archive_->submit(
      [id = response_.id, first, last, events = std::exchange(events_, {})](
          store::Responses& kept) { return kept.append_events(id, first, last, events); },
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

Task<Result<void>> RunningResponse::finish(net::Runtime& runtime, store::Status status,
                                           std::string object,
                                           std::vector<store::StoredItem> output) {
  if (!has_begun_) co_return Result<void>{};
  {
    std::unique_lock lock(mutex_);
    write_events(lock);
  }
  ArchiveWait wait(runtime);
  auto work = [id = response_.id, status, object = std::move(object), output = std::move(output)](
                  store::Responses& kept) { return kept.finish(id, status, object, output); };
  archive_->submit(std::move(work), wait.callback());
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
