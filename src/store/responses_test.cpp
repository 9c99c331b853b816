#include "store/responses.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <variant>
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

  // Stores a finished response with one input item and one output item.
  void store_response(const std::string& id, const std::string& previous = "",
                      Status status = Status::kCompleted, std::int64_t created = 1000) {
    StoredResponse stored = response(id, previous);
    stored.created = created;
    EXPECT_TRUE(responses_.begin(stored, input_of({item("in_" + id)})));
    EXPECT_TRUE(responses_.finish(id, status, "{}", std::vector{output_item("out_" + id)}));
  }
  [[nodiscard]] bool has(const std::string& id) const {
    return responses_.find("me", id).value().has_value();
  }
  // Nothing when there is such a page.
  [[nodiscard]] std::optional<MissingFromPage> what_is_missing(const std::string& scope,
                                                               const std::string& id,
                                                               const ItemPage& page) const {
    const auto found = responses_.input_items(scope, id, page).value();
    const auto* missing = std::get_if<MissingFromPage>(&found);
    return missing == nullptr ? std::nullopt : std::optional(*missing);
  }
  std::int64_t count(const std::string& table) {
    return database_.number("SELECT count(*) FROM " + table).value();
  }

  Database database_ = Database::open(path_).value();
  Responses responses_{database_, "owner"};
};

TEST_F(ResponsesTest, finds_a_response_as_it_was_begun) {
  StoredResponse stored = response("r1", "r0");
  stored.is_background = true;
  stored.status = Status::kQueued;
  ASSERT_TRUE(responses_.begin(stored, {}));
  EXPECT_EQ(responses_.find("me", "r1").value(), stored);
}

TEST_F(ResponsesTest, returns_the_state_of_a_response_without_its_object) {
  StoredResponse stored = response("r1", "r0");
  stored.is_background = true;
  stored.object = "{a large one}";
  ASSERT_TRUE(responses_.begin(stored, {}));
  stored.object.clear();
  EXPECT_EQ(responses_.state_of("me", "r1").value(), stored);
  EXPECT_FALSE(responses_.state_of("you", "r1").value());
  responses_.hide("r1");
  EXPECT_FALSE(responses_.state_of("me", "r1").value());
}

TEST_F(ResponsesTest, hides_a_response_from_other_scopes) {
  store_response("r1");
  EXPECT_FALSE(responses_.find("you", "r1").value());
  EXPECT_FALSE(responses_.find("", "r1").value());
  EXPECT_FALSE(responses_.item("you", "out_r1").value());
  EXPECT_EQ(what_is_missing("you", "r1", {}), MissingFromPage::kResponse);
  EXPECT_TRUE(responses_.events_after("you", "r1", -1, 100).value().empty());
  EXPECT_EQ(responses_.turns("you", "r1", 9, 9999).error().kind, ErrorKind::kNotFound);
  EXPECT_FALSE(responses_.erase("you", "r1").value());
  EXPECT_TRUE(has("r1"));
}

TEST_F(ResponsesTest, refuses_an_id_that_is_taken_in_another_scope) {
  store_response("r1");
  StoredResponse theirs = response("r1");
  theirs.scope = "you";
  EXPECT_FALSE(responses_.begin(theirs, {}));
}

TEST_F(ResponsesTest, changes_a_response_only_while_it_runs) {
  ASSERT_TRUE(responses_.begin(response("r1"), {}));
  ASSERT_TRUE(responses_.update("r1", Status::kInProgress, "{1}"));
  EXPECT_EQ(responses_.find("me", "r1").value()->object, "{1}");
  ASSERT_TRUE(responses_.finish("r1", Status::kCancelled, "{2}", {}));
  for (const auto& late :
       {responses_.update("r1", Status::kInProgress, "{3}"),
        responses_.finish("r1", Status::kCompleted, "{3}", std::vector{output_item("late")})}) {
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().kind, ErrorKind::kNotFound);
  }
  const auto found = responses_.find("me", "r1").value();
  EXPECT_EQ(found->object, "{2}");
  EXPECT_EQ(found->status, Status::kCancelled);
  EXPECT_FALSE(responses_.item("me", "late").value());
}

