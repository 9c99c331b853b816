// The stored responses of the Responses API: each with its input, its output and the events that
// were streamed. Every function is a few statements in the transaction of its caller. JSON is text
// here: this file refuses to know what it holds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "base/function_ref.hpp"
#include "base/text_list.hpp"
#include "store/database.hpp"
#include "store/trusted_time.hpp"

namespace ccproxy::store {

// The values stand in the database, so they never change.
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
  std::string blocks{};  // the Anthropic content blocks it was made from, as they stand in an
                         // array: `{...},{...}`; empty for input
  bool operator==(const StoredItem&) const = default;
};

// The input of a response, in order: items as the client sees them, and the id of each. There may
// be hundreds of thousands.
struct StoredInput {
  TextList ids, items;
};

struct StoredResponse {
  std::string id;          // unique in all scopes
  std::string scope;       // of its owner: nobody else finds it
  std::string previous{};  // id of the response that it continues, or empty
  std::string object{};    // the response as the client sees it
  std::string family{};    // of the model that wrote it
  std::string account{};   // the credential that it was requested with
  Status status = Status::kInProgress;
  bool is_background = false;
  bool was_interrupted = false;     // the process that ran it died first
  std::int64_t created = 0;         // seconds since 1970
  std::int64_t last_sequence = -1;  // of its stored events, -1 without any; ignored when written
  bool operator==(const StoredResponse&) const = default;
};

struct StoredTurn {
  StoredResponse response;  // its object is left empty
  std::vector<StoredItem> input, output;
};

struct FoundItem {
  StoredItem item;
  bool is_output;
  std::string family, account;  // of the response it belongs to
};

// A part of a list: at most `limit` items behind `after` and in front of `before`, in the order of
// the list. Both are ids of items; empty means no bound. With `before` alone, the items next to it.
struct ItemPage {
  std::string after{}, before{};
  std::size_t limit = 20;
  bool ascending = false;  // in the order they were sent; else the last comes first
};

struct ItemList {
  std::vector<StoredItem> items;
  bool has_more;  // beyond the last item, or beyond the first for a page next to `before`
};

// What is missing where a page of the input was to be read.
enum class MissingFromPage {
  kResponse,  // there is no such response in this scope
  kAfter,     // its input has no item with the id `after`
  kBefore,    // its input has no item with the id `before`
};

using InputPage = std::variant<ItemList, MissingFromPage>;

// Events `first` to `last` of the event log, as they were sent.
struct EventChunk {
  std::int64_t first, last;
  std::string bytes;
  bool operator==(const EventChunk&) const = default;
};

struct SweepResult {
  std::size_t erased;  // number of responses
  bool has_more;       // another call may erase more
};

struct CancellationRequests {
  std::vector<std::string> requested, erased;
};

// Called with a number of bytes before so many are read. Its error ends the reading.
using ReserveBytes = FunctionRef<Result<void>(std::size_t)>;
inline constexpr auto kUnlimited = [](std::size_t) -> Result<void> { return {}; };

// Every function fails with kIo when the database does. `database` must outlive it.
class Responses {
 public:
  // `owner` is the name of the archive that writes, see Owners.
  Responses(Database& database, std::string owner)
      : database_(&database), owner_(std::move(owner)) {}

  // --- Running responses. They fail with kNotFound for an id that is not there or does not run any
  // --- more: it may have been erased or cancelled meanwhile, and a final response never changes.

  [[nodiscard]] Result<void> begin(const StoredResponse& response, const StoredInput& input);
  [[nodiscard]] Result<void> update(std::string_view id, Status status, std::string_view object);
  [[nodiscard]] Result<void> finish(std::string_view id, Status status, std::string_view object,
                                    std::span<const StoredItem> output);

  // Also appends the last events of a final response. Fails with kNotFound without such an id.
  [[nodiscard]] Result<void> append_events(std::string_view id, std::int64_t first_sequence,
                                           std::int64_t last_sequence, std::string_view bytes);

  // --- Reading.

  // Calls `reserve` for the size of the object.
  [[nodiscard]] Result<std::optional<StoredResponse>> find(std::string_view scope,
                                                           std::string_view id,
                                                           ReserveBytes reserve = kUnlimited) const;

