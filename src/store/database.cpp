#include "store/database.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <thread>
#include <unordered_map>
#include <utility>

#include "base/file.hpp"

namespace ccproxy::store {

using std::chrono::steady_clock;

struct Connection {
  Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  Connection(Connection&&) = delete;
  Connection& operator=(Connection&&) = delete;
  ~Connection() {
    for (const auto& [sql, prepared] : idle_statements) ::sqlite3_finalize(prepared);
    ::sqlite3_close_v2(handle);
  }

  // The error of the last call that failed. Throws std::bad_alloc where SQLite had no memory, as
  // everything here does.
  [[nodiscard]] Error error() const {
    const int whole = ::sqlite3_extended_errcode(handle);
    if (whole == SQLITE_NOMEM || whole == SQLITE_IOERR_NOMEM) throw std::bad_alloc();
    const int code = ::sqlite3_errcode(handle) & 0xff;  // the primary code of an extended one
    const bool is_locked = code == SQLITE_BUSY || code == SQLITE_PROTOCOL;
    return {is_locked ? ErrorKind::kBusy : ErrorKind::kIo,
            fmt::format("the store: {}", ::sqlite3_errmsg(handle))};
  }

  sqlite3* handle = nullptr;
  std::chrono::milliseconds busy_timeout = kDefaultWait;  // for the locks that one step needs
  steady_clock::time_point busy_deadline{};               // the end of the wait of this step
  // Prepared statements that are not in use, by their SQL.
  std::unordered_map<std::string, sqlite3_stmt*> idle_statements{};
  // A rollback failed: the open transaction must not be committed.
  bool is_rollback_missing = false;
};

namespace {

// auto_vacuum counts only while the file is empty, and switching to WAL already writes to it.
constexpr const char* kSettings = R"(
  PRAGMA auto_vacuum = INCREMENTAL;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  PRAGMA journal_size_limit = 67108864;
  PRAGMA foreign_keys = ON;
)";

constexpr std::chrono::milliseconds kMaxNap{20};
constexpr std::chrono::microseconds kMaxVfsSleep{500};

// SQLite calls this when another connection holds a lock that a step needs; `times` is how often it
// was called for that step before. Returning 0 ends the step with SQLITE_BUSY.
int on_busy(void* connection, int times) {
  auto& waiting = *static_cast<Connection*>(connection);
  const auto now = steady_clock::now();
  if (times == 0) waiting.busy_deadline = now + waiting.busy_timeout;
  if (now >= waiting.busy_deadline) return 0;
  const auto nap = std::min(std::chrono::milliseconds(times + 1), kMaxNap);
  std::this_thread::sleep_until(std::min(now + nap, waiting.busy_deadline));
  return 1;
}

int sleep_briefly(sqlite3_vfs* /*vfs*/, int microseconds) {
  std::this_thread::sleep_for(std::min(std::chrono::microseconds(microseconds), kMaxVfsSleep));
  return microseconds;
}

// The system's file functions as SQLite has them, except for its sleeps. Where a lock that should
// be short-lived is in the way, SQLite tries a hundred times, sleeps for ten seconds in all without
// calling the busy handler, and gives up; how long to wait is for this file to decide.
const char* register_vfs() {
  static sqlite3_vfs files = [] {
    sqlite3_vfs vfs = *::sqlite3_vfs_find(nullptr);
    vfs.zName = "ccproxy";
    vfs.xSleep = sleep_briefly;
    return vfs;
  }();
  static const int registered = ::sqlite3_vfs_register(&files, 0);
  return registered == SQLITE_OK ? files.zName : nullptr;
}

// Sets the wait of all statements for as long as it lives.
class BusyTimeout {
 public:
  BusyTimeout(Database& database, std::chrono::milliseconds wait) : database_(database) {
    database_.set_busy_timeout(wait);
  }
  BusyTimeout(const BusyTimeout&) = delete;
  BusyTimeout& operator=(const BusyTimeout&) = delete;
  BusyTimeout(BusyTimeout&&) = delete;
  BusyTimeout& operator=(BusyTimeout&&) = delete;
  ~BusyTimeout() { database_.set_busy_timeout(kDefaultWait); }

