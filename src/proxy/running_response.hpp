// One response that is kept while it runs: its events go into the archive in pieces, and whoever
// follows it, on whichever worker, is woken by them. Owned by whoever runs it; the store knows it
// as long as it lives.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "dialect/response_events.hpp"
#include "net/runtime.hpp"
#include "proxy/response_store.hpp"
#include "store/archive.hpp"

namespace ccproxy::proxy {

class RunningResponse final : public dialect::EventLog {
 public:
  RunningResponse(ResponseStore& all, std::shared_ptr<store::Archive> archive,
                  store::StoredResponse response, std::vector<store::StoredItem> input);
  ~RunningResponse() override;
  RunningResponse(const RunningResponse&) = delete;
  RunningResponse& operator=(const RunningResponse&) = delete;

  [[nodiscard]] const std::string& id() const { return response_.id; }
  [[nodiscard]] const std::string& scope() const { return response_.scope; }
  [[nodiscard]] bool is_background() const { return response_.is_background; }

  // --- Of whoever runs it.

  // Tells the archive that it is there, and waits until it is on disk; `object` is how it stands.
  // Without this its first event tells that, and nobody waits.
  [[nodiscard]] Task<Result<void>> begin(net::Runtime& runtime, store::Status status,
                                         std::string object);
  void set_object(std::string object) { response_.object = std::move(object); }
  void update(store::Status status, std::string object);
  void add(std::int64_t number, std::string_view sse) override;
  // The end; returns when it is on disk.
  [[nodiscard]] Task<Result<void>> finish(net::Runtime& runtime, store::Status status,
                                          std::string object,
                                          std::vector<store::StoredItem> output);
  // It is as if it had never been.
  void erase();
  // What ends it, in the runtime of whoever runs it.
  void on_cancel(net::Runtime& runtime, std::function<void()> cancel);

  // --- From any thread.

  struct Unwritten {
    std::int64_t first = 0;  // of the events that are not in the archive yet
    std::string events{};
    bool is_over = false;  // no more will come
  };
  [[nodiscard]] Unwritten unwritten() const;
  // `event` is notified in its runtime when there is more; for as long as its owner keeps it.
  void follow(net::Runtime& runtime, std::weak_ptr<net::Event> event);
  void cancel();

 private:
  struct Follower {
    net::Runtime* runtime;
    std::weak_ptr<net::Event> event;
  };

  [[nodiscard]] store::EventChunk take_events();
  void write_events(std::unique_lock<std::mutex>& lock);
  void hand_over_end(store::Status status, std::string object,
                     std::vector<store::StoredItem> output, store::Archive::Done done);
  void wake_followers(std::unique_lock<std::mutex>& lock);
  void start(store::Archive::Done done);

  ResponseStore& all_;
  std::shared_ptr<store::Archive> archive_;
  store::StoredResponse response_;
  std::vector<store::StoredItem> input_;
  bool has_begun_ = false;

  mutable std::mutex mutex_;  // guards what follows
  std::int64_t first_ = 0, next_ = 0;
  std::string events_;
  bool is_over_ = false;
  std::vector<Follower> followers_;
  net::Runtime* runtime_ = nullptr;
  std::function<void()> cancel_;
};

}  // namespace ccproxy::proxy
