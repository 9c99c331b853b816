// The archive of responses on disk, where it is enabled, and the responses that run in this
// process. Shared by all workers; safe from every thread.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "config/config.hpp"
#include "store/archive.hpp"

namespace ccproxy::proxy {

class RunningResponse;

class ResponseStore {
 public:
  // `path` is that of the database file.
  explicit ResponseStore(std::string path) : path_(std::move(path)) {}

  // Opens the archive where `config` enables it. One that is open stays open, and is not used while
  // it is disabled. Fails as Archive::open() does: then nothing is stored. Fails with kBusy when
  // the archive is not open yet, and goes on trying. Called by one thread at a time; no other waits
  // for it.
  [[nodiscard]] Result<void> configure(const config::Store& config);

  // nullptr while nothing is stored.
  [[nodiscard]] std::shared_ptr<store::Archive> archive() const;
  [[nodiscard]] const std::string& path() const { return path_; }
  // How many bytes one response may have.
  [[nodiscard]] std::size_t max_response_bytes() const;

  // Call it twice a second. Ends what other processes left running when they died, ends or forgets
  // what they have asked to be cancelled or have erased, and every ten minutes erases what is too
  // old or too much.
  void tick();

  // From add() to remove() running() finds the response, as long as its owner keeps it.
  void add(const std::shared_ptr<RunningResponse>& response);
  void remove(const std::string& id);
  // nullptr when no response of that scope and id runs in this process.
  [[nodiscard]] std::shared_ptr<RunningResponse> running(std::string_view scope,
                                                         std::string_view id) const;

  // Waits for the work that was handed to the archive, at most until `until`. Later work fails.
  void close(store::Archive::TimePoint until = store::Archive::TimePoint::max());

 private:
  [[nodiscard]] std::shared_ptr<RunningResponse> running(std::string_view id) const;
  void check_other_processes(const std::shared_ptr<store::Archive>& archive);
  void set_checking(bool is_checking);
  void sweep(const std::shared_ptr<store::Archive>& archive);

  std::string path_;
  // Guards what follows. Workers wait for it: nothing is opened, awaited or destroyed under it.
  mutable std::mutex mutex_;
  std::shared_ptr<store::Archive> archive_;
  config::Store config_{};
  bool is_enabled_ = false;
  Clock::time_point next_sweep_{};
  bool is_checking_ = false;  // the archive has not done the last check of other processes yet
  std::unordered_map<std::string, std::weak_ptr<RunningResponse>> running_;
};

}  // namespace ccproxy::proxy
