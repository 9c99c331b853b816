// One stored response while it runs. Its events are written to the archive in pieces, and wake its
// followers on any worker. It is owned by the exchange, or the background response, that runs it:
// its runner. Followers may hold it, too; it is over when the runner calls close().
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
#include "store/archive.hpp"

namespace ccproxy::proxy {

class ResponseStore;

class RunningResponse final : public dialect::EventLog,
                              public std::enable_shared_from_this<RunningResponse> {
 public:
  // `runtime` is the runner's, and `store` finds the response while it runs; both must outlive it.
  // `budget` counts what waits to be written, and must outlive the work of `archive`.
  RunningResponse(net::Runtime& runtime, ResponseStore& store, MemoryBudget& budget,
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

  // --- For the runner, in its thread.

  // What became of a response in the archive when it ended.
  enum class Outcome {
    kStored,
    kErased,      // somebody erased it while it ran
    kNotWritten,  // it ended before its first event, so nothing of it was written
  };

  // Replaces the object that the archive gets first.
  void set_object(std::string object);
  // Submits the response to the archive, and returns when it is on disk, or after a second. Fails
  // with kBusy, and with kTooLarge as finish() does or where `object`, which is emitted and written
  // again when the response has ended, makes it too large; nothing of the response is left then.
  // Without this call the first event submits it, and nobody waits for the disk.
  [[nodiscard]] Task<Result<void>> begin(store::Status status, std::string object);
  // The background response runs from now on; events that came before are written with this.
  void update(store::Status status, std::string object);
  // Appends an event. Followers may get it at once.
  void add(std::int64_t number, std::string_view sse) override;
  // Sets the last event. Followers get it after close() alone, and the last one that was set
  // counts.
  void end(std::int64_t number, std::string_view sse) override;
  // Writes the end of the response, and returns when it is on disk, or after a second when its
  // client or a follower waits for that. Fails with kTooLarge when the response, or the store, is
  // too large, and otherwise as the archive does; then the response is withdrawn from the archive.
  // `hold` counts the arguments, and gives them up.
  [[nodiscard]] Task<Result<Outcome>> finish(store::Status status, std::string object,
                                             std::vector<store::StoredItem> output,
                                             MemoryReservation& hold);
  // Withdraws the response from the archive.
  void erase();
  // The response is over. Call it in any case, the last of all. A response that was begun and not
  // finished, because its runner broke down, is stored as interrupted. Throws nothing, though there
  // may be no memory.
  void close() noexcept;
  // Sets what ends the response, in the runner's loop, when somebody cancels it.
  void on_cancel(std::function<void()> cancel);
  // While one of these exists another thread may call add() and end(), and the runner waits:
  // results of the archive are deferred until it is destroyed.
  class OffloadScope {
   public:
    explicit OffloadScope(RunningResponse& running) : running_(running) {
      running_.is_offloaded_ = true;
    }
    OffloadScope(const OffloadScope&) = delete;
    OffloadScope& operator=(const OffloadScope&) = delete;
    OffloadScope(OffloadScope&&) = delete;
    OffloadScope& operator=(OffloadScope&&) = delete;
    ~OffloadScope() { running_.end_offload(); }

   private:
    RunningResponse& running_;
  };

  // --- For followers and other requests, from any thread.

  enum class State {
    kRunning,
    kErased,   // it is on disk no more: nobody can read the events that may still come
    kEnded,    // close() was called, and these are all events to the last
    kAborted,  // close() was called, and there is no last event: its runner broke down
  };
  struct Batch {
    std::string events{};     // as they are sent
    std::int64_t last = -1;   // number of the last of them
    bool is_complete = true;  // false when events in front of them are in the archive alone
    State state = State::kRunning;
    std::shared_ptr<const std::string> end{};  // of kEnded: the last event, behind `events`
  };
  // The events behind the number `after` that are not in the archive, or were not until a moment
  // ago: about `max_bytes` of them, and none that `has_room` refuses. The last event is shared,
  // since it may be large; the memory budget counts it for as long as somebody holds it.
  using HasRoom = FunctionRef<bool(std::size_t)>;
  [[nodiscard]] Batch events_after(std::int64_t after, std::size_t max_bytes,
                                   HasRoom has_room) const;
  [[nodiscard]] bool is_over() const;
  // `event` is notified in `runtime` when there is more to read, for as long as its owner keeps it.
  void follow(net::Runtime& runtime, std::weak_ptr<net::Event> event);
  // Ends the response where it can be ended; one that its client waits for goes on.
  void cancel();
  // The response was erased from the archive: cancels it, and wakes its followers. The client that
  // waits for it still gets its reply to the end.
  void note_erased();
  // True once a piece was written. It is on disk from then on, until somebody erases it.
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
  // Consecutive events, and the offset of the end of each.
  struct Events {
    std::int64_t first = 0;
    std::string bytes{};
    std::vector<std::size_t> ends{};

    [[nodiscard]] std::int64_t next() const {
      return first + static_cast<std::int64_t>(ends.size());
    }
    void add(std::string_view sse);
    void append(const Events& other);
    // Appends the events behind `batch.last` to it, until there are `max_bytes` or no room.
    void append_to(Batch& batch, std::size_t max_bytes, HasRoom has_room) const;
  };
  // What is not on disk yet. The archive writes one of these at a time.
  struct Changes {
    std::shared_ptr<Beginning> beginning{};
    Events events{};
    std::optional<store::Status> status{};
    std::string object{};  // written with the status
    bool is_end = false;
    std::shared_ptr<const std::string> last_event{};  // set with is_end, as is the output
    std::vector<store::StoredItem> output{};
    store::Archive::Callback done{};
    MemoryReservation held{};  // counts all of this but last_event, which counts itself

    [[nodiscard]] std::size_t size() const;
  };

  [[nodiscard]] static Result<void> write(store::Responses& responses, const std::string& id,
                                          const Changes& changes);
  [[nodiscard]] bool has_piece() const;
  void count_pending(std::size_t bytes);
  void count_size(std::size_t bytes);
  void give_up_storing(Error why);
  [[nodiscard]] Error too_large() const;
  void submit();
  void note_written(const Result<void>& written);
  void end_offload() noexcept;
  void put_back(Changes& changes);
  [[nodiscard]] bool is_followed();
  void withdraw();
  void wake_followers() noexcept;

  net::Runtime& runtime_;
  ResponseStore& store_;
  std::shared_ptr<store::Archive> archive_;
  const std::string id_, scope_;
  const bool is_background_;
  const std::size_t max_bytes_;
  MemoryBudget& budget_;
  // Used by the runner's thread alone.
  bool has_begun_ = false;                  // the archive has been given something
  bool is_started_;                         // the upstream has accepted the request, or is about to
  bool is_failing_ = false;                 // a piece could not be written: the end tries once more
  std::optional<Error> storage_error_{};    // the response, or the store, is too large to store it
  std::size_t bytes_ = 0;                   // of the response so far, written or not
  bool is_gone_ = false;                    // erased or withdrawn: nothing more is written
  bool has_ended_ = false;                  // finish() was called
  bool is_offloaded_ = false;               // another thread adds its events
  std::optional<Result<void>> deferred_{};  // result of the archive that came meanwhile

  mutable std::mutex mutex_;  // guards what follows; the runner alone changes the first two
  Changes pending_;
  std::shared_ptr<Changes> writing_;  // read by the archive's thread
  std::int64_t end_number_ = -1;
  std::shared_ptr<const std::string> end_;  // the last event
  bool is_over_ = false;
  bool is_on_disk_ = false, is_erased_ = false;
  std::vector<Follower> followers_;
  std::function<void()> cancel_;
};

}  // namespace ccproxy::proxy