TEST_F(ResponsesTest, refuses_to_write_to_a_response_that_is_not_there) {
  EXPECT_EQ(responses_.update("x", Status::kFailed, "").error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(responses_.finish("x", Status::kFailed, "", {}).error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(responses_.append_events("x", 0, 0, "").error().kind, ErrorKind::kNotFound);
}

// --- Turns ---------------------------------------------------------------------------------------

TEST_F(ResponsesTest, returns_a_conversation_with_the_oldest_turn_first) {
  store_response("r1");
  store_response("r2", "r1", Status::kIncomplete);
  store_response("other", "r1");
  store_response("r3", "r2");
  const auto turns = responses_.turns("me", "r3", 3, 99999);
  ASSERT_TRUE(turns) << turns.error().message;
  ASSERT_EQ(turns->size(), 3U);
  for (const std::size_t i : {0U, 1U, 2U}) {
    const std::string id = "r" + std::to_string(i + 1);
    const StoredTurn& turn = (*turns)[i];
    EXPECT_EQ(turn.response.id, id);
    EXPECT_EQ(turn.response.family, "sonnet");
    EXPECT_EQ(turn.input, std::vector{item("in_" + id)});
    EXPECT_EQ(turn.output, std::vector{output_item("out_" + id)});
  }
  EXPECT_EQ((*turns)[1].response.status, Status::kIncomplete);
}

TEST_F(ResponsesTest, names_the_response_that_a_conversation_lacks) {
  store_response("r2", "r1");
  store_response("r3", "r2");
  const auto missing = responses_.turns("me", "r3", 9, 9999);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind, ErrorKind::kNotFound);
  EXPECT_NE(missing.error().message.find(" r1 "), std::string::npos) << missing.error().message;
  const auto nothing = responses_.turns("me", "nothing", 9, 9999).error();
  EXPECT_EQ(nothing.kind, ErrorKind::kNotFound);
  EXPECT_NE(nothing.message.find(" nothing "), std::string::npos) << nothing.message;
}

TEST_F(ResponsesTest, cannot_continue_from_a_response_that_did_not_complete) {
  const Status kinds[] = {Status::kQueued, Status::kInProgress, Status::kFailed,
                          Status::kCancelled};
  for (const Status status : kinds) {
    const std::string id = "r" + std::to_string(static_cast<int>(status));
    StoredResponse stored = response(id);
    stored.status = status;
    ASSERT_TRUE(responses_.begin(stored, {}));
    store_response("after_" + id, id);
    const auto refused = responses_.turns("me", "after_" + id, 9, 9999).error();
    EXPECT_EQ(refused.kind, ErrorKind::kNotFound);
    EXPECT_NE(refused.message.find(" " + id + " "), std::string::npos) << refused.message;
  }
  StoredResponse stored = response("cut");
  stored.status = Status::kIncomplete;
  stored.was_interrupted = true;
  ASSERT_TRUE(responses_.begin(stored, {}));
  EXPECT_EQ(responses_.turns("me", "cut", 9, 9999).error().kind, ErrorKind::kNotFound);
}

TEST_F(ResponsesTest, refuses_a_conversation_beyond_its_limits) {
  store_response("r1");
  store_response("r2", "r1");
  std::size_t size = 0;
  for (const StoredItem& it : {item("in_r1"), output_item("out_r1")})
    size += 2 * (it.json.size() + it.blocks.size());
  EXPECT_TRUE(responses_.turns("me", "r2", 2, size));
  EXPECT_EQ(responses_.turns("me", "r2", 1, size).error().kind, ErrorKind::kTooLarge);
  EXPECT_EQ(responses_.turns("me", "r2", 2, size - 1).error().kind, ErrorKind::kTooLarge);
  store_response("self", "self");
  EXPECT_EQ(responses_.turns("me", "self", 50, 99999).error().kind, ErrorKind::kTooLarge);
}

// --- Items ---------------------------------------------------------------------------------------

TEST_F(ResponsesTest, finds_an_item_in_outputs_first_and_then_the_newest) {
  const auto begin = [&](const std::string& id, const std::string& json) {
    ASSERT_TRUE(responses_.begin(response(id), input_of({StoredItem{"same", json}})));
  };
  begin("r1", "old");
  begin("r2", "new");
  EXPECT_EQ(responses_.item("me", "same").value()->item.json, "new");
  EXPECT_FALSE(responses_.item("me", "same").value()->is_output);
  ASSERT_TRUE(responses_.finish("r1", Status::kCompleted, "", std::vector{output_item("same")}));
  begin("r3", "newest");
  const auto found = responses_.item("me", "same").value();
  EXPECT_EQ(found->item, output_item("same"));
  EXPECT_TRUE(found->is_output);
  EXPECT_EQ(found->family, "sonnet");
  EXPECT_EQ(found->account, "a1");
  ASSERT_TRUE(responses_.erase("me", "r1").value());
  ASSERT_TRUE(responses_.erase("me", "r3").value());
  EXPECT_EQ(responses_.item("me", "same").value()->item.json, "new");
  EXPECT_FALSE(responses_.item("me", "nothing").value());
}

struct Page {
  const char* name;
  ItemPage page;
  Ids ids;
  bool has_more;
};

const Page kPages[] = {
    {"the last items come first", {"", "", 3, false}, {"e", "d", "c"}, true},
    {"ascending is the order in which they were sent", {"", "", 3, true}, {"a", "b", "c"}, true},
    {"a limit of the whole length returns all",
     {"", "", 5, true},
     {"a", "b", "c", "d", "e"},
     false},
    {"after continues in the same order", {"c", "", 5, false}, {"b", "a"}, false},
    {"after continues ascending", {"c", "", 1, true}, {"d"}, true},
    {"nothing comes after the last item", {"e", "", 5, true}, {}, false},
    {"before ends the page, ascending", {"", "c", 5, true}, {"a", "b"}, false},
    {"before ends the page, descending", {"", "c", 5, false}, {"e", "d"}, false},
    {"before takes the items next to it", {"", "e", 2, true}, {"c", "d"}, true},
    {"before takes those next to it, descending", {"", "a", 2, false}, {"c", "b"}, true},
    {"both bounds", {"a", "d", 5, true}, {"b", "c"}, false},
    {"both bounds, from after on", {"a", "e", 2, true}, {"b", "c"}, true},
    {"both bounds, descending", {"e", "b", 5, false}, {"d", "c"}, false},
    {"both bounds the other way round", {"d", "b", 5, true}, {}, false},
};

TEST_F(ResponsesTest, lists_the_input_items_page_by_page) {
  std::vector<StoredItem> input;
  for (const char* id : {"a", "b", "c", "d", "e"}) input.push_back(item(id));
  ASSERT_TRUE(responses_.begin(response("r0"), input_of({item("z")})));
  ASSERT_TRUE(responses_.begin(response("r1", "r0"), input_of(input)));
  ASSERT_TRUE(responses_.finish("r1", Status::kCompleted, "", std::vector{output_item("out")}));
  for (const Page& row : kPages) {
    SCOPED_TRACE(row.name);
    const auto page = responses_.input_items("me", "r1", row.page);
    ASSERT_TRUE(page) << page.error().message;
    ASSERT_TRUE(std::holds_alternative<ItemList>(*page));
    const auto& list = std::get<ItemList>(*page);
    EXPECT_EQ(ids_of(list.items), row.ids);
    EXPECT_EQ(list.has_more, row.has_more);
  }
}

struct MissingRow {
  const char* name;
  const char* id;
  ItemPage page;
  MissingFromPage missing;
};

const MissingRow kMissing[] = {
    {"an item of the output is none of the input",
     "r1",
     {"out", "", 5, true},
     MissingFromPage::kAfter},
    {"an item of an earlier response is none of this input",
     "r1",
     {"z", "", 5, true},
     MissingFromPage::kAfter},
    {"an unknown item after which the page begins",
     "r1",
     {"none", "", 5, false},
     MissingFromPage::kAfter},
    {"an unknown item before which the page ends",
     "r1",
     {"a", "none", 5, true},
     MissingFromPage::kBefore},
    {"an unknown item before which the page ends, descending",
     "r1",
     {"a", "none", 5, false},
     MissingFromPage::kBefore},
    {"the id of the response itself is no item",
     "r1",
     {"r1", "", 5, true},
     MissingFromPage::kAfter},
    {"an unknown response", "none", {"a", "", 5, true}, MissingFromPage::kResponse},
    {"an unknown response whose id is also the bound",
     "none",
     {"none", "", 5, true},
     MissingFromPage::kResponse},
    {"a withdrawn response", "hidden", {"", "", 5, true}, MissingFromPage::kResponse},
};

TEST_F(ResponsesTest, tells_a_missing_response_from_a_missing_bound_of_a_page) {
  ASSERT_TRUE(responses_.begin(response("r0"), input_of({item("z")})));
  ASSERT_TRUE(responses_.begin(response("r1", "r0"), input_of({item("a")})));
  ASSERT_TRUE(responses_.finish("r1", Status::kCompleted, "", std::vector{output_item("out")}));
  ASSERT_TRUE(responses_.begin(response("hidden"), {}));
  responses_.hide("hidden");
  for (const MissingRow& row : kMissing)
    EXPECT_EQ(what_is_missing("me", row.id, row.page), row.missing) << row.name;
}

TEST_F(ResponsesTest, keeps_the_order_of_input_items_with_the_same_id) {
  const std::vector<StoredItem> input = {{"x", "1"}, {"", "2"}, {"x", "3"}, {"", "4"}};
  ASSERT_TRUE(responses_.begin(response("r1"), input_of(input)));
  const auto page = responses_.input_items("me", "r1", {"", "", 9, true});
  EXPECT_EQ(std::get<ItemList>(page.value()).items, input);
}

// --- Events --------------------------------------------------------------------------------------

TEST_F(ResponsesTest, returns_the_events_after_a_number_in_order) {
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
  EXPECT_EQ(after(1), all) << "the first chunk holds event 2, too";
  EXPECT_EQ(after(2), std::vector(all.begin() + 1, all.end()));
  EXPECT_EQ(after(9), std::vector<EventChunk>());
  EXPECT_EQ(after(-1, 0), std::vector{all[0]}) << "at least one chunk is returned";
  EXPECT_EQ(after(-1, 3), std::vector{all[0]});
  EXPECT_EQ(after(-1, 4), std::vector(all.begin(), all.begin() + 2));
  EXPECT_EQ(responses_.events_after("me", "nothing", -1, 9).value(), std::vector<EventChunk>());
}

TEST_F(ResponsesTest, appends_events_to_a_final_response) {
  store_response("r1");
  EXPECT_TRUE(responses_.append_events("r1", 0, 0, "end"));
  EXPECT_FALSE(responses_.append_events("r1", 0, 0, "end"))
      << "the same events cannot be stored twice";
}

// --- Erasing -------------------------------------------------------------------------------------

TEST_F(ResponsesTest, erases_a_response_with_its_items_and_events) {
  store_response("r1");
  store_response("r2");
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
  EXPECT_EQ(database_.number("PRAGMA freelist_count").value(), 0)
      << "the pages are given back to the system";
}

TEST_F(ResponsesTest, sweeps_responses_older_than_the_limit) {
  constexpr std::int64_t kDay = 86'400;
  const std::int64_t now = 100 * kDay;
  store_response("old", "", Status::kCompleted, 69 * kDay);
  store_response("at the limit", "", Status::kFailed, 70 * kDay);
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

TEST_F(ResponsesTest, sweeps_the_oldest_responses_until_the_rest_fits) {
  const std::string large(100'000, 'x');
  StoredResponse running = response("running");
  running.object = large;
  running.created = 1;
  ASSERT_TRUE(responses_.begin(running, {}));
  for (const int i : {3, 1, 4, 2, 5}) {
    store_response("r" + std::to_string(i), "", Status::kCompleted, 1000 + i);
    ASSERT_TRUE(responses_.append_events("r" + std::to_string(i), 0, 0, large));
  }
  constexpr std::uint64_t kBytes = 400'000;  // of 600,000
  const auto swept = responses_.sweep(2000, 30, kBytes).value();
  EXPECT_EQ(swept.erased, 3U);
  EXPECT_FALSE(swept.has_more);
  for (const char* id : {"r1", "r2", "r3"}) EXPECT_FALSE(has(id)) << id;
  for (const char* id : {"r4", "r5", "running"}) EXPECT_TRUE(has(id)) << id;
  const auto bytes = database_.number("PRAGMA page_count").value() * 4096;
  EXPECT_LE(bytes, static_cast<std::int64_t>(kBytes)) << "the file itself has shrunk";

  EXPECT_EQ(responses_.sweep(2000, 30, 1)->erased, 2U);
  EXPECT_EQ(responses_.sweep(2000, 30, 1)->erased, 0U)
      << "a running response stays, however little fits";
  EXPECT_TRUE(has("running"));
}

TEST_F(ResponsesTest, sweeps_a_few_hundred_responses_in_one_call) {
  auto transaction = Transaction::begin(database_, Transaction::Kind::kWrite);
  for (int i = 0; i < 450; ++i) store_response("r" + std::to_string(i));
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

// Two programs that have the same file open sweep in turn; each notes its clocks for the next one.
TEST_F(ResponsesTest, sweeps_nothing_for_an_hour_after_the_clock_has_jumped) {
  constexpr std::int64_t kDay = 86'400, kNow = 20'000 * kDay, kMinutes = 60;
  Responses other(database_, "other");
  StoredResponse stored = response("kept");
  stored.created = kNow;
  ASSERT_TRUE(responses_.begin(stored, {}));
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
  EXPECT_FALSE(has("kept")) << "the clock has run on from its jump for an hour";
}

TEST_F(ResponsesTest, marks_running_responses_of_a_dead_owner_as_failed) {
  Responses others(database_, "alive");
  StoredResponse queued = response("r1");
  queued.status = Status::kQueued;
  ASSERT_TRUE(responses_.begin(queued, {}));
  ASSERT_TRUE(responses_.begin(response("r2"), {}));
  ASSERT_TRUE(others.begin(response("r3"), {}));
  store_response("r4");
  const auto is_dead = [](const std::string& owner) { return owner == "owner"; };
  EXPECT_EQ(responses_.mark_interrupted(is_dead).value(), 2U);
  for (const char* id : {"r1", "r2"}) {
    const auto found = responses_.find("me", id).value();
    EXPECT_EQ(found->status, Status::kFailed) << id;
    EXPECT_TRUE(found->was_interrupted) << id;
  }
  EXPECT_EQ(responses_.find("me", "r3").value()->status, Status::kInProgress);
  EXPECT_EQ(responses_.find("me", "r4").value()->status, Status::kCompleted);
  EXPECT_FALSE(responses_.find("me", "r4").value()->was_interrupted);
  EXPECT_EQ(responses_.mark_interrupted(is_dead).value(), 0U);
}

TEST_F(ResponsesTest, interrupts_a_response_unless_it_has_ended) {
  ASSERT_TRUE(responses_.begin(response("r1"), {}));
  store_response("r2");
  for (const char* id : {"r1", "r2", "none"}) EXPECT_TRUE(responses_.interrupt(id));
  EXPECT_EQ(responses_.find("me", "r1").value()->status, Status::kFailed);
  EXPECT_TRUE(responses_.find("me", "r1").value()->was_interrupted);
  EXPECT_EQ(responses_.find("me", "r2").value()->status, Status::kCompleted);
}

// The owner of a response learns by a mark, or by its missing row, that it is to end it.
TEST_F(ResponsesTest, tells_an_owner_which_responses_to_cancel) {
  Responses other(database_, "other");
  for (const char* id : {"r1", "r2", "r3"}) ASSERT_TRUE(responses_.begin(response(id), {}));
  EXPECT_FALSE(responses_.request_cancellation("me", "r1").value()) << "it is this owner's own";
  EXPECT_FALSE(other.request_cancellation("you", "r1").value()) << "it belongs to another scope";
  EXPECT_FALSE(other.request_cancellation("me", "none").value());
  EXPECT_TRUE(other.request_cancellation("me", "r1").value());
  EXPECT_TRUE(other.erase("me", "r2").value());
  const std::vector<std::string> ids{"r1", "r2", "r3"};
  const CancellationRequests cancellation_requests = responses_.cancellation_requests(ids).value();
  EXPECT_EQ(cancellation_requests.requested, std::vector<std::string>{"r1"});
  EXPECT_EQ(cancellation_requests.erased, std::vector<std::string>{"r2"});
  ASSERT_TRUE(responses_.finish("r3", Status::kCompleted, "{}", {}));
  EXPECT_FALSE(other.request_cancellation("me", "r3").value()) << "it has ended";
}

}  // namespace
}  // namespace ccproxy::store
