#include "store/database.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "store/schema.hpp"
#include "store/store_fixture.hpp"

namespace ccproxy::store {
namespace {

using Kind = Transaction::Kind;

unsigned mode_of(const std::string& path) {
  struct stat facts {};
  return ::stat(path.c_str(), &facts) == 0 ? facts.st_mode & 0777U : 0;
}

class DatabaseFile : public StoreFolder {
 protected:
  // Opens the file with a table t of a number and a text.
  Database open() {
    auto database = Database::open(path_);
    EXPECT_TRUE(database) << database.error().message;
    EXPECT_TRUE(database->run("CREATE TABLE IF NOT EXISTS t (n INTEGER PRIMARY KEY, x TEXT)"));
    return std::move(*database);
  }
  static std::int64_t count(Database& database) {
    return database.number("SELECT count(*) FROM t").value_or(-1);
  }
};

TEST_F(DatabaseFile, is_created_with_private_modes) {
  Database database = open();
  EXPECT_EQ(mode_of(folder_ + "/home"), 0700U);
  for (const char* suffix : {"", "-wal", "-shm"})
    EXPECT_EQ(mode_of(path_ + suffix), 0600U) << suffix;
}

TEST_F(DatabaseFile, is_set_back_to_a_private_mode) {
  { Database database = open(); }
  ::chmod(path_.c_str(), 0644);
  Database database = open();
  EXPECT_EQ(mode_of(path_), 0600U);
}

TEST_F(DatabaseFile, has_the_settings_that_the_store_relies_on) {
  Database database = open();
  EXPECT_EQ(database.statement("PRAGMA journal_mode").step().value(), true);
  EXPECT_EQ(database.number("PRAGMA auto_vacuum").value(), 2) << "incremental";
  EXPECT_EQ(database.number("PRAGMA synchronous").value(), 1) << "normal";
  EXPECT_EQ(database.number("PRAGMA foreign_keys").value(), 1);
  Statement mode = database.statement("PRAGMA journal_mode");
  ASSERT_TRUE(mode.step().value());
  EXPECT_EQ(mode.text(0), "wal");
}

TEST_F(DatabaseFile, names_a_file_that_is_no_database_and_leaves_it_alone) {
  std::filesystem::create_directories(folder_ + "/home");
  const std::string garbage(5000, 'x');
  std::ofstream(path_) << garbage;
  const auto database = Database::open(path_);
  ASSERT_FALSE(database);
  EXPECT_EQ(database.error().kind, ErrorKind::kIo);
  EXPECT_NE(database.error().message.find(path_), std::string::npos) << database.error().message;
  EXPECT_NE(database.error().message.find("not a database"), std::string::npos)
      << database.error().message;
  EXPECT_EQ(std::filesystem::file_size(path_), garbage.size());
}

TEST_F(DatabaseFile, names_a_file_that_cannot_be_opened) {
  std::filesystem::create_directories(path_);
  const auto database = Database::open(path_);
  ASSERT_FALSE(database);
  EXPECT_EQ(database.error().kind, ErrorKind::kIo);
  EXPECT_NE(database.error().message.find(path_), std::string::npos);
}

TEST_F(DatabaseFile, returns_values_byte_for_byte) {
  Database database = open();
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  const std::string texts[] = {"", all, std::string(3'000'000, 'z'), "'; DROP TABLE t; --"};
  for (const std::string& text : texts) {
    ASSERT_TRUE(database.run("INSERT INTO t (x) VALUES (?)", {text}));
    Statement rows =
        database.statement("SELECT x, x IS NULL FROM t WHERE n = ?", {database.last_inserted()});
    ASSERT_TRUE(rows.step().value());
    EXPECT_TRUE(rows.text(0) == text);
    EXPECT_FALSE(rows.flag(1));
    EXPECT_FALSE(rows.step().value());
  }
}

TEST_F(DatabaseFile, reports_wrong_statements_and_broken_constraints_in_sqlites_words) {
  Database database = open();
  const auto wrong = database.run("SELECT x FROM nowhere");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().kind, ErrorKind::kIo);
  EXPECT_NE(wrong.error().message.find("no such table"), std::string::npos)
      << wrong.error().message;
  EXPECT_FALSE(database.run("INSERT INTO t VALUES (?)", {1, 2})) << "there are too many values";
  ASSERT_TRUE(database.run("INSERT INTO t VALUES (1, 'a')"));
  const auto twice = database.run("INSERT INTO t VALUES (1, 'b')");
  ASSERT_FALSE(twice);
  EXPECT_NE(twice.error().message.find("UNIQUE"), std::string::npos);
  EXPECT_TRUE(database.run("INSERT INTO t VALUES (2, 'b')"));
}

TEST_F(DatabaseFile, runs_a_statement_while_the_same_statement_runs) {
  Database database = open();
  ASSERT_TRUE(database.run("INSERT INTO t VALUES (1, 'a'), (2, 'b')"));
  std::string pairs;
  const char* sql = "SELECT x FROM t ORDER BY n";
  Statement outer = database.statement(sql);
  while (outer.step().value()) {
    Statement inner = database.statement(sql);
    while (inner.step().value()) pairs += outer.text(0) + inner.text(0) + " ";
  }
  EXPECT_EQ(pairs, "aa ab ba bb ");
}

TEST_F(DatabaseFile, rolls_back_a_transaction_that_is_not_committed) {
  Database database = open();
  {
    auto transaction = Transaction::begin(database, Kind::kWrite);
    ASSERT_TRUE(transaction && database.run("INSERT INTO t VALUES (1, 'a')"));
  }
  EXPECT_EQ(count(database), 0);
  auto transaction = Transaction::begin(database, Kind::kWrite);
  ASSERT_TRUE(transaction && database.run("INSERT INTO t VALUES (1, 'a')"));
  EXPECT_TRUE(transaction->commit());
  EXPECT_EQ(count(database), 1);
}

TEST_F(DatabaseFile, rolls_back_a_nested_transaction_alone_and_the_outer_one_with_all) {
  Database database = open();
  const auto add = [&](bool commits) {
    auto nested = Transaction::begin(database, Kind::kNested);
    EXPECT_TRUE(nested && database.run("INSERT INTO t (x) VALUES ('a')"));
    if (commits) {
      EXPECT_TRUE(nested->commit());
    }
  };
  {
    auto outer = Transaction::begin(database, Kind::kWrite);
    add(true);
    add(false);
    add(true);
    EXPECT_EQ(count(database), 2);
    EXPECT_TRUE(outer->commit());
  }
  {
    auto outer = Transaction::begin(database, Kind::kWrite);
    add(true);
  }
  EXPECT_EQ(count(database), 2);
}

TEST_F(DatabaseFile, fails_when_it_is_full_and_goes_on_when_there_is_room) {
  Database database = open();
  const auto pages = database.number("PRAGMA page_count").value();
  ASSERT_TRUE(database.run_script("PRAGMA max_page_count = " + std::to_string(pages + 4)));
  const std::string large(100'000, 'x');
  {
    auto transaction = Transaction::begin(database, Kind::kWrite);
    const auto full = database.run("INSERT INTO t (x) VALUES (?)", {large});
    ASSERT_FALSE(full);
    EXPECT_NE(full.error().message.find("full"), std::string::npos) << full.error().message;
  }
  EXPECT_FALSE(database.in_transaction());
  ASSERT_TRUE(database.run_script("PRAGMA max_page_count = 100000"));
  EXPECT_TRUE(database.run("INSERT INTO t (x) VALUES (?)", {large}));
}

TEST_F(DatabaseFile, can_be_read_while_another_connection_writes) {
  Database one = open();
  Database other = open();
  auto writing = Transaction::begin(one, Kind::kWrite);
  ASSERT_TRUE(one.run("INSERT INTO t VALUES (1, 'a')"));
  EXPECT_EQ(count(other), 0) << "it is not committed yet";
  ASSERT_TRUE(writing->commit());
  EXPECT_EQ(count(other), 1);
}

TEST_F(DatabaseFile, fails_in_time_when_others_have_locked_a_part_of_it) {
  Database database = open();
  auto locked = std::make_unique<ReadersLockedOut>(path_);
  for (const Kind kind : {Kind::kRead, Kind::kWrite}) {
    const auto began = std::chrono::steady_clock::now();
    const auto turn = Transaction::begin(database, kind, std::chrono::milliseconds(20));
    ASSERT_FALSE(turn);
    EXPECT_EQ(turn.error().kind, ErrorKind::kBusy) << turn.error().message;
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(2));
    EXPECT_FALSE(database.in_transaction());
  }
  locked.reset();
  EXPECT_TRUE(Transaction::begin(database, Kind::kRead));
}

TEST_F(DatabaseFile, is_read_as_of_the_begin_of_a_transaction) {
  Database one = open();
  Database other = open();
  auto reading = Transaction::begin(one, Kind::kRead);
  ASSERT_TRUE(other.run("INSERT INTO t VALUES (1, 'a')"));
  EXPECT_EQ(count(one), 0);
  EXPECT_TRUE(reading->commit());
  EXPECT_EQ(count(one), 1);
}

TEST_F(DatabaseFile, waits_for_a_lock_as_long_as_was_set) {
  Database one = open();
  Database other = open();
  const auto writing = Transaction::begin(one, Kind::kWrite);
  const auto began = std::chrono::steady_clock::now();
  const auto turn = Transaction::begin(other, Kind::kWrite, std::chrono::milliseconds(300));
  ASSERT_FALSE(turn);
  EXPECT_EQ(turn.error().kind, ErrorKind::kBusy);
  EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(300));
}