  // The same without the object, however large that is.
  [[nodiscard]] Result<std::optional<StoredResponse>> state_of(std::string_view scope,
                                                               std::string_view id) const;

  // Returns the response and all that it continues, the oldest first. Fails with kNotFound when one
  // of them is not there or did not end as completed or incomplete; the message names it.
  // Fails with kTooLarge beyond `max_turns`, or `max_bytes` of items, and as `reserve` does.
  [[nodiscard]] Result<std::vector<StoredTurn>> turns(std::string_view scope, std::string_view id,
                                                      std::size_t max_turns, std::size_t max_bytes,
                                                      ReserveBytes reserve = kUnlimited) const;

  // Finds an item by its id. Clients may send the same id in several inputs: outputs come before
  // inputs, then the newest. Fails as `reserve` does.
  [[nodiscard]] Result<std::optional<FoundItem>> item(std::string_view scope,
                                                      std::string_view item_id,
                                                      ReserveBytes reserve = kUnlimited) const;

  // Lists a page of the input of this response, without that of the responses it continues. Where
  // the response or a bound of the page is not there, it says which. Fails as `reserve` does.
  [[nodiscard]] Result<InputPage> input_items(std::string_view scope, std::string_view id,
                                              const ItemPage& page,
                                              ReserveBytes reserve = kUnlimited) const;

  // Returns the chunks with events after `sequence`, in order; the first may begin before it. Stops
  // after the chunk that reaches `max_bytes`. Returns none for an id that is not there.
  [[nodiscard]] Result<std::vector<EventChunk>> events_after(
      std::string_view scope, std::string_view id, std::int64_t sequence, std::size_t max_bytes,
      ReserveBytes reserve = kUnlimited) const;

  // --- Withdrawn responses. Between hide() and show() nothing finds the response and nothing can
  // be
  // --- written for it, though rows of it may still stand in the tables.

  void hide(std::string id) { hidden_.insert(std::move(id)); }
  void show(const std::string& id) { hidden_.erase(id); }
  // Whether rows of it are left; and erasing these.
  [[nodiscard]] Result<bool> has_hidden(std::string_view id) const;
  [[nodiscard]] Result<void> erase_hidden(std::string_view id);

  // --- Erasing.

  // Returns false when there is no such response. A running one is erased, too.
  [[nodiscard]] Result<bool> erase(std::string_view scope, std::string_view id);

  // Erases everything in all scopes, running or not; returns how many responses there were.
  [[nodiscard]] Result<std::size_t> erase_all();

  // Returns the time for a sweep, by the clocks' readings now and at all earlier calls. The reading
  // is written in the transaction of the sweep, so that neither a restart within the hour nor a
  // second process begins that hour anew or shortens it.
  [[nodiscard]] Result<std::int64_t> trusted_time(const ClockReading& now);

  // Erases what is older than `max_days`, then the oldest until the rest takes at most `max_bytes`,
  // and gives free pages back to the system. It never erases a running response. One call holds the
  // write lock only for a moment: call it again while it has more.
  [[nodiscard]] Result<SweepResult> sweep(std::int64_t now_seconds, std::int64_t max_days,
                                          std::uint64_t max_bytes);

  // Erases the oldest responses that do not run until the file takes at most `most` bytes with
  // `bytes` more. Returns false when nothing is left to erase and it takes over a tenth more than
  // that.
  [[nodiscard]] Result<bool> make_room(std::uint64_t bytes, std::uint64_t most);

  // --- Owners.

  // Marks a running response of another owner as to be cancelled by that owner. Returns false when
  // it does not run, is not there, or is this owner's own.
  [[nodiscard]] Result<bool> request_cancellation(std::string_view scope, std::string_view id);

  // Returns those of `ids` that another owner has marked as to be cancelled, and those that are not
  // there any more.
  [[nodiscard]] Result<CancellationRequests> cancellation_requests(
      std::span<const std::string> ids) const;

  // Returns the owners of running responses.
  [[nodiscard]] Result<std::vector<std::string>> owners() const;

  // Marks the running responses of dead owners as failed and interrupted; returns how many.
  [[nodiscard]] Result<std::size_t> mark_interrupted(
      FunctionRef<bool(const std::string& owner)> is_dead);
  // Marks one running response as failed and interrupted, whose exchange has broken down.
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
