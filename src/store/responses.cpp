#include "store/responses.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <tuple>

namespace ccproxy::store {
namespace {

constexpr std::int64_t kDay = 86'400;
constexpr std::int64_t kNoEnd = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t kMaxErased = 200;
constexpr std::uint64_t kMaxFreedBytes = std::uint64_t{32} << 20;

std::int64_t number_of(Status status) { return static_cast<std::int64_t>(status); }

// A std::string as a bound value.
std::string_view text(const std::string& value) { return value; }

tl::unexpected<Error> no_response(std::string_view id) {
  return fail(ErrorKind::kNotFound,
              fmt::format("there is no response {} to write or continue", id));
}

// Inserts the items of a response, one after another.
class ItemInsertion {
 public:
  ItemInsertion(Database& database, std::int64_t response, bool is_output)
      : database_(database), response_(response), is_output_(is_output) {}

  Result<void> add(std::string_view id, std::string_view json, std::string_view blocks) {
    return database_.run(
        "INSERT INTO items (response, is_output, position, id, json, blocks)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        {response_, std::int64_t{is_output_}, position_++, id, json, blocks});
  }

 private:
  Database& database_;
  std::int64_t response_;
  bool is_output_;
  std::int64_t position_ = 0;
};

Result<std::vector<StoredItem>> read_items(Statement rows, ReserveBytes reserve) {
  std::vector<StoredItem> items;
  while (true) {
    const auto row = rows.step();
    if (!row) return fail(row.error());
    if (!*row) return items;
    if (auto fits = reserve(rows.size(1) + rows.size(2)); !fits) return fail(fits.error());
    items.push_back({rows.text(0), rows.text(1), rows.text(2)});
  }
}

Result<std::vector<StoredItem>> find_items(Database& database, std::string_view id, bool is_output,
                                           ReserveBytes reserve) {
  return read_items(database.statement("SELECT i.id, i.json, i.blocks"
                                       " FROM items i JOIN responses r ON r.number = i.response"
                                       " WHERE r.id = ? AND i.is_output = ? ORDER BY i.position",
                                       {id, std::int64_t{is_output}}),
                    reserve);
}

enum class Object { kRead, kLeave };

Result<std::optional<StoredResponse>> find_response(Database& database, std::string_view scope,
                                                    std::string_view id, Object object,
                                                    ReserveBytes reserve = kUnlimited) {
  Statement rows = database.statement(
      "SELECT id, scope, previous, family, account, status, is_background, was_interrupted, "
      "created,"
      " ifnull((SELECT max(last) FROM events WHERE response = r.number), -1),"
      " CASE WHEN ? THEN object ELSE '' END"
      " FROM responses r WHERE id = ? AND scope = ?",
      {std::int64_t{object == Object::kRead}, id, scope});
  const auto row = rows.step();
  if (!row) return fail(row.error());
  if (!*row) return std::nullopt;
  if (auto fits = reserve(rows.size(10)); !fits) return fail(fits.error());
  StoredResponse found;
  found.id = rows.text(0);
  found.scope = rows.text(1);
  found.previous = rows.text(2);
  found.family = rows.text(3);
  found.account = rows.text(4);
  found.status = static_cast<Status>(rows.integer(5));
  found.is_background = rows.flag(6);
  found.was_interrupted = rows.flag(7);
  found.created = rows.integer(8);
  found.last_sequence = rows.integer(9);
  found.object = rows.text(10);
  return found;
}

// Whether a conversation can continue from it.
bool can_be_continued(const StoredResponse& response) {
  return !response.was_interrupted &&
         (response.status == Status::kCompleted || response.status == Status::kIncomplete);
}

Result<StoredTurn> find_turn(Database& database, std::string_view scope, std::string_view id,
                             ReserveBytes reserve) {
  auto response = find_response(database, scope, id, Object::kLeave);
  if (!response) return fail(response.error());
  if (!*response || !can_be_continued(**response)) return no_response(id);
  auto input = find_items(database, id, false, reserve);
  if (!input) return fail(input.error());
  auto output = find_items(database, id, true, reserve);
  if (!output) return fail(output.error());
  return StoredTurn{std::move(**response), std::move(*input), std::move(*output)};
}

// Returns the position of a page's bound in the input, `none` when the page has no such bound, and
// nothing when the input has no such item.
Result<std::optional<std::int64_t>> position_of(Database& database, std::int64_t response,
                                                const std::string& item, std::int64_t none) {
  if (item.empty()) return none;
  Statement rows = database.statement(
      "SELECT position FROM items WHERE response = ? AND is_output = 0 AND id = ?"
      " ORDER BY position LIMIT 1",
      {response, text(item)});
  const auto row = rows.step();
  if (!row) return fail(row.error());
  if (!*row) return std::nullopt;
  return rows.integer(0);
}

Result<std::uint64_t> pages(Database& database, std::string_view pragma) {
  const auto count = database.number(pragma);
  if (!count) return fail(count.error());
  return static_cast<std::uint64_t>(*count);
}

// Returns the size of the file without its free pages.
Result<std::uint64_t> used_bytes(Database& database) {
  auto all = pages(database, "PRAGMA page_count");
  if (!all) return all;
  auto unused = pages(database, "PRAGMA freelist_count");
  if (!unused) return unused;
  auto size = pages(database, "PRAGMA page_size");
  if (!size) return size;
  return (*all - *unused) * *size;
}

// Erases the oldest final response that was created before `before`; returns false without one.
Result<bool> erase_oldest(Database& database, std::int64_t before) {
  auto done = database.run(
      "DELETE FROM responses WHERE number = (SELECT number FROM responses"
      " WHERE created < ? AND status NOT IN (0, 1) ORDER BY created, number LIMIT 1)",
      {before});
  if (!done) return fail(done.error());
  return database.changed() > 0;
}

// Gives free pages back to the system, so many at once. Returns true when some are left to be given
// back.
Result<bool> shrink(Database& database) {
  const auto before = pages(database, "PRAGMA freelist_count");
  if (!before) return fail(before.error());
  if (auto done = database.run("PRAGMA incremental_vacuum(8192)"); !done) return fail(done.error());
  const auto after = pages(database, "PRAGMA freelist_count");
  if (!after) return fail(after.error());
  return *after > 0 && *after < *before;
}

}  // namespace

// --- Running responses ---------------------------------------------------------------------------

Result<void> Responses::begin(const StoredResponse& response, const StoredInput& input) {
  if (is_hidden(response.id)) return no_response(response.id);
  auto done = database_->run(
      "INSERT INTO responses (id, scope, owner, previous, family, account, status, is_background,"
      " was_interrupted, created, object) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      {text(response.id), text(response.scope), text(owner_), text(response.previous),
       text(response.family), text(response.account), number_of(response.status),
       std::int64_t{response.is_background}, std::int64_t{response.was_interrupted},
       response.created, text(response.object)});
  if (!done) return done;
  ItemInsertion insertion(*database_, database_->last_inserted(), false);
  for (std::size_t i = 0; i < input.items.count(); ++i)
    if (done = insertion.add(input.ids[i], input.items[i], ""); !done) return done;
  return {};
}

Result<void> Responses::update(std::string_view id, Status status, std::string_view object) {
  if (is_hidden(id)) return no_response(id);
  auto done = database_->run(
      "UPDATE responses SET status = ?, object = ? WHERE id = ? AND status IN (0, 1)",
      {number_of(status), object, id});
  if (!done) return done;
  if (database_->changed() == 0) return no_response(id);
  return {};
}

Result<void> Responses::finish(std::string_view id, Status status, std::string_view object,
                               std::span<const StoredItem> output) {
  if (auto done = update(id, status, object); !done) return done;
  const auto number = database_->number("SELECT number FROM responses WHERE id = ?", {id});
  if (!number) return fail(number.error());
  ItemInsertion insertion(*database_, *number, true);
  for (const StoredItem& item : output)
    if (auto done = insertion.add(item.id, item.json, item.blocks); !done) return done;
  return {};
}

Result<void> Responses::append_events(std::string_view id, std::int64_t first_sequence,
                                      std::int64_t last_sequence, std::string_view bytes) {
  if (is_hidden(id)) return no_response(id);
  auto done = database_->run(
      "INSERT INTO events (response, first, last, bytes)"
      " SELECT number, ?, ?, ? FROM responses WHERE id = ?",
      {first_sequence, last_sequence, bytes, id});
  if (!done) return done;
  if (database_->changed() == 0) return no_response(id);
  return {};
}

// --- Reading -------------------------------------------------------------------------------------

Result<std::optional<StoredResponse>> Responses::find(std::string_view scope, std::string_view id,
                                                      ReserveBytes reserve) const {
  if (is_hidden(id)) return std::nullopt;
  return find_response(*database_, scope, id, Object::kRead, reserve);
}

Result<std::optional<StoredResponse>> Responses::state_of(std::string_view scope,
                                                          std::string_view id) const {
  if (is_hidden(id)) return std::nullopt;
  return find_response(*database_, scope, id, Object::kLeave);
}

Result<std::vector<StoredTurn>> Responses::turns(std::string_view scope, std::string_view id,
                                                 std::size_t max_turns, std::size_t max_bytes,
                                                 ReserveBytes reserve) const {
  std::vector<StoredTurn> chain;
  std::size_t bytes = 0;
  const auto reserve_within = [&](std::size_t size) -> Result<void> {
    bytes += size;
    if (bytes > max_bytes)
      return fail(ErrorKind::kTooLarge,
                  fmt::format("the conversation is larger than {} bytes", max_bytes));
    return reserve(size);
  };
  for (std::string next(id); !next.empty(); next = chain.back().response.previous) {
    if (chain.size() == max_turns)
      return fail(ErrorKind::kTooLarge,
                  fmt::format("the conversation has more than {} responses", max_turns));
    if (is_hidden(next)) return no_response(next);
    auto turn = find_turn(*database_, scope, next, reserve_within);
    if (!turn) return fail(turn.error());
    chain.push_back(std::move(*turn));
  }
  std::reverse(chain.begin(), chain.end());
  return chain;
}

Result<std::optional<FoundItem>> Responses::item(std::string_view scope, std::string_view item_id,
                                                 ReserveBytes reserve) const {
  Statement rows = database_->statement(
      "SELECT i.id, i.json, i.blocks, i.is_output, r.family, r.account, r.id"
      " FROM items i JOIN responses r ON r.number = i.response"
      " WHERE i.id = ? AND r.scope = ? ORDER BY i.is_output DESC, i.number DESC LIMIT ?",
      {item_id, scope, std::int64_t{hidden_.empty() ? 1 : -1}});
  do {
    const auto row = rows.step();
    if (!row) return fail(row.error());
    if (!*row) return std::nullopt;
  } while (is_hidden(rows.text(6)));
  if (auto fits = reserve(rows.size(1) + rows.size(2)); !fits) return fail(fits.error());
  return FoundItem{
      {rows.text(0), rows.text(1), rows.text(2)}, rows.flag(3), rows.text(4), rows.text(5)};
}

Result<InputPage> Responses::input_items(std::string_view scope, std::string_view id,
                                         const ItemPage& page, ReserveBytes reserve) const {
  if (is_hidden(id)) return MissingFromPage::kResponse;
  const auto response =
      database_->number("SELECT number FROM responses WHERE id = ? AND scope = ?", {id, scope});
  if (!response) return fail(response.error());
  if (*response == 0) return MissingFromPage::kResponse;
  const auto missing = [&page](const std::string& bound) {
    return bound == page.after ? MissingFromPage::kAfter : MissingFromPage::kBefore;
  };
  const auto& [below, above] =
      page.ascending ? std::tie(page.after, page.before) : std::tie(page.before, page.after);
  const auto low = position_of(*database_, *response, below, -1);
  if (!low) return fail(low.error());
  if (!*low) return missing(below);
  const auto high = position_of(*database_, *response, above, kNoEnd);
  if (!high) return fail(high.error());
  if (!*high) return missing(above);
  // The items next to `before` are the first when the list is read from there.
  const bool is_backwards = page.after.empty() && !page.before.empty();
  const std::string_view order = page.ascending != is_backwards ? "ASC" : "DESC";
  auto items = read_items(
      database_->statement(
          fmt::format("SELECT id, json, blocks FROM items WHERE response = ? AND is_output = 0"
                      " AND position > ? AND position < ? ORDER BY position {} LIMIT ?",
                      order),
          {*response, **low, **high, static_cast<std::int64_t>(page.limit + 1)}),
      reserve);
  if (!items) return fail(items.error());
  const bool has_more = items->size() > page.limit;
  if (has_more) items->pop_back();
  if (is_backwards) std::reverse(items->begin(), items->end());
  return ItemList{std::move(*items), has_more};
}

Result<std::vector<EventChunk>> Responses::events_after(std::string_view scope, std::string_view id,
                                                        std::int64_t sequence,
                                                        std::size_t max_bytes,
                                                        ReserveBytes reserve) const {
  if (is_hidden(id)) return std::vector<EventChunk>();
  Statement rows = database_->statement(
      "SELECT e.first, e.last, e.bytes FROM events e JOIN responses r ON r.number = e.response"
      " WHERE r.id = ? AND r.scope = ? AND e.last > ? ORDER BY e.last",
      {id, scope, sequence});
  std::vector<EventChunk> chunks;
  for (std::size_t bytes = 0; chunks.empty() || bytes < max_bytes;) {
    const auto row = rows.step();
    if (!row) return fail(row.error());
    if (!*row) break;
    if (auto fits = reserve(rows.size(2)); !fits) {
      if (!chunks.empty()) break;  // the rest can be read by another call
      return fail(fits.error());
    }
    chunks.push_back({rows.integer(0), rows.integer(1), rows.text(2)});
    bytes += chunks.back().bytes.size();
  }
  return chunks;
}

// --- Withdrawn responses -------------------------------------------------------------------------

Result<bool> Responses::has_hidden(std::string_view id) const {
  const auto count = database_->number("SELECT count(*) FROM responses WHERE id = ?", {id});
  if (!count) return fail(count.error());
  return *count > 0;
}

Result<void> Responses::erase_hidden(std::string_view id) {
  return database_->run("DELETE FROM responses WHERE id = ?", {id});
}

// --- Erasing -------------------------------------------------------------------------------------

Result<bool> Responses::erase(std::string_view scope, std::string_view id) {
  if (is_hidden(id)) return false;
  auto done = database_->run("DELETE FROM responses WHERE id = ? AND scope = ?", {id, scope});
  if (!done) return fail(done.error());
  return database_->changed() > 0;
}

// The tables that refer to others come first: they are emptied at once instead of row by row.
Result<std::size_t> Responses::erase_all() {
  for (const char* sql : {"DELETE FROM events", "DELETE FROM items", "DELETE FROM responses"})
    if (auto done = database_->run(sql); !done) return fail(done.error());
  const auto erased = static_cast<std::size_t>(database_->changed());
  if (auto done = database_->run("PRAGMA incremental_vacuum"); !done) return fail(done.error());
  return erased;
}

Result<std::int64_t> Responses::trusted_time(const ClockReading& now) {
  std::optional<TrustedTime> before;
  {
    Statement rows =
        database_->statement("SELECT wall, boot, uptime, seconds, kept FROM trusted_time");
    const auto row = rows.step();
    if (!row) return fail(row.error());
    if (*row)
      before = {
          {rows.integer(0), {rows.text(1), rows.integer(2)}}, rows.integer(3), rows.integer(4)};
  }
  const TrustedTime next = update_trusted_time(before, now);
  auto noted = database_->run(
      "REPLACE INTO trusted_time (number, wall, boot, uptime, seconds, kept)"
      " VALUES (1, ?, ?, ?, ?, ?)",
      {now.wall, text(now.uptime.boot), now.uptime.seconds, next.seconds, next.steady_for});
  if (!noted) return fail(noted.error());
  return next.seconds;
}

Result<SweepResult> Responses::sweep(std::int64_t now_seconds, std::int64_t max_days,
                                     std::uint64_t max_bytes) {
  const auto at_first = used_bytes(*database_);
  if (!at_first) return fail(at_first.error());
  std::uint64_t used = *at_first;
  SweepResult swept{0, false};
  while (true) {
    const std::int64_t before = used > max_bytes ? kNoEnd : now_seconds - max_days * kDay;
    const auto erased = erase_oldest(*database_, before);
    if (!erased) return fail(erased.error());
    if (!*erased) break;
    ++swept.erased;
    const auto left = used_bytes(*database_);
    if (!left) return fail(left.error());
    used = *left;
    swept.has_more = swept.erased == kMaxErased || used + kMaxFreedBytes < *at_first;
    if (swept.has_more) break;
  }
  const auto can_shrink = shrink(*database_);
  if (!can_shrink) return fail(can_shrink.error());
  swept.has_more = swept.has_more || *can_shrink;
  return swept;
}

Result<bool> Responses::make_room(std::uint64_t bytes, std::uint64_t most) {
  constexpr std::uint64_t kPages = 16;  // for tables and indexes, beside the data
  const auto size = pages(*database_, "PRAGMA page_size");
  if (!size) return fail(size.error());
  const std::uint64_t needed = bytes + bytes / 16 + kPages * *size;
  auto used = used_bytes(*database_);
  while (used && *used + needed > most) {
    const auto erased = erase_oldest(*database_, kNoEnd);
    if (!erased) return fail(erased.error());
    if (!*erased) return *used + needed <= most + most / 10;
    used = used_bytes(*database_);
  }
  if (!used) return fail(used.error());
  const auto all = pages(*database_, "PRAGMA page_count");
  if (!all) return fail(all.error());
  if (*all * *size <= most) return true;
  // What is written takes the free pages; those beyond are given back to the system.
  const std::string sql =
      fmt::format("PRAGMA incremental_vacuum({})", (*all * *size - most) / *size + 1);
  if (auto done = database_->run_script(sql); !done) return fail(done.error());
  return true;
}

// --- Owners --------------------------------------------------------------------------------------

Result<bool> Responses::request_cancellation(std::string_view scope, std::string_view id) {
  if (is_hidden(id)) return false;
  auto done = database_->run(
      "UPDATE responses SET is_to_end = 1"
      " WHERE id = ? AND scope = ? AND owner <> ? AND status IN (0, 1)",
      {id, scope, text(owner_)});
  if (!done) return fail(done.error());
  return database_->changed() > 0;
}

Result<CancellationRequests> Responses::cancellation_requests(
    std::span<const std::string> ids) const {
  CancellationRequests found;
  for (const std::string& id : ids) {
    Statement rows =
        database_->statement("SELECT is_to_end FROM responses WHERE id = ?", {text(id)});
    const auto row = rows.step();
    if (!row) return fail(row.error());
    if (!*row)
      found.erased.push_back(id);
    else if (rows.flag(0))
      found.requested.push_back(id);
  }
  return found;
}

Result<std::vector<std::string>> Responses::owners() const {
  std::vector<std::string> owners;
  Statement rows =
      database_->statement("SELECT DISTINCT owner FROM responses WHERE status IN (0, 1)");
  while (true) {
    const auto row = rows.step();
    if (!row) return fail(row.error());
    if (!*row) return owners;
    owners.push_back(rows.text(0));
  }
}

Result<std::size_t> Responses::mark_interrupted(
    FunctionRef<bool(const std::string& owner)> is_dead) {
  const auto running = owners();
  if (!running) return fail(running.error());
  std::size_t marked = 0;
  for (const std::string& owner : *running) {
    if (!is_dead(owner)) continue;
    auto done = database_->run(
        "UPDATE responses SET status = ?, was_interrupted = 1"
        " WHERE owner = ? AND status IN (0, 1)",
        {number_of(Status::kFailed), text(owner)});
    if (!done) return fail(done.error());
    marked += static_cast<std::size_t>(database_->changed());
  }
  return marked;
}

Result<void> Responses::interrupt(std::string_view id) {
  return database_->run(
      "UPDATE responses SET status = ?, was_interrupted = 1 WHERE id = ? AND status IN (0, 1)",
      {number_of(Status::kFailed), id});
}

}  // namespace ccproxy::store
