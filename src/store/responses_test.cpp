#include "store/responses.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "store/store_fixture.hpp"

namespace ccproxy::store {
namespace {

using Ids = std::vector<std::string>;

Ids ids_of(const std::vector<StoredItem>& items) {
  Ids ids;
  for (const StoredItem& item : items) ids.push_back(item.id);
  return ids;
}

class ResponsesTest : public StoreFolder {
 protected:
  ResponsesTest() { EXPECT_TRUE(migrate(database_)); }

  // Begun and finished, with an item of input and one of output.
  void keep(const std::string& id, const std::string& previous = "",
            Status status = Status::kCompleted, std::int64_t created = 1000) {
    StoredResponse made = response(id, previous);
    made.created = created;
    EXPECT_TRUE(responses_.begin(made, input_of({item("in_" + id)})));
    EXPECT_TRUE(responses_.finish(id, status, "{}", std::vector{answer("out_" + id)}));
  }
  [[nodiscard]] bool has(const std::string& id) const {
    return responses_.find("me", id).value().has_value();
  }
  std::int64_t count(const std::string& table) {
    return database_.number("SELECT count(*) FROM " + table).value();
  }

  Database database_ = Database::open(path_).value();
  Responses responses_{database_, "owner"};
};

TEST_F(ResponsesTest, are_found_as_they_were_begun) {
  StoredResponse made = response("r1", "r0");
  made.is_background = true;
  made.status = Status::kQueued;
  ASSERT_TRUE(responses_.begin(made, {}));
  EXPECT_EQ(responses_.find("me", "r1").value(), made);
}

TEST_F(ResponsesTest, are_asked_how_they_stand_without_their_object) {
  StoredResponse made = response("r1", "r0");
  made.is_background = true;
  made.object = "{a large one}";
  ASSERT_TRUE(responses_.begin(made, {}));
  made.object.clear();
  EXPECT_EQ(responses_.state_of("me", "r1").value(), made);
  EXPECT_FALSE(responses_.state_of("you", "r1").value());
  responses_.hide("r1");
  EXPECT_FALSE(responses_.state_of("me", "r1").value());
}

TEST_F(ResponsesTest, of_one_scope_are_not_found_in_another) {
  keep("r1");
  EXPECT_FALSE(responses_.find("you", "r1").value());
  EXPECT_FALSE(responses_.find("", "r1").value());
  EXPECT_FALSE(responses_.item("you", "out_r1").value());
  EXPECT_EQ(responses_.input_items("you", "r1", {}).error().message, "r1");
  EXPECT_TRUE(responses_.events_after("you", "r1", -1, 100).value().empty());
  EXPECT_EQ(responses_.turns("you", "r1", 9, 9999).error().message, "r1");
  EXPECT_FALSE(responses_.erase("you", "r1").value());
  EXPECT_TRUE(has("r1"));
}

TEST_F(ResponsesTest, have_ids_that_nobody_else_can_take) {
  keep("r1");
  StoredResponse theirs = response("r1");
  theirs.scope = "you";
  EXPECT_FALSE(responses_.begin(theirs, {}));
}

TEST_F(ResponsesTest, change_while_they_run_and_never_afterwards) {
  ASSERT_TRUE(responses_.begin(response("r1"), {}));
  ASSERT_TRUE(responses_.update("r1", Status::kInProgress, "{1}"));
  EXPECT_EQ(responses_.find("me", "r1").value()->object, "{1}");
  ASSERT_TRUE(responses_.finish("r1", Status::kCancelled, "{2}", {}));
  for (const auto& late :
       {responses_.update("r1", Status::kInProgress, "{3}"),
        responses_.finish("r1", Status::kCompleted, "{3}", std::vector{answer("late")})}) {
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().kind, ErrorKind::kNotFound);
  }
  const auto found = responses_.find("me", "r1").value();
  EXPECT_EQ(found->object, "{2}");
  EXPECT_EQ(found->status, Status::kCancelled);
  EXPECT_FALSE(responses_.item("me", "late").value());
}

TEST_F(ResponsesTest, that_are_not_there_cannot_be_written_to) {
  EXPECT_EQ(responses_.update("x", Status::kFailed, "").error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(responses_.finish("x", Status::kFailed, "", {}).error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(responses_.append_events("x", 0, 0, "").error().kind, ErrorKind::kNotFound);
}

// --- Turns ---------------------------------------------------------------------------------------

TEST_F(ResponsesTest, come_as_a_conversation_oldest_first) {
  keep("r1");
  keep("r2", "r1", Status::kIncomplete);
  keep("other", "r1");
  keep("r3", "r2");
  const auto turns = responses_.turns("me", "r3", 3, 99999);
  ASSERT_TRUE(turns) << turns.error().message;
  ASSERT_EQ(turns->size(), 3U);
  for (const std::size_t i : {0U, 1U, 2U}) {
    const std::string id = "r" + std::to_string(i + 1);
    const StoredTurn& turn = (*turns)[i];
    EXPECT_EQ(turn.response.id, id);
    EXPECT_EQ(turn.response.family, "sonnet");
    EXPECT_EQ(turn.input, std::vector{item("in_" + id)});
    EXPECT_EQ(turn.output, std::vector{answer("out_" + id)});
  }
  EXPECT_EQ((*turns)[1].response.status, Status::kIncomplete);
}

TEST_F(ResponsesTest, name_the_link_that_a_conversation_lacks) {
  keep("r2", "r1");
  keep("r3", "r2");
  const auto missing = responses_.turns("me", "r3", 9, 9999);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(missing.error().message, "r1");
  EXPECT_EQ(responses_.turns("me", "nothing", 9, 9999).error().message, "nothing");
}

TEST_F(ResponsesTest, that_did_not_end_well_cannot_be_continued) {
  const Status kinds[] = {Status::kQueued, Status::kInProgress, Status::kFailed,
                          Status::kCancelled};
  for (const Status status : kinds) {
    const std::string id = "r" + std::to_string(static_cast<int>(status));
    StoredResponse made = response(id);
    made.status = status;
    ASSERT_TRUE(responses_.begin(made, {}));
    keep("after_" + id, id);
    EXPECT_EQ(responses_.turns("me", "after_" + id, 9, 9999).error().message, id);
  }
  StoredResponse made = response("cut");
  made.status = Status::kIncomplete;
  made.was_interrupted = true;
  ASSERT_TRUE(responses_.begin(made, {}));
  EXPECT_EQ(responses_.turns("me", "cut", 9, 9999).error().kind, ErrorKind::kNotFound);
}

TEST_F(ResponsesTest, make_no_conversation_beyond_a_limit) {
  keep("r1");
  keep("r2", "r1");
  std::size_t size = 0;
  for (const StoredItem& it : {item("in_r1"), answer("out_r1")})
    size += 2 * (it.json.size() + it.blocks.size());
  EXPECT_TRUE(responses_.turns("me", "r2", 2, size));
  EXPECT_EQ(responses_.turns("me", "r2", 1, size).error().kind, ErrorKind::kTooLarge);
  EXPECT_EQ(responses_.turns("me", "r2", 2, size - 1).error().kind, ErrorKind::kTooLarge);
  keep("self", "self");
  EXPECT_EQ(responses_.turns("me", "self", 50, 99999).error().kind, ErrorKind::kTooLarge);
}

// --- Items ---------------------------------------------------------------------------------------

TEST_F(ResponsesTest, find_an_item_outputs_first_and_then_the_newest) {
  const auto begin = [&](const std::string& id, const std::string& json) {
    ASSERT_TRUE(responses_.begin(response(id), input_of({StoredItem{"same", json}})));
  };
  begin("r1", "old");
  begin("r2", "new");
  EXPECT_EQ(responses_.item("me", "same").value()->item.json, "new");
  EXPECT_FALSE(responses_.item("me", "same").value()->is_output);
  ASSERT_TRUE(responses_.finish("r1", Status::kCompleted, "", std::vector{answer("same")}));
  begin("r3", "newest");
  const auto found = responses_.item("me", "same").value();
  EXPECT_EQ(found->item, answer("same"));
  EXPECT_TRUE(found->is_output);
  EXPECT_EQ(found->family, "sonnet");
  EXPECT_EQ(found->account, "a1");
  ASSERT_TRUE(responses_.erase("me", "r1").value());
  ASSERT_TRUE(responses_.erase("me", "r3").value());
  EXPECT_EQ(responses_.item("me", "same").value()->item.json, "new");
  EXPECT_FALSE(responses_.item("me", "nothing").value());
}

struct Page {
  const char* says;
  ItemPage page;
  Ids ids;
  bool has_more;
};

const Page kPages[] = {
    {"the last come first", {"", "", 3, false}, {"e", "d", "c"}, true},
    {"ascending is as they were sent", {"", "", 3, true}, {"a", "b", "c"}, true},
    {"as many as there are is all", {"", "", 5, true}, {"a", "b", "c", "d", "e"}, false},
    {"after goes on in the same order", {"c", "", 5, false}, {"b", "a"}, false},
    {"after goes on ascending", {"c", "", 1, true}, {"d"}, true},
    {"after the last is nothing", {"e", "", 5, true}, {}, false},
    {"before ends there, ascending", {"", "c", 5, true}, {"a", "b"}, false},
    {"before ends there, descending", {"", "c", 5, false}, {"e", "d"}, false},
    {"before takes those next to it", {"", "e", 2, true}, {"c", "d"}, true},
    {"before takes those next to it, descending", {"", "a", 2, false}, {"c", "b"}, true},
    {"between two", {"a", "d", 5, true}, {"b", "c"}, false},
    {"between two from after on", {"a", "e", 2, true}, {"b", "c"}, true},
    {"between two, descending", {"e", "b", 5, false}, {"d", "c"}, false},
    {"between two that stand the other way round", {"d", "b", 5, true}, {}, false},
};

TEST_F(ResponsesTest, list_their_input_page_by_page) {
  std::vector<StoredItem> input;
  for (const char* id : {"a", "b", "c", "d", "e"}) input.push_back(item(id));
  ASSERT_TRUE(responses_.begin(response("r0"), input_of({item("z")})));
  ASSERT_TRUE(responses_.begin(response("r1", "r0"), input_of(input)));
  ASSERT_TRUE(responses_.finish("r1", Status::kCompleted, "", std::vector{answer("out")}));
  for (const Page& row : kPages) {
    SCOPED_TRACE(row.says);
    const auto list = responses_.input_items("me", "r1", row.page);
    ASSERT_TRUE(list) << list.error().message;
    EXPECT_EQ(ids_of(list->items), row.ids);
    EXPECT_EQ(list->has_more, row.has_more);
  }
  for (const char* other : {"out", "z", "nothing"}) {
    const auto list = responses_.input_items("me", "r1", {other, "", 5, true});
    ASSERT_FALSE(list);
    EXPECT_EQ(list.error().kind, ErrorKind::kNotFound);
    EXPECT_EQ(list.error().message, other);
  }
}

TEST_F(ResponsesTest, keep_the_order_of_input_items_with_the_same_id) {
  const std::vector<StoredItem> input = {{"x", "1"}, {"", "2"}, {"x", "3"}, {"", "4"}};
  ASSERT_TRUE(responses_.begin(response("r1"), input_of(input)));
  EXPECT_EQ(responses_.input_items("me", "r1", {"", "", 9, true})->items, input);
}

// --- Events --------------------------------------------------------------------------------------

TEST_F(ResponsesTest, give_the_events_that_come_after_one_in_order) {
  ASSERT_TRUE(responses_.begin(response("r1"), {}));
  ASSERT_TRUE(responses_.begin(response("r2"), {}));
  EXPECT_EQ(responses_.find("me", "r1").value()->last_sequence, -1);
  const EventChunk chunks[] = {{0, 2, "aaa"}, {3, 3, "b"}, {4, 9, "cccccc"}};
  for (const EventChunk& chunk : chunks)
    ASSERT_TRUE(responses_.append_events("r1", chunk.first, chunk.last, chunk.bytes));
  ASSERT_TRUE(responses_.append_events("r2", 0, 50, "other"));
  EXPECT_EQ(responses_.find("me", "r1").value()->last_sequence, 9);

  const auto after = [&](std::int64_t sequence, std::size_t bytes = 1000) {
    return responses_.events_after("me", "r1", sequence, bytes).value();
  };
  const std::vector all(std::begin(chunks), std::end(chunks));
  EXPECT_EQ(after(-1), all);
  EXPECT_EQ(after(1), all) << "the first piece holds event 2, too";
  EXPECT_EQ(after(2), std::vector(all.begin() + 1, all.end()));
  EXPECT_EQ(after(9), std::vector<EventChunk>());
  EXPECT_EQ(after(-1, 0), std::vector{all[0]}) << "at least one";
  EXPECT_EQ(after(-1, 3), std::vector{all[0]});
  EXPECT_EQ(after(-1, 4), std::vector(all.begin(), all.begin() + 2));
  EXPECT_EQ(responses_.events_after("me", "nothing", -1, 9).value(), std::vector<EventChunk>());
}

TEST_F(ResponsesTest, take_their_last_events_after_they_are_final) {
  keep("r1");
  EXPECT_TRUE(responses_.append_events("r1", 0, 0, "end"));
  EXPECT_FALSE(responses_.append_events("r1", 0, 0, "end")) << "not the same ones twice";
}

// --- What goes -----------------------------------------------------------------------------------

TEST_F(ResponsesTest, are_erased_with_all_that_belongs_to_them) {
  keep("r1");
  keep("r2");
  ASSERT_TRUE(responses_.append_events("r1", 0, 0, "e"));
  ASSERT_TRUE(responses_.append_events("r2", 0, 0, "e"));
  EXPECT_TRUE(responses_.erase("me", "r1").value());
  EXPECT_FALSE(responses_.erase("me", "r1").value());
  EXPECT_FALSE(has("r1"));
  EXPECT_FALSE(responses_.item("me", "in_r1").value());
  EXPECT_EQ(count("items"), 2);
  EXPECT_EQ(count("events"), 1);
  EXPECT_EQ(responses_.erase_all().value(), 1U);
  for (const char* table : {"responses", "items", "events"}) EXPECT_EQ(count(table), 0) << table;
  EXPECT_EQ(database_.number("PRAGMA freelist_count").value(), 0) << "the room is given back";
}

TEST_F(ResponsesTest, go_when_they_are_older_than_the_limit) {
  constexpr std::int64_t kDay = 86'400;
  const std::int64_t now = 100 * kDay;
  keep("old", "", Status::kCompleted, 69 * kDay);
  keep("at the limit", "", Status::kFailed, 70 * kDay);
  StoredResponse running = response("running");
  running.created = 1;
  ASSERT_TRUE(responses_.begin(running, {}));
  const auto swept = responses_.sweep(now, 30, 1 << 30).value();
  EXPECT_EQ(swept.erased, 1U);
  EXPECT_FALSE(swept.has_more);
  EXPECT_FALSE(has("old"));
  EXPECT_TRUE(has("at the limit"));
  EXPECT_TRUE(has("running"));
}

TEST_F(ResponsesTest, go_oldest_first_until_the_rest_fits) {
  const std::string large(100'000, 'x');
  StoredResponse running = response("running");
  running.object = large;
  running.created = 1;
  ASSERT_TRUE(responses_.begin(running, {}));
  for (const int i : {3, 1, 4, 2, 5}) {
    keep("r" + std::to_string(i), "", Status::kCompleted, 1000 + i);
    ASSERT_TRUE(responses_.append_events("r" + std::to_string(i), 0, 0, large));
  }
  constexpr std::uint64_t kBytes = 400'000;  // of 600,000
  const auto swept = responses_.sweep(2000, 30, kBytes).value();
  EXPECT_EQ(swept.erased, 3U);
  EXPECT_FALSE(swept.has_more);
  for (const char* id : {"r1", "r2", "r3"}) EXPECT_FALSE(has(id)) << id;
  for (const char* id : {"r4", "r5", "running"}) EXPECT_TRUE(has(id)) << id;
  const auto bytes = database_.number("PRAGMA page_count").value() * 4096;
  EXPECT_LE(bytes, static_cast<std::int64_t>(kBytes)) << "the file itself is smaller now";

  EXPECT_EQ(responses_.sweep(2000, 30, 1)->erased, 2U);
  EXPECT_EQ(responses_.sweep(2000, 30, 1)->erased, 0U) << "what runs stays, however little fits";
  EXPECT_TRUE(has("running"));
}

TEST_F(ResponsesTest, go_a_few_at_a_time) {
  auto transaction = Transaction::begin(database_, Transaction::Kind::kWrite);
  for (int i = 0; i < 450; ++i) keep("r" + std::to_string(i));
  ASSERT_TRUE(transaction->commit());
  std::vector<std::size_t> erased;
  for (bool more = true; more;) {
    const auto swept = responses_.sweep(1'000'000'000, 1, 1 << 30).value();
    erased.push_back(swept.erased);
    more = swept.has_more;
  }
  EXPECT_EQ(erased, (std::vector<std::size_t>{200, 200, 50}));
  EXPECT_EQ(count("responses"), 0);
}

// Two programs that have the same file open look one after the other, and remember it for the next.
TEST_F(ResponsesTest, outlive_a_clock_that_is_wrong_by_mistake) {
  constexpr std::int64_t kDay = 86'400, kNow = 20'000 * kDay, kMinutes = 60;
  Responses other(database_, "other");
  StoredResponse made = response("kept");
  made.created = kNow;
  ASSERT_TRUE(responses_.begin(made, {}));
  ASSERT_TRUE(responses_.finish("kept", Status::kCompleted, "{}", {}));
  const auto sweeps = [](Responses& one, std::int64_t wall, const Uptime& uptime) {
    const auto time = one.trusted_time({wall, uptime});
    EXPECT_TRUE(time);
    EXPECT_TRUE(one.sweep(*time, 30, 1 << 30));
  };
  const auto wrong = [&](std::int64_t passed) { return kNow + 40 * kDay + passed; };
  sweeps(responses_, kNow, {"first", 0});
  sweeps(responses_, kNow + 70 * kMinutes, {"first", 70 * kMinutes});
  sweeps(responses_, wrong(0), {"second", 10});
  sweeps(other, wrong(50 * kMinutes), {"second", 10 + 50 * kMinutes});
  sweeps(responses_, wrong(59 * kMinutes), {"second", 10 + 59 * kMinutes});
  EXPECT_TRUE(has("kept"));
  EXPECT_EQ(count("trusted_time"), 1);
  Responses next(database_, "next");
  sweeps(next, wrong(60 * kMinutes), {"second", 10 + 60 * kMinutes});
  EXPECT_FALSE(has("kept")) << "so much time has really passed";
}

TEST_F(ResponsesTest, that_ran_have_failed_when_their_owner_is_gone) {
  Responses others(database_, "alive");
  StoredResponse queued = response("r1");
  queued.status = Status::kQueued;
  ASSERT_TRUE(responses_.begin(queued, {}));
  ASSERT_TRUE(responses_.begin(response("r2"), {}));
  ASSERT_TRUE(others.begin(response("r3"), {}));
  keep("r4");
  const auto is_gone = [](const std::string& owner) { return owner == "owner"; };
  EXPECT_EQ(responses_.mark_interrupted(is_gone).value(), 2U);
  for (const char* id : {"r1", "r2"}) {
    const auto found = responses_.find("me", id).value();
    EXPECT_EQ(found->status, Status::kFailed) << id;
    EXPECT_TRUE(found->was_interrupted) << id;
  }
  EXPECT_EQ(responses_.find("me", "r3").value()->status, Status::kInProgress);
  EXPECT_EQ(responses_.find("me", "r4").value()->status, Status::kCompleted);
  EXPECT_FALSE(responses_.find("me", "r4").value()->was_interrupted);
  EXPECT_EQ(responses_.mark_interrupted(is_gone).value(), 0U);
}

TEST_F(ResponsesTest, that_broke_down_are_interrupted_unless_they_have_ended) {
  ASSERT_TRUE(responses_.begin(response("r1"), {}));
  keep("r2");
  for (const char* id : {"r1", "r2", "none"}) EXPECT_TRUE(responses_.interrupt(id));
  EXPECT_EQ(responses_.find("me", "r1").value()->status, Status::kFailed);
  EXPECT_TRUE(responses_.find("me", "r1").value()->was_interrupted);
  EXPECT_EQ(responses_.find("me", "r2").value()->status, Status::kCompleted);
}

// Whoever runs a response is asked to end it by a mark, or by a row that is gone.
TEST_F(ResponsesTest, of_others_are_ended_by_those_who_run_them) {
  Responses other(database_, "other");
  for (const char* id : {"r1", "r2", "r3"}) ASSERT_TRUE(responses_.begin(response(id), {}));
  EXPECT_FALSE(responses_.ask_to_end("me", "r1").value()) << "one's own";
  EXPECT_FALSE(other.ask_to_end("you", "r1").value()) << "of another scope";
  EXPECT_FALSE(other.ask_to_end("me", "none").value());
  EXPECT_TRUE(other.ask_to_end("me", "r1").value());
  EXPECT_TRUE(other.erase("me", "r2").value());
  const std::vector<std::string> ids{"r1", "r2", "r3"};
  const ToEnd to_end = responses_.to_end(ids).value();
  EXPECT_EQ(to_end.asked, std::vector<std::string>{"r1"});
  EXPECT_EQ(to_end.erased, std::vector<std::string>{"r2"});
  ASSERT_TRUE(responses_.finish("r3", Status::kCompleted, "{}", {}));
  EXPECT_FALSE(other.ask_to_end("me", "r3").value()) << "it has ended";
}

}  // namespace
}  // namespace ccproxy::store