 private:
  Database& database_;
};

tl::unexpected<Error> cannot_use(const std::string& path, const char* reason) {
  return fail(ErrorKind::kIo, fmt::format("cannot use {}: {}", path, reason));
}

// SQLite would create the file with the mode that the umask leaves; the files beside it take the
// mode of the database file. An existing file is not opened here, because closing it again would
// drop the locks that SQLite holds on it elsewhere in this process.
Result<void> make_private(const std::string& path) {
  if (auto created = make_private_folder_of(path); !created) return created;
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd >= 0) {
    ::close(fd);
  } else if (errno != EEXIST) {
    return cannot_use(path, std::strerror(errno));
  }
  struct stat facts {};
  if (::stat(path.c_str(), &facts) != 0) return cannot_use(path, std::strerror(errno));
  if ((facts.st_mode & 0077U) != 0 && ::chmod(path.c_str(), 0600) != 0)
    return cannot_use(path, std::strerror(errno));
  return {};
}

}  // namespace

// --- Statement -----------------------------------------------------------------------------------

Result<bool> Statement::step() {
  if (error_) return fail(*error_);
  const int code = ::sqlite3_step(prepared_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return fail(connection_->error());
}

Result<void> Statement::run() {
  while (true) {
    const auto row = step();
    if (!row) return fail(row.error());
    if (!*row) return {};
  }
}

std::int64_t Statement::integer(int column) const {
  return ::sqlite3_column_int64(prepared_, column);
}

std::string Statement::text(int column) const {
  const void* bytes = ::sqlite3_column_blob(prepared_, column);
  const int size = ::sqlite3_column_bytes(prepared_, column);
  return bytes == nullptr
             ? std::string()
             : std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(size));
}

std::size_t Statement::size(int column) const {
  return static_cast<std::size_t>(::sqlite3_column_bytes(prepared_, column));
}

Statement::Statement(Statement&& other) noexcept
    : connection_(other.connection_),
      sql_(std::move(other.sql_)),
      prepared_(std::exchange(other.prepared_, nullptr)),
      error_(std::move(other.error_)) {}

Statement::~Statement() {
  if (prepared_ == nullptr) return;
  ::sqlite3_reset(prepared_);
  ::sqlite3_clear_bindings(prepared_);
  try {
    if (connection_->idle_statements.try_emplace(std::move(sql_), prepared_).second) return;
  } catch (const std::bad_alloc&) {
    // It is prepared again when it is needed.
  }
  ::sqlite3_finalize(prepared_);
}

// --- Database ------------------------------------------------------------------------------------

Result<Database> Database::open(const std::string& path, std::chrono::milliseconds wait) {
  if (auto created = make_private(path); !created) return fail(created.error());
  auto connection = std::make_unique<Connection>();
  constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
  const int code = ::sqlite3_open_v2(path.c_str(), &connection->handle, kFlags, register_vfs());
  if (code == SQLITE_NOMEM) throw std::bad_alloc();
  if (code != SQLITE_OK) return cannot_use(path, ::sqlite3_errstr(code));
  ::sqlite3_extended_result_codes(connection->handle, 1);
  Database database(std::move(connection));
  ::sqlite3_busy_handler(database.connection_->handle, on_busy, database.connection_.get());
  const auto until = steady_clock::now() + wait;
  while (true) {
    const auto set = [&] {
      const BusyTimeout timeout(database, wait);
      return database.run_script(kSettings);
    }();
    if (set) return database;
    const bool is_locked = set.error().kind == ErrorKind::kBusy;
    if (is_locked && steady_clock::now() < until) continue;
    auto reason = cannot_use(path, ::sqlite3_errmsg(database.connection_->handle));
    if (is_locked) reason.value().kind = ErrorKind::kBusy;
    return reason;
  }
}

Statement Database::statement(std::string_view sql, std::initializer_list<Value> values) {
  Statement bound(*connection_, std::string(sql));
  if (auto idle = connection_->idle_statements.extract(bound.sql_)) {
    bound.prepared_ = idle.mapped();
  } else if (::sqlite3_prepare_v3(connection_->handle, sql.data(), static_cast<int>(sql.size()),
                                  SQLITE_PREPARE_PERSISTENT, &bound.prepared_,
                                  nullptr) != SQLITE_OK) {
    bound.error_ = connection_->error();
    return bound;
  }
  int place = 0;
  for (const Value& value : values) {
    ++place;
    const auto* text = std::get_if<std::string_view>(&value);
    // An empty view may have no address, which SQLite would bind as null.
    const char* bytes = text == nullptr || text->empty() ? "" : text->data();
    const int code =
        text != nullptr
            ? ::sqlite3_bind_text64(bound.prepared_, place, bytes, text->size(), SQLITE_STATIC,
                                    SQLITE_UTF8)
            : ::sqlite3_bind_int64(bound.prepared_, place, std::get<std::int64_t>(value));
    if (code != SQLITE_OK) bound.error_ = connection_->error();
  }
  return bound;
}

