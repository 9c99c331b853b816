// Where responses are kept, when they are: the archive on disk, and which responses run in this
// process. Shared by all workers; safe from every thread.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "config/config.hpp"
#include "net/runtime.hpp"
#include "store/archive.hpp"

namespace ccproxy::proxy {

class RunningResponse;

class ResponseStore {
 public:
  // `path` is the database file.
  explicit ResponseStore(std::string path) : path_(std::move(path)) {}

  // Opens the archive when the configuration wants one; one that is open stays open, and is not
  // used while it is switched off. Fails as Archive::open does: then nothing is kept. Fails with
  // kBusy when the archive is not open yet, and goes on trying. By one thread at a time; no other
  // waits for it.
  [[nodiscard]] Result<void> configure(const config::Store& config);

  // nullptr while nothing is kept.
  [[nodiscard]] std::shared_ptr<store::Archive> archive() const;
  [[nodiscard]] const std::string& path() const { return path_; }
  // What one response may take.
  [[nodiscard]] std::size_t most_response_bytes() const;

  // Twice a second: what other processes have left or ask for is seen to, and now and then what is
  // too old or too much is erased.
  void tick();

  // From add() to remove() it is found, as long as its owner keeps it.
  void add(const std::shared_ptr<RunningResponse>& response);
  void remove(const std::string& id);
  // nullptr when it does not run in this process.
  [[nodiscard]] std::shared_ptr<RunningResponse> running(std::string_view scope,
                                                         std::string_view id) const;

  // Waits for what was handed over, until then. What comes later is refused.
  void close(store::Archive::TimePoint until = store::Archive::TimePoint::max());

 private:
  [[nodiscard]] std::shared_ptr<RunningResponse> running(std::string_view id) const;
  void look_at_others(const std::shared_ptr<store::Archive>& archive);
  void set_looking(bool is_looking);
  void sweep(const std::shared_ptr<store::Archive>& archive);

  std::string path_;
  // Guards what follows. Workers wait for it: nothing is opened, waited for or destroyed under it.
  mutable std::mutex mutex_;
  std::shared_ptr<store::Archive> archive_;
  config::Store config_{};
  bool is_on_ = false;
  Clock::time_point next_sweep_{};
  bool is_looking_ = false;  // at what others have left, and has not been answered
  std::unordered_map<std::string, std::weak_ptr<RunningResponse>> running_;
};

// Waits for the end of work that was handed to an archive, in the runtime of whoever waits.
class ArchiveFuture {
 public:
  explicit ArchiveFuture(net::Runtime& runtime)
      : runtime_(runtime), state_(std::make_shared<State>(runtime)) {}

  // To be given to the archive.
  [[nodiscard]] store::Archive::Done callback();
  [[nodiscard]] Task<Result<void>> wait();
  // Nothing when the time runs out first; it may be waited for again.
  [[nodiscard]] Task<std::optional<Result<void>>> wait_for(Clock::duration limit);

 private:
  struct State {
    explicit State(net::Runtime& runtime) : changed(runtime) {}
    net::Event changed;
    std::optional<Result<void>> result{};
  };

  net::Runtime& runtime_;
  std::shared_ptr<State> state_;  // nobody on another thread owns it
};

// Asks the archive on its thread and brings the answer back.
template <class T>
[[nodiscard]] Task<Result<T>> query(net::Runtime& runtime, std::shared_ptr<store::Archive> archive,
                                    std::function<Result<T>(const store::Responses&)> question) {
  const auto found = std::make_shared<std::optional<T>>();
  ArchiveFuture wait(runtime);
  auto work = [found, question = std::move(question)](const store::Responses& kept) {
    auto answer = question(kept);
    if (!answer) return Result<void>(fail(answer.error()));
    found->emplace(std::move(*answer));
    return Result<void>{};
  };
  archive->read(std::move(work), wait.callback());
  auto done = co_await wait.wait();
  if (!done) co_return fail(done.error());
  co_return std::move(**found);
}

}  // namespace ccproxy::proxy
