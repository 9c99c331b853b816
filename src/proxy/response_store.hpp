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
  // used while it is switched off. Fails as Archive::open does: then nothing is kept.
  [[nodiscard]] Result<void> configure(const config::Store& config);

  // nullptr while nothing is kept.
  [[nodiscard]] std::shared_ptr<store::Archive> archive() const;
  [[nodiscard]] const std::string& path() const { return path_; }

  // Once a second: now and then what is too old or too much is erased.
  void tick(std::int64_t now_seconds);

  void add(const std::shared_ptr<RunningResponse>& response);
  void remove(std::string_view id);
  // nullptr when it does not run in this process.
  [[nodiscard]] std::shared_ptr<RunningResponse> running(std::string_view scope,
                                                         std::string_view id) const;

  // Waits for what was handed over. What comes later is refused.
  void close();

 private:
  std::string path_;
  mutable std::mutex mutex_;  // guards what follows
  std::shared_ptr<store::Archive> archive_;
  config::Store config_{};
  bool is_on_ = false;
  std::int64_t next_sweep_ = 0;
  std::unordered_map<std::string, std::weak_ptr<RunningResponse>> running_;
};

// Waits for the end of work that was handed to an archive, in the runtime of whoever waits.
class ArchiveWait {
 public:
  explicit ArchiveWait(net::Runtime& runtime)
      : runtime_(runtime),
        done_(std::make_shared<net::Event>(runtime)),
        result_(std::make_shared<Result<void>>()) {}

  // To be given to the archive.
  [[nodiscard]] store::Archive::Done callback();
  [[nodiscard]] Task<Result<void>> wait();

 private:
  net::Runtime& runtime_;
  std::shared_ptr<net::Event> done_;  // nobody on another thread owns it
  std::shared_ptr<Result<void>> result_;
};

// Asks the archive on its thread and brings the answer back.
template <class T>
[[nodiscard]] Task<Result<T>> look(net::Runtime& runtime, std::shared_ptr<store::Archive> archive,
                                   std::function<Result<T>(const store::Responses&)> question) {
  const auto found = std::make_shared<std::optional<T>>();
  ArchiveWait wait(runtime);
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
