// Waits in an event loop for work that the archive does on its own thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "net/runtime.hpp"
#include "net/task.hpp"
#include "store/archive.hpp"

namespace ccproxy::proxy {

// The result of one piece of work. Used in the thread of `runtime`, which must outlive the
// archive's work.
class ArchiveFuture {
 public:
  explicit ArchiveFuture(net::Runtime& runtime)
      : runtime_(runtime), state_(std::make_shared<State>(runtime)) {}

  // To be handed to the archive with the work; it may be called when this is gone.
  [[nodiscard]] store::Archive::Callback callback();
  [[nodiscard]] Task<Result<void>> wait();
  // Nothing when the work is not done within `limit`; then it may be waited for again.
  [[nodiscard]] Task<std::optional<Result<void>>> wait_for(Clock::duration limit);

 private:
  struct State {
    explicit State(net::Runtime& runtime) : changed(runtime) {}
    net::Event changed;
    std::optional<Result<void>> result{};
  };

  net::Runtime& runtime_;
  std::shared_ptr<State> state_;  // callbacks have it weakly: an Event is freed in its own thread
};

// Runs `read` on the archive's thread and returns its result. `read` must own what it uses: where
// this coroutine is freed before its end, `read` may run nevertheless.
template <class T>
[[nodiscard]] Task<Result<T>> query(net::Runtime& runtime, std::shared_ptr<store::Archive> archive,
                                    std::function<Result<T>(const store::Responses&)> read) {
  const auto found = std::make_shared<std::optional<T>>();
  ArchiveFuture future(runtime);
  auto work = [found, read = std::move(read)](const store::Responses& responses) {
    auto result = read(responses);
    if (!result) return Result<void>(fail(result.error()));
    found->emplace(std::move(*result));
    return Result<void>{};
  };
  archive->read(std::move(work), future.callback());
  auto done = co_await future.wait();
  if (!done) co_return fail(done.error());
  co_return std::move(**found);
}

}  // namespace ccproxy::proxy
