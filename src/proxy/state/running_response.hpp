// One response that is kept while it runs: what is told of it goes into the archive in pieces, and
// whoever follows it, on whichever worker, is woken by it. Owned by whoever runs it; whoever
// follows may hold it, too: it is over when the runner says so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/function_ref.hpp"
#include "dialect/event_log.hpp"
#include "net/runtime.hpp"
#include "proxy/state/memory_budget.hpp"
#include "proxy/state/response_store.hpp"
#include "store/archive.hpp"

namespace ccproxy::proxy {

class RunningResponse final : public dialect::EventLog,
                              public std::enable_shared_from_this<RunningResponse> {
 public:
  // `runtime` is that of whoever runs it; `all` must outlive it, and `held`, which counts what
  // waits to be written, the archive's work.
  RunningResponse(net::Runtime& runtime, ResponseStore& all, MemoryBudget& held,
                  std::shared_ptr<store::Archive> archive, store::StoredResponse response,
                  store::StoredInput input);
  RunningResponse(const RunningResponse&) = delete;
  RunningResponse& operator=(const RunningResponse&) = delete;
  RunningResponse(RunningResponse&&) = delete;
  RunningResponse& operator=(RunningResponse&&) = delete;
  ~RunningResponse() override = default;

  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] const std::string& scope() const { return scope_; }
  [[nodiscard]] bool is_background() const { return is_background_; }

  // --- Of whoever runs it.

  void set_object(std::string object);
  // Tells the archive that it is there, and waits until it is on disk, for at most a second. Fails
  // with kBusy, and with kTooLarge as finish() does or when `object` alone, which is told and kept
  // again when it has ended, makes it too large; then it is as if it had never been. Without this
  // its first event tells that, and nobody waits.
  [[nodiscard]] Task<Result<void>> begin(store::Status status, std::string object);
  // It runs now; its first events, told before, are written with that.
  void update(store::Status status, std::string object);
  void add(std::int64_t number, std::string_view sse) override;
  // Nobody is shown it before it is over.
  void end(std::int64_t number, std::string_view sse) override;
  // The end; returns when it is on disk, or after a second when somebody waits for it: its client,
  // or those who follow one in the background. When that fails, what was written of it is taken
  // back, and it is as if it had never been. Fails with kNotFound when it was erased meanwhile, and
  // with kTooLarge when it or the store is too large. `hold` has counted what is given here.
  [[nodiscard]] Task<Result<void>> finish(store::Status status, std::string object,
                                          std::vector<store::StoredItem> output,
                                          MemoryReservation& hold);
  // It is as if it had never been.
  void erase();
  // It is over: nothing more will come of it. Call it in any case. One that was begun and never
  // ended, since its runner broke down, is kept as interrupted. It may be that there is no memory:
  // throws nothing.
  void close() noexcept;
  // What ends it.
  void on_cancel(std::function<void()> cancel);
  // As long as one stands its events come from another thread, and whoever runs it waits: what the
  // archive tells meanwhile is put off.
  class Apart {
   public:
    explicit Apart(RunningResponse& running) : running_(running) { running_.is_apart_ = true; }
    Apart(const Apart&) = delete;
    Apart& operator=(const Apart&) = delete;
    Apart(Apart&&) = delete;
    Apart& operator=(Apart&&) = delete;
    ~Apart() { running_.end_apart(); }

   private:
    RunningResponse& running_;
  };

  // --- From any thread.

