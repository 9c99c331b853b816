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
    for (const auto& [sql, prepared] : resting) ::sqlite3_finalize(prepared);
    ::sqlite3_close_v2(handle);
  }

  // What the last call that failed was told. Throws where there was no memory for it, as all else
  // does.
  [[nodiscard]] Error error() const {
    const int whole = ::sqlite3_extended_errcode(handle);
    if (whole == SQLITE_NOMEM || whole == SQLITE_IOERR_NOMEM) throw std::bad_alloc();
    const int code = ::sqlite3_errcode(handle) & 0xff;  // without what makes it an extended one
    const bool is_locked = code == SQLITE_BUSY || code == SQLITE_PROTOCOL;
    return {is_locked ? ErrorKind::kBusy : ErrorKind::kIo,
            fmt::format("the store: {}", ::sqlite3_errmsg(handle))};
  }

  sqlite3* handle = nullptr;
  std::chrono::milliseconds patience = kDefaultWait;         // of one step of a statement
  steady_clock::time_point gives_up{};                       // of the one under way
  std::unordered_map<std::string, sqlite3_stmt*> resting{};  // prepared, not in use
  bool is_spoilt = false;  // something stands in the open transaction that was to be undone
};

namespace {

// auto_vacuum counts only as long as the file is empty, and WAL already writes to it.
constexpr const char* kSettings = R"(
  PRAGMA auto_vacuum = INCREMENTAL;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  PRAGMA journal_size_limit = 67108864;
  PRAGMA foreign_keys = ON;
)";

constexpr std::chrono::milliseconds kLongestNap{20};
constexpr std::chrono::microseconds kLongestOwnNap{500};

// SQLite asks for this when somebody else has what a step needs: `times` is how often it has asked
// already. False ends the step.
int wait_for_them(void* connection, int times) {
  auto& waiting = *static_cast<Connection*>(connection);
  const auto now = steady_clock::now();
  if (times == 0) waiting.gives_up = now + waiting.patience;
  if (now >= waiting.gives_up) return 0;
  const auto nap = std::min(std::chrono::milliseconds(times + 1), kLongestNap);
  std::this_thread::sleep_until(std::min(now + nap, waiting.gives_up));
  return 1;
}

int sleep_shortly(sqlite3_vfs* /*vfs*/, int microseconds) {
  const std::chrono::microseconds asked(microseconds);
  std::this_thread::sleep_for(std::min(asked, kLongestOwnNap));
  return microseconds;
}

// The system's files, as SQLite has them, but for its sleeps. Where locks are in the way that
// should be there for a moment only, it tries a hundred times, sleeps for ten seconds in between
// without asking anybody, and gives up: that is for us to do.
const char* impatient_files() {
  static sqlite3_vfs files = [] {
    sqlite3_vfs made = *::sqlite3_vfs_find(nullptr);
    made.zName = "ccproxy";
    made.xSleep = sleep_shortly;
    return made;
  }();
  static const int registered = ::sqlite3_vfs_register(&files, 0);
  return registered == SQLITE_OK ? files.zName : nullptr;
}

// How long statements wait for others, for as long as this lives.
class Patience {
 public:
  Patience(Database& database, std::chrono::milliseconds wait) : database_(database) {
    database_.wait_for_others(wait);
  }
  Patience(const Patience&) = delete;
  Patience& operator=(const Patience&) = delete;
  Patience(Patience&&) = delete;
  Patience& operator=(Patience&&) = delete;
  ~Patience() { database_.wait_for_others(kDefaultWait); }

 private:
  Database& database_;
};

tl::unexpected<Error> refused(const std::string& path, const char* reason) {
  return fail(ErrorKind::kIo, fmt::format("cannot use {}: {}", path, reason));
}

// SQLite would make the file with the mode that the umask leaves; its companions take the mode of
// the file. An existing one is not opened here: closing it again would drop the locks that SQLite
// has on it elsewhere in this process.
Result<void> make_private(const std::string& path) {
  if (auto made = make_private_folder_of(path); !made) return made;
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd >= 0) {
    ::close(fd);
  } else if (errno != EEXIST) {
    return refused(path, std::strerror(errno));
  }
  struct stat facts {};
  if (::stat(path.c_str(), &facts) != 0) return refused(path, std::strerror(errno));
  if ((facts.st_mode & 0077U) != 0 && ::chmod(path.c_str(), 0600) != 0)
    return refused(path, std::strerror(errno));
  return {};
}

}  // namespace

// --- Statement -----------------------------------------------------------------------------------

