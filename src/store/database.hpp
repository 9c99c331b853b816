// A database file: opened, asked, written, in transactions. SQLite underneath, shown to nobody. It
// refuses to know which tables there are and what stands in them. Where there is no memory, whoever
// has it, everything throws std::bad_alloc; a transaction that ends by that is undone.
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

// What takes the place of a `?`. Texts are not copied: they stay as they are until the statement
// has ended.
using Value = std::variant<std::int64_t, std::string_view>;

// One run of a statement. What was wrong with the statement itself is told by the first step. Ends
// before its database, and before the transaction that it runs in.
class Statement {
 public:
  // Goes to the next row; false when there is none left. Fails with kIo.
  [[nodiscard]] Result<bool> step();

  // Goes to the end, past any rows. Fails with kIo.
  [[nodiscard]] Result<void> run();

  // Columns of the row that the last step went to, counted from 0. A null is 0 or empty.
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] bool flag(int column) const { return integer(column) != 0; }
  [[nodiscard]] std::string text(int column) const;
  // Of that text, in bytes; nothing is copied.
  [[nodiscard]] std::size_t size(int column) const;

  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement();  // goes back to its database, which keeps it prepared

 private:
  friend class Database;
  Statement(Connection& connection, std::string sql) : of_(&connection), sql_(std::move(sql)) {}

  Connection* of_;
  std::string sql_;
  sqlite3_stmt* prepared_ = nullptr;
  std::optional<Error> wrong_{};
};

// How long a statement waits for another process.
inline constexpr std::chrono::milliseconds kDefaultWait{5000};

// Used by one thread at a time. Other connections, of other processes too, may have the same file
// open: reading waits for nobody who writes, and writing waits for its turn.
class Database {
 public:
  // Makes a file that is missing (0600, its folder 0700), and takes an existing one back to 0600.
  // Fails with kIo, also when the file is no database, and with kBusy when somebody else has all of
  // it for longer than `wait`; the message names the path.
  [[nodiscard]] static Result<Database> open(const std::string& path,
                                             std::chrono::milliseconds wait = kDefaultWait);

  // Each `?` is one value, in their order.
  [[nodiscard]] Statement statement(std::string_view sql, std::initializer_list<Value> values = {});

  // The same, run to its end.
  [[nodiscard]] Result<void> run(std::string_view sql, std::initializer_list<Value> values = {});

  // The first column of the first row; 0 without one.
  [[nodiscard]] Result<std::int64_t> number(std::string_view sql,
                                            std::initializer_list<Value> values = {});

  // Several statements, without values.
  [[nodiscard]] Result<void> run_script(const std::string& sql);

  // Rows that the last INSERT, UPDATE or DELETE changed by itself.
  [[nodiscard]] std::int64_t changed() const;
  [[nodiscard]] std::int64_t last_inserted() const;

  // From now on, for all statements.
  void wait_for_others(std::chrono::milliseconds limit);

  // False again when SQLite gave a transaction up, as it may when the disk is full.
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

// Undoes what was written in it, unless it is committed. One at a time, but for nested ones, which
// end before the one that they stand in.
class Transaction {
 public:
  enum class Kind {
    kRead,    // sees the database as it is at the beginning
    kWrite,   // has its turn to write from the beginning
    kNested,  // a part of one that is open, which can be undone alone
  };

  // Fails with kIo, and with kBusy when the turn to write does not come within `wait`, or others
  // have locked the file against reading for as long.
  [[nodiscard]] static Result<Transaction> begin(Database& database, Kind kind,
                                                 std::chrono::milliseconds wait = kDefaultWait);

  // On failure all of it is undone, as it is when something that stands in it had to be undone and
  // could not. A nested one is kept only if the one around it is.
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

  Database* database_;  // none once it has ended
  Kind kind_;
};

}  // namespace ccproxy::store
