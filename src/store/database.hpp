// A database file with statements and transactions. SQLite is underneath and shown to nobody. This
// room refuses to know which tables there are and what they hold. Where memory runs out, ours or
// SQLite's, everything throws std::bad_alloc; a transaction that ends by that is rolled back.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/error.hpp"

struct sqlite3_stmt;

namespace ccproxy::store {

struct Connection;

// The value for a `?` of a statement. Texts are not copied: they must stay valid until the
// statement is destroyed.
using Value = std::variant<std::int64_t, std::string_view>;

// One run of a statement. An error in the SQL or in a value is returned by the first step(). It
// must be destroyed before its database, and before the transaction that it runs in.
class Statement {
 public:
  // Moves to the next row; returns false when there is none left. Fails with kIo.
  [[nodiscard]] Result<bool> step();

  // Runs the statement to its end, past any rows. Fails with kIo.
  [[nodiscard]] Result<void> run();

  // Columns of the current row, counted from 0. A null is 0 or empty.
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] bool flag(int column) const { return integer(column) != 0; }
  [[nodiscard]] std::string text(int column) const;
  // The size of that text in bytes; nothing is copied.
  [[nodiscard]] std::size_t size(int column) const;

  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement();  // returns it to its database, which caches it prepared

 private:
  friend class Database;
  Statement(Connection& connection, std::string sql)
      : connection_(&connection), sql_(std::move(sql)) {}

  Connection* connection_;
  std::string sql_;
  sqlite3_stmt* prepared_ = nullptr;
  std::optional<Error> error_{};
};

// How long a statement waits for the locks of another process.
inline constexpr std::chrono::milliseconds kDefaultWait{5000};

// Used by one thread at a time. Other connections, also of other processes, may have the same file
// open: a reader waits for no writer, and a writer waits for its turn.
class Database {
 public:
  // Creates a missing file with mode 0600 in a folder with mode 0700, and sets an existing file
  // back to 0600. Fails with kIo, also when the file is no database, and with kBusy when another
  // process keeps all of it locked for longer than `wait`; the message names the path.
  [[nodiscard]] static Result<Database> open(const std::string& path,
                                             std::chrono::milliseconds wait = kDefaultWait);

  // Prepares a statement; each `?` is one value, in their order.
  [[nodiscard]] Statement statement(std::string_view sql, std::initializer_list<Value> values = {});

  // Prepares the statement and runs it to its end.
  [[nodiscard]] Result<void> run(std::string_view sql, std::initializer_list<Value> values = {});

  // Returns the first column of the first row; 0 without a row.
  [[nodiscard]] Result<std::int64_t> number(std::string_view sql,
                                            std::initializer_list<Value> values = {});

  // Runs several statements that take no values.
  [[nodiscard]] Result<void> run_script(const std::string& sql);

  // Counts the rows that the last INSERT, UPDATE or DELETE changed, without cascades.
  [[nodiscard]] std::int64_t changed() const;
  [[nodiscard]] std::int64_t last_inserted() const;

  // Sets how long all later statements wait for the locks of other processes.
  void set_busy_timeout(std::chrono::milliseconds limit);

  // Whether a transaction is open. SQLite may roll one back by itself, as when the disk is full.
  [[nodiscard]] bool in_transaction() const;

  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  ~Database();

 private:
  friend class Transaction;
  explicit Database(std::unique_ptr<Connection> connection);
  void undo_all() noexcept;
  void undo_nested() noexcept;

  std::unique_ptr<Connection> connection_;
};

// Rolls back what was written in it, unless it is committed. Only one is open at a time, except for
// nested ones, which must end before the transaction around them.
class Transaction {
 public:
  enum class Kind {
    kRead,    // sees the database as it was when the transaction began
    kWrite,   // holds the write lock from its beginning
    kNested,  // a savepoint in an open transaction, which can be rolled back alone
  };

  // Fails with kIo, and with kBusy when the write lock is not to be had within `wait`, or others
  // have locked the file against reading for as long.
  [[nodiscard]] static Result<Transaction> begin(Database& database, Kind kind,
                                                 std::chrono::milliseconds wait = kDefaultWait);

  // Rolls everything back when it fails; it also fails when a nested transaction could not be
  // rolled back alone. A nested transaction lasts only if the one around it is committed.
  [[nodiscard]] Result<void> commit();

  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();

 private:
  Transaction(Database& database, Kind kind) : database_(&database), kind_(kind) {}
  static Result<Transaction> try_to_begin(Database& database, Kind kind);
  void undo() noexcept;

  Database* database_;  // nullptr once the transaction has ended
  Kind kind_;
};

}  // namespace ccproxy::store