// --- The tables ----------------------------------------------------------------------------------

class Schema : public DatabaseFile {
 protected:
  std::optional<Error> refused(const char* before) {
    auto database = Database::open(path_);
    EXPECT_TRUE(database->run_script(before));
    const auto migrated = migrate(*database);
    return migrated ? std::nullopt : std::optional(migrated.error());
  }
};

TEST_F(Schema, is_created_once_and_then_left_alone) {
  EXPECT_FALSE(refused(""));
  EXPECT_FALSE(refused("INSERT INTO responses VALUES (1,'r','','','','','',2,0,0,0,'',0)"));
  auto database = Database::open(path_);
  EXPECT_EQ(database->number("SELECT count(*) FROM responses").value(), 1);
  EXPECT_EQ(database->number("PRAGMA user_version").value(), 4);
}

TEST_F(Schema, is_migrated_from_older_versions_with_all_rows) {
  EXPECT_FALSE(refused(""));
  EXPECT_FALSE(refused(  // the tables of the first version
      "DROP TABLE trusted_time; ALTER TABLE responses DROP COLUMN is_to_end;"
      "DROP INDEX items_by_id; CREATE INDEX items_by_id ON items (id); PRAGMA user_version = 1;"
      "INSERT INTO responses VALUES (1,'r','','','','','',2,0,0,0,'');"
      "INSERT INTO items VALUES (1,1,1,0,'i','{}','')"));
  auto database = Database::open(path_);
  EXPECT_EQ(database->number("SELECT count(*) FROM items WHERE id = 'i'").value(), 1);
  EXPECT_EQ(database
                ->number("SELECT count(*) FROM sqlite_master WHERE name = 'items_by_id' AND "
                         "sql LIKE '%(id, is_output)%'")
                .value(),
            1);
  EXPECT_EQ(database->number("SELECT count(*) FROM trusted_time").value(), 0);
}

