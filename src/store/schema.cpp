#include "store/schema.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdint>

namespace ccproxy::store {
namespace {

constexpr const char* kTables = R"(
CREATE TABLE responses (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  scope TEXT NOT NULL,
  owner TEXT NOT NULL,               -- the archive that began it
  previous TEXT NOT NULL,            -- id of the response that it continues, or empty
  family TEXT NOT NULL,
  account TEXT NOT NULL,
  status INTEGER NOT NULL,           -- the values of Status
  is_background INTEGER NOT NULL,
  was_interrupted INTEGER NOT NULL,
  created INTEGER NOT NULL,          -- seconds since 1970
  object TEXT NOT NULL
);
CREATE INDEX responses_by_age ON responses (created, number);
CREATE INDEX responses_running ON responses (owner) WHERE status IN (0, 1);

CREATE TABLE items (
  number INTEGER PRIMARY KEY,
  response INTEGER NOT NULL REFERENCES responses (number) ON DELETE CASCADE,
  is_output INTEGER NOT NULL,
  position INTEGER NOT NULL,
  id TEXT NOT NULL,
  json TEXT NOT NULL,
  blocks TEXT NOT NULL,
  UNIQUE (response, is_output, position)
);
CREATE INDEX items_by_id ON items (id);

CREATE TABLE events (
  number INTEGER PRIMARY KEY,
  response INTEGER NOT NULL REFERENCES responses (number) ON DELETE CASCADE,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  bytes TEXT NOT NULL,
  UNIQUE (response, last)
);
)";

// With outputs first and then the newest, looking up an item sorts nothing.
constexpr const char* kItemIndex = R"(
DROP INDEX items_by_id;
CREATE INDEX items_by_id ON items (id, is_output);
)";

// Set by an archive that does not run the response and wants its owner to end it.
constexpr const char* kCancellation = R"(
ALTER TABLE responses ADD COLUMN is_to_end INTEGER NOT NULL DEFAULT 0;
)";

// Erasing by age remembers the clocks' last readings (TrustedTime) in at most one row.
constexpr const char* kTrustedTime = R"(
CREATE TABLE trusted_time (
  number INTEGER PRIMARY KEY CHECK (number = 1),
  wall INTEGER NOT NULL,             -- of the last look, seconds since 1970
  boot TEXT NOT NULL,                -- which start of the machine that was in
  uptime INTEGER NOT NULL,           -- and how many seconds behind it
  seconds INTEGER NOT NULL,
  kept INTEGER NOT NULL
);
)";

// Row numbers grow with time, so the greatest is the newest. Items and events are erased with their
// response. A step that was once released is never changed: what is new is another step.
constexpr std::array kSteps = {kTables, kItemIndex, kCancellation, kTrustedTime};

Result<void> check_version(Database& database, std::int64_t version) {
  if (version > static_cast<std::int64_t>(kSteps.size()))
    return fail(
        ErrorKind::kConfiguration,
        fmt::format("the store was made by a newer ccproxy (version {}, this one knows {}): "
                    "use that one, or move the file away",
                    version, kSteps.size()));
  if (version > 0) return {};  // 0: a new file, or one of a program that sets no version
  const auto tables = database.number("SELECT count(*) FROM sqlite_master");
  if (!tables) return fail(tables.error());
  if (*tables > 0 || version < 0)
    return fail(ErrorKind::kConfiguration, "the file of the store is another program's database");
  return {};
}

}  // namespace

Result<void> migrate(Database& database, std::chrono::milliseconds wait) {
  auto transaction = Transaction::begin(database, Transaction::Kind::kWrite, wait);
  if (!transaction) return fail(transaction.error());
  const auto version = database.number("PRAGMA user_version");
  if (!version) return fail(version.error());
  if (auto known = check_version(database, *version); !known) return known;
  if (*version == static_cast<std::int64_t>(kSteps.size())) return {};
  for (auto step = static_cast<std::size_t>(*version); step < kSteps.size(); ++step)
    if (auto done = database.run_script(kSteps[step]); !done) return done;
  const std::string mark = fmt::format("PRAGMA user_version = {}", kSteps.size());
  if (auto done = database.run_script(mark); !done) return done;
  return transaction->commit();
}

}  // namespace ccproxy::store