  struct News {
    std::string events{};
    std::int64_t last = -1;                    // the number of the last of them
    bool is_complete = true;                   // else there are some before them, in the archive
    bool is_over = false;                      // no more will come behind these
    bool has_end = false;                      // then: of itself, not since its runner broke down
    bool is_erased = false;                    // nobody may read what comes, if it goes on at all
    std::shared_ptr<const std::string> end{};  // then: the last event, when it is news
  };
  // What is not in the archive, or not for long, behind the number `after`: about `most` bytes of
  // it, and no event that `has_room` says no to. The last event is shared, since it may be large,
  // and counted among what is held as long as somebody has it.
  using HasRoom = FunctionRef<bool(std::size_t)>;
  [[nodiscard]] News news_behind(std::int64_t after, std::size_t most, HasRoom has_room) const;
  [[nodiscard]] bool is_over() const;
  // `event` is notified in its runtime when there is more; for as long as its owner keeps it.
  void follow(net::Runtime& runtime, std::weak_ptr<net::Event> event);
  // Ends it, when something can: one that is not in the background goes on for its client.
  void cancel();
  // It is on disk no more: it is cancelled, and who follows it is told that there is no more to
  // come. Whoever asked for it gets its answer to the end.
  void note_erased();
  // It was written, so it is on disk for as long as nobody erases it.
  [[nodiscard]] bool is_on_disk() const;

 private:
  struct LastEvent {
    std::string sse;
    MemoryReservation held;
  };
  struct Follower {
    net::Runtime* runtime;
    std::weak_ptr<net::Event> event;
  };
  struct Beginning {
    store::StoredResponse response;
    store::StoredInput input;
  };
  // Events that follow each other, and where each of them ends.
  struct Events {
    std::int64_t first = 0;
    std::string bytes{};
    std::vector<std::size_t> ends{};

    [[nodiscard]] std::int64_t next() const {
      return first + static_cast<std::int64_t>(ends.size());
    }
    void add(std::string_view sse);
    void append(const Events& behind);
    // Appends those behind the last one, until there are `most` bytes or no room.
    void append_behind(News& news, std::size_t most, HasRoom has_room) const;
  };
  // What is not on disk yet. One of them is written at a time.
  struct Changes {
    std::shared_ptr<Beginning> beginning{};
    Events events{};
    std::optional<store::Status> status{};
    std::string object{};  // with the status
    bool is_end = false;
    std::shared_ptr<const std::string> last_event{};  // of the end, as is the output
    std::vector<store::StoredItem> output{};
    store::Archive::Done done{};
    MemoryReservation held{};  // counts all of this but the last event, which counts itself

    [[nodiscard]] std::size_t size() const;
  };

  [[nodiscard]] static Result<void> write(store::Responses& kept, const std::string& id,
                                          const Changes& changes);
  [[nodiscard]] bool has_piece() const;
  void count(std::size_t bytes);
  void take(std::size_t bytes);
  void lose(Error why);
  [[nodiscard]] Error too_large() const;
  void hand_over();
  void note_written(const Result<void>& written);
  void end_apart() noexcept;
  void put_back(Changes& changes);
  [[nodiscard]] bool is_followed();
  void withdraw();
  void wake_followers() noexcept;

  net::Runtime& runtime_;
  ResponseStore& all_;
  std::shared_ptr<store::Archive> archive_;
  const std::string id_, scope_;
  const bool is_background_;
  const std::size_t most_;  // bytes that it may take
  MemoryBudget& held_;
  // Of the runner's thread alone.
  bool has_begun_ = false;
  bool is_started_;              // upstream has taken it, or is about to
  bool is_failing_ = false;      // a piece could not be written: the end tries once more
  std::optional<Error> lost_{};  // it cannot be kept any more: it, or the store, is too large
  std::size_t taken_ = 0;        // bytes of it so far, written or not
  bool is_gone_ = false;         // erased or taken back: nothing more is written
  bool has_ended_ = false;       // the archive was told how, or is not to be
  bool is_apart_ = false;        // another thread tells its events
  std::optional<Result<void>> put_off_{};  // what the archive has told meanwhile

  mutable std::mutex mutex_;  // guards what follows; the runner alone changes the first two
  Changes waiting_;
  std::shared_ptr<Changes> writing_;  // the archive reads it
  std::int64_t end_number_ = -1;
  std::shared_ptr<const std::string> end_;  // the last event
  bool is_over_ = false;
  bool is_on_disk_ = false, is_erased_ = false;
  std::vector<Follower> followers_;
  std::function<void()> cancel_;
};

}  // namespace ccproxy::proxy