TEST_F(Schema, refuses_a_newer_version_and_does_not_touch_it) {
  const auto error = refused("PRAGMA user_version = 99; CREATE TABLE new_thing (x)");
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind, ErrorKind::kConfiguration);
  EXPECT_NE(error->message.find("newer ccproxy"), std::string::npos) << error->message;
  EXPECT_NE(error->message.find("99"), std::string::npos);
  auto database = Database::open(path_);
  EXPECT_EQ(database->number("SELECT count(*) FROM sqlite_master").value(), 1);
  EXPECT_EQ(database->number("PRAGMA user_version").value(), 99);
}

TEST_F(Schema, refuses_the_database_of_another_program) {
  for (const char* before : {"CREATE TABLE theirs (x)", "PRAGMA user_version = -1"}) {
    const auto error = refused(before);
    ASSERT_TRUE(error) << before;
    EXPECT_EQ(error->kind, ErrorKind::kConfiguration);
    EXPECT_NE(error->message.find("another program"), std::string::npos);
  }
}

TEST_F(Schema, has_an_index_for_every_query) {
  auto database = Database::open(path_);
  ASSERT_TRUE(migrate(*database));
  const char* const queries[] = {
      "SELECT * FROM responses WHERE id = 'x'",
      "SELECT * FROM items i JOIN responses r ON r.number = i.response WHERE i.id = 'x'",
      R"(SELECT * FROM items i JOIN responses r ON r.number = i.response
         WHERE i.id = 'x' AND r.scope = 'y' ORDER BY i.is_output DESC, i.number DESC LIMIT 1)",
      "SELECT * FROM items WHERE response = 1 AND is_output = 0 AND position > 3 ORDER BY position",
      "SELECT * FROM events WHERE response = 1 AND last > 5 ORDER BY last",
      "SELECT number FROM responses WHERE created < 5 ORDER BY created, number LIMIT 1",
      "UPDATE responses SET status = 4 WHERE owner = 'x' AND status IN (0, 1)",
  };
  for (const char* sql : queries) {
    Statement plan = database->statement("EXPLAIN QUERY PLAN " + std::string(sql));
    while (plan.step().value()) {
      EXPECT_EQ(plan.text(3).find("SCAN"), std::string::npos) << sql << ": " << plan.text(3);
      EXPECT_EQ(plan.text(3).find("TEMP"), std::string::npos) << sql << ": " << plan.text(3);
    }
  }
}

}  // namespace
}  // namespace ccproxy::store