Result<void> Database::run(std::string_view sql, std::initializer_list<Value> values) {
  return statement(sql, values).run();
}

Result<std::int64_t> Database::number(std::string_view sql, std::initializer_list<Value> values) {
  Statement rows = statement(sql, values);
  const auto row = rows.step();
  if (!row) return fail(row.error());
  return *row ? rows.integer(0) : 0;
}

Result<void> Database::run_script(const std::string& sql) {
  if (::sqlite3_exec(connection_->handle, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
    return fail(connection_->error());
  return {};
}

std::int64_t Database::changed() const { return ::sqlite3_changes64(connection_->handle); }

std::int64_t Database::last_inserted() const {
  return ::sqlite3_last_insert_rowid(connection_->handle);
}

void Database::set_busy_timeout(std::chrono::milliseconds limit) {
  connection_->busy_timeout = limit;
}

// Nothing here allocates, since memory may be what is missing.
void Database::undo_all() noexcept {
  if (in_transaction()) ::sqlite3_exec(connection_->handle, "ROLLBACK", nullptr, nullptr, nullptr);
  connection_->is_rollback_missing = in_transaction();
}

// SQLite may have rolled back everything by itself.
void Database::undo_nested() noexcept {
  constexpr const char* kUndo = "ROLLBACK TO nested; RELEASE nested";
  if (in_transaction() &&
      ::sqlite3_exec(connection_->handle, kUndo, nullptr, nullptr, nullptr) != SQLITE_OK)
    connection_->is_rollback_missing = true;
}

bool Database::in_transaction() const { return ::sqlite3_get_autocommit(connection_->handle) == 0; }

Database::Database(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}
Database::Database(Database&&) noexcept = default;
Database& Database::operator=(Database&&) noexcept = default;
Database::~Database() = default;

// --- Transaction ---------------------------------------------------------------------------------

Result<Transaction> Transaction::begin(Database& database, Kind kind,
                                       std::chrono::milliseconds wait) {
  const auto until = steady_clock::now() + wait;
  while (true) {
    auto begun = [&] {
      const BusyTimeout timeout(database, wait);
      return try_to_begin(database, kind);
    }();
    if (begun || begun.error().kind != ErrorKind::kBusy || steady_clock::now() >= until)
      return begun;
  }
}

// SQLite begins a read transaction without touching the file, so a first query takes the lock.
Result<Transaction> Transaction::try_to_begin(Database& database, Kind kind) {
  const char* sql = kind == Kind::kRead    ? "BEGIN DEFERRED"
                    : kind == Kind::kWrite ? "BEGIN IMMEDIATE"
                                           : "SAVEPOINT nested";
  if (kind != Kind::kNested) database.undo_all();  // an earlier rollback may have lacked memory
  if (auto begun = database.run(sql); !begun) return fail(begun.error());
  Transaction transaction(database, kind);
  if (kind != Kind::kRead) return transaction;
  if (const auto seen = database.number("PRAGMA schema_version"); !seen) return fail(seen.error());
  return transaction;
}

Result<void> Transaction::commit() {
  if (kind_ != Kind::kNested && database_->connection_->is_rollback_missing)
    return fail(ErrorKind::kIo, "the store: what failed could not be undone alone");
  auto done = database_->run(kind_ == Kind::kNested ? "RELEASE nested" : "COMMIT");
  if (!done) undo();
  database_ = nullptr;
  return done;
}

void Transaction::undo() noexcept {
  if (kind_ == Kind::kNested)
    database_->undo_nested();
  else
    database_->undo_all();
}

Transaction::Transaction(Transaction&& other) noexcept
    : database_(std::exchange(other.database_, nullptr)), kind_(other.kind_) {}

Transaction::~Transaction() {
  if (database_ != nullptr) undo();
}

}  // namespace ccproxy::store
