// What is kept of Responses: each with what the client sent, what was answered, and the events it
// was told in. Every function is a few statements in the transaction of whoever calls it. JSON is
// text here: this room refuses to know what stands in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/function_ref.hpp"
#include "base/text_list.hpp"
#include "store/database.hpp"
#include "store/trusted_time.hpp"

namespace ccproxy::store {

// The values stand in the database: they never change.
enum class Status {
  kQueued = 0,
  kInProgress = 1,
  kCompleted = 2,
  kIncomplete = 3,
  kFailed = 4,
  kCancelled = 5,
};

[[nodiscard]] constexpr bool is_running(Status status) {
  return status == Status::kQueued || status == Status::kInProgress;
}

struct StoredItem {
  std::string id;
  std::string json;      // the item as the client sees it
  std::string blocks{};  // the Anthropic content blocks it was made of, as they stand in an array:
                         // `{...},{...}`; empty for input
  bool operator==(const StoredItem&) const = default;
};

// What a response was made from, in order: items as the client sees them, and the id of each. There
// may be hundreds of thousands.
struct StoredInput {
  TextList ids, items;
};

struct StoredResponse {
  std::string id;          // unlike any other, in all scopes
  std::string scope;       // whose it is: nobody else finds it
  std::string previous{};  // id of the response that it continues; empty: none
  std::string object{};    // the response as the client sees it
  std::string family{};    // of the model that answered
  std::string account{};   // the credential it was answered with
  Status status = Status::kInProgress;
  bool is_background = false;
  bool was_interrupted = false;     // the process that ran it ended before it did
  std::int64_t created = 0;         // seconds since 1970
  std::int64_t last_sequence = -1;  // of its event log; -1: none yet. Read only
  bool operator==(const StoredResponse&) const = default;
};

struct StoredTurn {
  StoredResponse response;  // without its object
  std::vector<StoredItem> input, output;
};

struct FoundItem {
  StoredItem item;
  bool is_output;
  std::string family, account;  // of its response
};

// Which part of a list: at most `limit` items behind `after` and in front of `before` (ids of
// items; empty: no bound), in the order that was asked for. With `before` alone, those next to it.
struct ItemPage {
  std::string after{}, before{};
  std::size_t limit = 20;
  bool ascending = false;  // as they were sent; else the last comes first
};

struct ItemList {
  std::vector<StoredItem> items;
  bool has_more;  // beyond the last one, or beyond the first for a page next to `before`
};

// A piece of the event log: events `first` to `last`, as they were sent.
struct EventChunk {
  std::int64_t first, last;
  std::string bytes;
  bool operator==(const EventChunk&) const = default;
};

struct Swept {
  std::size_t erased;  // responses
  bool has_more;       // the next call may have something to do
};

struct ToEnd {
  std::vector<std::string> asked, erased;
};

// Is asked for room for so many bytes before they are read. An error of its ends the reading.
using Room = FunctionRef<Result<void>(std::size_t)>;
inline constexpr auto kAnyRoom = [](std::size_t) -> Result<void> { return {}; };

// Everything fails with kIo when the database does. `database` outlives it.
class Responses {
 public:
  // `owner` is the name of the archive that writes (see Owners).
  Responses(Database& database, std::string owner)
      : database_(&database), owner_(std::move(owner)) {}

  // --- What runs. An id that is not there, or not running any more, is kNotFound: it may have been
  // --- erased or cancelled in the meantime, and what is final stays as it is.

  [[nodiscard]] Result<void> begin(const StoredResponse& response, const StoredInput& input);
  [[nodiscard]] Result<void> update(std::string_view id, Status status, std::string_view object);
  [[nodiscard]] Result<void> finish(std::string_view id, Status status, std::string_view object,
                                    std::span<const StoredItem> output);

  // Also takes the last events of one that is final. kNotFound when there is none of that id.
  [[nodiscard]] Result<void> append_events(std::string_view id, std::int64_t first_sequence,
                                           std::int64_t last_sequence, std::string_view bytes);

  // --- What was kept.

  // `room` is asked for its object.
  [[nodiscard]] Result<std::optional<StoredResponse>> find(std::string_view scope,
                                                           std::string_view id,
                                                           Room room = kAnyRoom) const;

  // The same without its object, however large that is.
  [[nodiscard]] Result<std::optional<StoredResponse>> state_of(std::string_view scope,
                                                               std::string_view id) const;

