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
  // Opened, with a table t of a number and a text.
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

TEST_F(DatabaseFile, is_made_for_its_owner_only_with_all_that_stands_beside_it) {
  Database database = open();
  EXPECT_EQ(mode_of(folder_ + "/home"), 0700U);
  for (const char* suffix : {"", "-wal", "-shm"})
    EXPECT_EQ(mode_of(path_ + suffix), 0600U) << suffix;
}

TEST_F(DatabaseFile, that_others_could_read_is_taken_back) {
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

TEST_F(DatabaseFile, that_is_none_is_named_and_left_as_it_is) {
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

TEST_F(DatabaseFile, that_cannot_be_opened_is_named) {
  std::filesystem::create_directories(path_);
  const auto database = Database::open(path_);
  ASSERT_FALSE(database);
  EXPECT_EQ(database.error().kind, ErrorKind::kIo);
  EXPECT_NE(database.error().message.find(path_), std::string::npos);
}

TEST_F(DatabaseFile, gives_back_what_was_put_in_byte_for_byte) {
  Database database = open();
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  const std::string texts[] = {"", all, std::string(3'000'000, 'z'), "'; DROP TABLE t; --"};
  for (const std::string& text : texts) {
    ASSERT_TRUE(database.run("INSERT INTO t (x) VALUES (?)", {text}));
    Statement asked =
        database.statement("SELECT x, x IS NULL FROM t WHERE n = ?", {database.last_inserted()});
    ASSERT_TRUE(asked.step().value());
    EXPECT_TRUE(asked.text(0) == text);
    EXPECT_FALSE(asked.flag(1));
    EXPECT_FALSE(asked.step().value());
  }
}

TEST_F(DatabaseFile, tells_a_wrong_statement_and_a_broken_rule_with_sqlites_words) {
  Database database = open();
  const auto wrong = database.run("SELECT x FROM nowhere");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().kind, ErrorKind::kIo);
  EXPECT_NE(wrong.error().message.find("no such table"), std::string::npos)
      << wrong.error().message;
  EXPECT_FALSE(database.run("INSERT INTO t VALUES (?)", {1, 2})) << "too many values";
  ASSERT_TRUE(database.run("INSERT INTO t VALUES (1, 'a')"));
  const auto twice = database.run("INSERT INTO t VALUES (1, 'b')");
  ASSERT_FALSE(twice);
  EXPECT_NE(twice.error().message.find("UNIQUE"), std::string::npos);
  EXPECT_TRUE(database.run("INSERT INTO t VALUES (2, 'b')"));
}

TEST_F(DatabaseFile, runs_one_statement_inside_of_itself) {
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

TEST_F(DatabaseFile, undoes_a_transaction_that_is_not_committed) {
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

TEST_F(DatabaseFile, undoes_a_nested_transaction_alone_and_the_outer_one_with_all_of_them) {
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

TEST_F(DatabaseFile, that_is_full_says_so_and_goes_on_when_there_is_room) {
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

TEST_F(DatabaseFile, that_is_open_twice_is_read_while_it_is_written) {
  Database one = open();
  Database other = open();
  auto writing = Transaction::begin(one, Kind::kWrite);
  ASSERT_TRUE(one.run("INSERT INTO t VALUES (1, 'a')"));
  EXPECT_EQ(count(other), 0) << "not committed yet";
  ASSERT_TRUE(writing->commit());
  EXPECT_EQ(count(other), 1);
}

TEST_F(DatabaseFile, of_which_others_have_locked_a_part_says_so_in_time) {
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

TEST_F(DatabaseFile, is_read_as_it_was_when_the_transaction_began) {
  Database one = open();
  Database other = open();
  auto reading = Transaction::begin(one, Kind::kRead);
  ASSERT_TRUE(other.run("INSERT INTO t VALUES (1, 'a')"));
  EXPECT_EQ(count(one), 0);
  EXPECT_TRUE(reading->commit());
  EXPECT_EQ(count(one), 1);
}

TEST_F(DatabaseFile, waits_as_long_as_it_was_told_to) {
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

TEST_F(Schema, is_made_once_and_then_left_alone) {
  EXPECT_FALSE(refused(""));
  EXPECT_FALSE(refused("INSERT INTO responses VALUES (1,'r','','','','','',2,0,0,0,'',0)"));
  auto database = Database::open(path_);
  EXPECT_EQ(database->number("SELECT count(*) FROM responses").value(), 1);
  EXPECT_EQ(database->number("PRAGMA user_version").value(), 4);
}

TEST_F(Schema, of_an_older_version_becomes_the_newest_with_all_that_is_in_it) {
  EXPECT_FALSE(refused(""));
  EXPECT_FALSE(refused(  // as the first version was
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

TEST_F(Schema, of_a_newer_version_is_refused_and_not_touched) {
  const auto error = refused("PRAGMA user_version = 99; CREATE TABLE new_thing (x)");
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind, ErrorKind::kConfiguration);
  EXPECT_NE(error->message.find("newer ccproxy"), std::string::npos) << error->message;
  EXPECT_NE(error->message.find("99"), std::string::npos);
  auto database = Database::open(path_);
  EXPECT_EQ(database->number("SELECT count(*) FROM sqlite_master").value(), 1);
  EXPECT_EQ(database->number("PRAGMA user_version").value(), 99);
}

TEST_F(Schema, of_another_program_is_refused) {
  for (const char* before : {"CREATE TABLE theirs (x)", "PRAGMA user_version = -1"}) {
    const auto error = refused(before);
    ASSERT_TRUE(error) << before;
    EXPECT_EQ(error->kind, ErrorKind::kConfiguration);
    EXPECT_NE(error->message.find("another program"), std::string::npos);
  }
}

TEST_F(Schema, finds_what_is_asked_for_without_reading_everything) {
  auto database = Database::open(path_);
  ASSERT_TRUE(migrate(*database));
  const char* const asked[] = {
      "SELECT * FROM responses WHERE id = 'x'",
      "SELECT * FROM items i JOIN responses r ON r.number = i.response WHERE i.id = 'x'",
      R"(SELECT * FROM items i JOIN responses r ON r.number = i.response
         WHERE i.id = 'x' AND r.scope = 'y' ORDER BY i.is_output DESC, i.number DESC LIMIT 1)",
      "SELECT * FROM items WHERE response = 1 AND is_output = 0 AND position > 3 ORDER BY position",
      "SELECT * FROM events WHERE response = 1 AND last > 5 ORDER BY last",
      "SELECT number FROM responses WHERE created < 5 ORDER BY created, number LIMIT 1",
      "UPDATE responses SET status = 4 WHERE owner = 'x' AND status IN (0, 1)",
  };
  for (const char* sql : asked) {
    Statement plan = database->statement("EXPLAIN QUERY PLAN " + std::string(sql));
    while (plan.step().value()) {
      EXPECT_EQ(plan.text(3).find("SCAN"), std::string::npos) << sql << ": " << plan.text(3);
      EXPECT_EQ(plan.text(3).find("TEMP"), std::string::npos) << sql << ": " << plan.text(3);
    }
  }
}

}  // namespace
}  // namespace ccproxy::store