Result<bool> Statement::step() {
  if (wrong_) return fail(*wrong_);
  const int code = ::sqlite3_step(prepared_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return fail(of_->error());
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
    : of_(other.of_),
      sql_(std::move(other.sql_)),
      prepared_(std::exchange(other.prepared_, nullptr)),
      wrong_(std::move(other.wrong_)) {}

Statement::~Statement() {
  if (prepared_ == nullptr) return;
  ::sqlite3_reset(prepared_);
  ::sqlite3_clear_bindings(prepared_);
  try {
    if (of_->resting.try_emplace(std::move(sql_), prepared_).second) return;
  } catch (const std::bad_alloc&) {
    // Then it is prepared again.
  }
  ::sqlite3_finalize(prepared_);
}

// --- Database ------------------------------------------------------------------------------------

Result<Database> Database::open(const std::string& path, std::chrono::milliseconds wait) {
  if (auto made = make_private(path); !made) return fail(made.error());
  auto connection = std::make_unique<Connection>();
  constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
  const int code = ::sqlite3_open_v2(path.c_str(), &connection->handle, kFlags, impatient_files());
  if (code == SQLITE_NOMEM) throw std::bad_alloc();
  if (code != SQLITE_OK) return refused(path, ::sqlite3_errstr(code));
  ::sqlite3_extended_result_codes(connection->handle, 1);
  Database database(std::move(connection));
  ::sqlite3_busy_handler(database.connection_->handle, wait_for_them, database.connection_.get());
  const auto until = steady_clock::now() + wait;
  while (true) {
    const auto set = [&] {
      const Patience patience(database, wait);
      return database.run_script(kSettings);
    }();
    if (set) return database;
    const bool is_locked = set.error().kind == ErrorKind::kBusy;
    if (is_locked && steady_clock::now() < until) continue;
    auto reason = refused(path, ::sqlite3_errmsg(database.connection_->handle));
    if (is_locked) reason.value().kind = ErrorKind::kBusy;
    return reason;
  }
}

Statement Database::statement(std::string_view sql, std::initializer_list<Value> values) {
  Statement made(*connection_, std::string(sql));
  if (auto resting = connection_->resting.extract(made.sql_)) {
    made.prepared_ = resting.mapped();
  } else if (::sqlite3_prepare_v3(connection_->handle, sql.data(), static_cast<int>(sql.size()),
                                  SQLITE_PREPARE_PERSISTENT, &made.prepared_,
                                  nullptr) != SQLITE_OK) {
    made.wrong_ = connection_->error();
    return made;
  }
  int place = 0;
  for (const Value& value : values) {
    ++place;
    const auto* text = std::get_if<std::string_view>(&value);
    // A view without bytes may have no address, which SQLite would take for a null.
    const char* bytes = text == nullptr || text->empty() ? "" : text->data();
    const int code =
        text != nullptr
            ? ::sqlite3_bind_text64(made.prepared_, place, bytes, text->size(), SQLITE_STATIC,
                                    SQLITE_UTF8)
            : ::sqlite3_bind_int64(made.prepared_, place, std::get<std::int64_t>(value));
    if (code != SQLITE_OK) made.wrong_ = connection_->error();
  }
  return made;
}

Result<void> Database::run(std::string_view sql, std::initializer_list<Value> values) {
  return statement(sql, values).run();
}

Result<std::int64_t> Database::number(std::string_view sql, std::initializer_list<Value> values) {
  Statement asked = statement(sql, values);
  const auto row = asked.step();
  if (!row) return fail(row.error());
  return *row ? asked.integer(0) : 0;
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

void Database::wait_for_others(std::chrono::milliseconds limit) { connection_->patience = limit; }

// Nothing here takes memory of ours: it may be what is missing.
void Database::undo_all() noexcept {
  if (in_transaction()) ::sqlite3_exec(connection_->handle, "ROLLBACK", nullptr, nullptr, nullptr);
  connection_->is_spoilt = in_transaction();
}

// SQLite may have undone everything by itself.
void Database::undo_nested() noexcept {
  constexpr const char* kUndo = "ROLLBACK TO nested; RELEASE nested";
  if (in_transaction() &&
      ::sqlite3_exec(connection_->handle, kUndo, nullptr, nullptr, nullptr) != SQLITE_OK)
    connection_->is_spoilt = true;
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
      const Patience patience(database, wait);
      return try_to_begin(database, kind);
    }();
    if (begun || begun.error().kind != ErrorKind::kBusy || steady_clock::now() >= until)
      return begun;
  }
}

// SQLite opens a transaction that reads without a look at the file.
Result<Transaction> Transaction::try_to_begin(Database& database, Kind kind) {
  const char* sql = kind == Kind::kRead    ? "BEGIN DEFERRED"
                    : kind == Kind::kWrite ? "BEGIN IMMEDIATE"
                                           : "SAVEPOINT nested";
  if (kind != Kind::kNested) database.undo_all();  // there was no memory even for that
  if (auto begun = database.run(sql); !begun) return fail(begun.error());
  Transaction made(database, kind);
  if (kind != Kind::kRead) return made;
  if (const auto seen = database.number("PRAGMA schema_version"); !seen) return fail(seen.error());
  return made;
}

Result<void> Transaction::commit() {
  if (kind_ != Kind::kNested && database_->connection_->is_spoilt)
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