  // The response and all that it continues, the oldest first. Fails with kNotFound when one of them
  // is not there or did not end as completed or incomplete: the message is its id and nothing else.
  // Fails with kTooLarge beyond `most_turns`, or `most_bytes` of items, and as `room` does.
  [[nodiscard]] Result<std::vector<StoredTurn>> turns(std::string_view scope, std::string_view id,
                                                      std::size_t most_turns,
                                                      std::size_t most_bytes,
                                                      Room room = kAnyRoom) const;

  // Clients may send the same id in several inputs: outputs come before inputs, then the newest.
  // Fails as `room` does.
  [[nodiscard]] Result<std::optional<FoundItem>> item(std::string_view scope,
                                                      std::string_view item_id,
                                                      Room room = kAnyRoom) const;

  // Of the input of this response alone. kNotFound, with the id as the message, for a response or a
  // bound that is not there.
  [[nodiscard]] Result<ItemList> input_items(std::string_view scope, std::string_view id,
                                             const ItemPage& page, Room room = kAnyRoom) const;

  // The pieces with events after `sequence`, in order; the first may begin before it. Stops after
  // the piece that reaches `most_bytes`. None for an id that is not there.
  [[nodiscard]] Result<std::vector<EventChunk>> events_after(std::string_view scope,
                                                             std::string_view id,
                                                             std::int64_t sequence,
                                                             std::size_t most_bytes,
                                                             Room room = kAnyRoom) const;

  // --- What never was. From the first of these calls on to the last, no question finds it and
  // --- nothing can be written for it, though something of it may stand in the tables.

  void hide(std::string id) { hidden_.insert(std::move(id)); }
  void show(const std::string& id) { hidden_.erase(id); }
  // Whether something of it stands there; and: takes it out.
  [[nodiscard]] Result<bool> has_hidden(std::string_view id) const;
  [[nodiscard]] Result<void> erase_hidden(std::string_view id);

  // --- What goes.

  // False when there was none. A running one goes, too.
  [[nodiscard]] Result<bool> erase(std::string_view scope, std::string_view id);

  // Everything in all scopes, running or not; how many responses there were.
  [[nodiscard]] Result<std::size_t> erase_all();

  // What time it is for a sweep, by the clocks of now and of all such questions before. Writes: the
  // last look stands in the database, in the transaction of the sweep, so that neither a restart
  // within the hour nor a second process begins it anew or makes it shorter.
  [[nodiscard]] Result<std::int64_t> trusted_time(const ClockReading& now);

  // Erases what is older than `max_days`, then the oldest until what is left takes at most
  // `max_bytes`, and gives room back to the system. Never a running one. Does so much as keeps the
  // writer for a moment only: call it again while it has more.
  [[nodiscard]] Result<Swept> sweep(std::int64_t now_seconds, std::int64_t max_days,
                                    std::uint64_t max_bytes);

  // Erases the oldest that do not run until the file takes at most `most` bytes when so many are
  // written to it. False when nothing is left to erase and it will take a tenth more than that.
  [[nodiscard]] Result<bool> make_room(std::uint64_t bytes, std::uint64_t most);

  // --- Who runs what.

  // What runs and belongs to somebody else is marked: its owner is to end it. False when it does
  // not run, is not there, or is this owner's own.
  [[nodiscard]] Result<bool> ask_to_end(std::string_view scope, std::string_view id);

  // Those of `ids` that somebody has asked this owner to end, and those that are not there any
  // more.
  [[nodiscard]] Result<ToEnd> to_end(std::span<const std::string> ids) const;

  // The owners of what runs.
  [[nodiscard]] Result<std::vector<std::string>> owners() const;

  // What an owner that is gone left running has failed. How many there were.
  [[nodiscard]] Result<std::size_t> mark_interrupted(
      FunctionRef<bool(const std::string& owner)> is_gone);
  // The same for one response, whose runner has broken down.
  [[nodiscard]] Result<void> interrupt(std::string_view id);

 private:
  [[nodiscard]] bool is_hidden(std::string_view id) const {
    return !hidden_.empty() && hidden_.count(std::string(id)) > 0;
  }

  Database* database_;
  std::string owner_;
  std::unordered_set<std::string> hidden_{};
};

}  // namespace ccproxy::store
