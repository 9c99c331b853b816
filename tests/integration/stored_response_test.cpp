// Stored responses: continued by id, fetched, listed, replayed from any event, deleted; each proxy
// key sees only its own, and all of them survive a restart.
#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "support/responses.hpp"

namespace ccproxy::test {
namespace {

constexpr const char* kThought = R"({"blocks":[{"thinking":"x","signature":"S"},{"text":"t"}]})";

class StoredResponse : public testing::TestWithParam<unsigned> {
 protected:
  [[nodiscard]] Document refused(const Document& more) {
    return error_in(post_response(fixture, response_body(more)));
  }

  ProxyFixture fixture{Plan{.workers = GetParam()}};
};
INSTANTIATE_TEST_SUITE_P(Workers, StoredResponse, testing::Values(1U, 2U));

TEST_P(StoredResponse, is_continued_by_its_id_p61) {
  fixture.set_reply(json_of(kThought));
  std::string previous;
  for (const char* input : {"1", "2", "3"}) {
    Document more = {{"instructions", std::string("I") + input}, {"input", input}};
    if (!previous.empty()) more["previous_response_id"] = previous;
    const Document response = stream_response(fixture, more).response();
    EXPECT_EQ(response["previous_response_id"], previous.empty() ? Document() : Document(previous));
    previous = response["id"];
  }
  const std::vector<Document> sent = sent_bodies(fixture);
  ASSERT_EQ(sent.size(), 3U);
  EXPECT_EQ(sent[2]["system"], json_of(R"([{"type":"text","text":"I3"}])")) << "not inherited";
  ASSERT_EQ(sent[2]["messages"].size(), 5U);
  EXPECT_EQ(sent[2]["messages"][1]["content"],
            json_of(R"([{"type":"thinking","thinking":"x","signature":"S"},
                        {"type":"text","text":"t"}])"));
  for (std::size_t turn = 0; turn + 1 < sent.size(); ++turn)
    for (std::size_t i = 0; i < sent[turn]["messages"].size(); ++i)
      EXPECT_EQ(sent[turn + 1]["messages"][i].dump(), sent[turn]["messages"][i].dump())
          << "the prefix is another: turn " << turn << ", message " << i;
}

TEST_P(StoredResponse, tool_loop_works_by_ids_alone_p61) {
  fixture.set_reply(json_of(R"({"blocks":[{"thinking":"x","signature":"S"},{"text":"Looking."},
      {"tool_use":{"id":"a","name":"f","fragments":["{ \"b\" : 1.50 }"]}}]})"));
  const Document tools = json_of(R"({"tools":[{"type":"function","name":"f"}]})");
  Document more = tools;
  more["previous_response_id"] = whole_response(fixture, tools)["id"];
  more["input"] = json_of(R"([{"type":"function_call_output","call_id":"a","output":"r"}])");
  (void)whole_response(fixture, more);
  const std::string raw = body_of(fixture.requests().back());
  EXPECT_NE(raw.find(R"({ "b" : 1.50 })"), std::string::npos) << "as the model wrote it: " << raw;
  const Document messages = sent_body(fixture)["messages"];
  ASSERT_EQ(messages.size(), 3U);
  EXPECT_EQ(messages[1]["content"].size(), 3U);
  EXPECT_EQ(messages[2]["content"][0]["tool_use_id"], "a");
}

// Such a client keeps neither reasoning nor ids of items, and sends each result after its call.
TEST_P(StoredResponse, thinking_is_restored_in_a_turn_that_came_back_in_pieces) {
  const Document blocks = json_of(R"([{"type":"thinking","thinking":"x","signature":"S"},
      {"type":"tool_use","id":"a","name":"f","input":{}},
      {"type":"thinking","thinking":"y","signature":"T"},
      {"type":"tool_use","id":"b","name":"f","input":{}}])");
  fixture.set_reply(json_of(R"({"blocks":[{"thinking":"x","signature":"S"},
      {"tool_use":{"id":"a","name":"f","input":{}}},{"thinking":"y","signature":"T"},
      {"tool_use":{"id":"b","name":"f","input":{}}}]})"));
  Document more = json_of(R"({"store":false,"tools":[{"type":"function","name":"f"}]})");
  (void)whole_response(fixture, more);
  more["input"] = json_of(R"([{"role":"user","content":"hi"},
      {"role":"assistant","content":"<think>\n\n</think>"},
      {"type":"function_call","call_id":"a","name":"f","arguments":"{}"},
      {"type":"function_call_output","call_id":"a","output":"1"},
      {"type":"function_call","call_id":"b","name":"f","arguments":"{}"},
      {"type":"function_call_output","call_id":"b","output":"2"}])");
  (void)whole_response(fixture, more);
  const Document messages = sent_body(fixture)["messages"];
  ASSERT_EQ(messages.size(), 3U) << messages;
  EXPECT_EQ(messages[1]["content"], blocks);
}

TEST_P(StoredResponse, unknown_members_of_a_call_are_restored) {
  const Document call = json_of(R"({"type":"tool_use","id":"a","name":"f","input":{},
      "caller":{"type":"direct"}})");
  fixture.set_reply({{"blocks", {{{"block", call}}}}});
  const Document tools = json_of(R"({"tools":[{"type":"function","name":"f"}]})");
  const Document first = whole_response(fixture, tools);
  const Document result = json_of(R"({"type":"function_call_output","call_id":"a","output":"r"})");
  Document continued = tools, named = tools;
  continued["previous_response_id"] = first["id"];
  continued["input"] = Document::array({result});
  named["input"] = {{{"role", "user"}, {"content", "hi"}},
                    {{"type", "item_reference"}, {"id", first["output"][0]["id"]}},
                    result};
  for (const Document& more : {continued, named}) {
    (void)whole_response(fixture, more);
    EXPECT_EQ(sent_body(fixture)["messages"][1]["content"], Document::array({call}));
  }
}

// Before, after a reply without blocks the next request had the words of the turn before twice.
TEST_P(StoredResponse, is_continued_without_blocks_p61) {
  const std::string previous = whole_response(
      fixture, json_of(R"({"input":"1","prompt_cache_options":{"prewarm":true}})"))["id"];
  (void)whole_response(fixture, {{"previous_response_id", previous}, {"input", "2"}});
  EXPECT_EQ(sent_body(fixture)["messages"], json_of(R"([{"role":"user","content":[
      {"type":"text","text":"1"},{"type":"text","text":"2"}]}])"));
}

TEST_P(StoredResponse, unknown_or_failed_one_cannot_be_continued_p61) {
  const std::string forgotten = whole_response(fixture, {{"store", false}})["id"];
  const std::string erased = whole_response(fixture)["id"];
  EXPECT_EQ(request_stored(fixture, "DELETE", erased).status, 200);
  fixture.set_reply(json_of(R"({"text":"Hello over there","fault":"end-mid=4"})"));
  const std::string failed = stream_response(fixture).id();
  for (const std::string& id : {forgotten, erased, failed, std::string("resp_x")}) {
    SCOPED_TRACE(id);
    const Document error = refused({{"previous_response_id", id}});
    EXPECT_EQ(error["status"], 400);
    EXPECT_EQ(error["code"], "previous_response_not_found");
    EXPECT_EQ(error["param"], "previous_response_id");
    EXPECT_EQ(error["message"], "Previous response with id '" + id + "' not found.");
  }
  EXPECT_EQ(stored_response(fixture, forgotten), Document());
}

TEST_P(StoredResponse, incomplete_one_is_continued_without_its_open_call_b07) {
  fixture.set_reply(json_of(R"({"blocks":[{"text":"t"},
      {"tool_use":{"id":"a","name":"f","fragments":["{\"x\":\"lo"]}}],
      "stop_reason":"max_tokens"})"));
  const Document tools = json_of(R"({"tools":[{"type":"function","name":"f"}]})");
  Document more = tools;
  more["previous_response_id"] = whole_response(fixture, tools)["id"];
  (void)whole_response(fixture, more);
  const Document messages = sent_body(fixture)["messages"];
  ASSERT_EQ(messages.size(), 3U) << messages;
  EXPECT_EQ(messages[1]["content"], json_of(R"([{"type":"text","text":"t"}])"));
}

TEST_P(StoredResponse, item_references_replace_items_p60) {
  fixture.set_reply(json_of(kThought));
  const Document output = whole_response(fixture)["output"];
  Document input = json_of(R"([{"role":"user","content":"1"}])");
  input.push_back({{"type", "item_reference"}, {"id", output[0]["id"]}});
  input.push_back({{"type", nullptr}, {"id", output[1]["id"]}});
  input.push_back({{"role", "user"}, {"content", "2"}});
  for (const bool stores : {false, true})
    (void)whole_response(fixture, {{"input", input}, {"store", stores}});
  const Document messages = sent_body(fixture)["messages"];
  ASSERT_EQ(messages.size(), 3U);
  EXPECT_EQ(messages[1]["content"], json_of(R"([{"type":"thinking","thinking":"x","signature":"S"},
                                                {"type":"text","text":"t"}])"));
  input[1]["id"] = "rs_unknown";
  const Reply dropped = post_response(fixture, response_body({{"input", input}}));
  EXPECT_EQ(dropped.status, 200) << dropped.body;
  EXPECT_EQ(dropped.field("x-ccproxy-warning"), "item_dropped");
  input[2]["id"] = "msg_unknown";
  const Document error = refused({{"input", input}});
  EXPECT_EQ(error["status"], 404);
  EXPECT_EQ(error["message"], "Item with id 'msg_unknown' not found.");
  EXPECT_EQ(error["param"], "input");
  EXPECT_TRUE(error["code"].is_null());
}

// Before, the second request ended the process: the first was stored as it came, resolved to
// itself, and was followed without end; a restart found it once more.
TEST_P(StoredResponse, item_that_refers_to_itself_is_dropped_p60) {
  const Document items = json_of(R"([{"id":"rs_x"},{"id":"rs_x","type":null},
      {"id":"rs_x","type":""},{"id":"rs_x","summary":[]},{"id":"rs_x","type":"item_reference"}])");
  const auto expect_dropped = [&](const Document& item) {
    const Reply reply = post_response(
        fixture, response_body({{"input", {item, {{"role", "user"}, {"content", "hi"}}}}}));
    EXPECT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(reply.field("x-ccproxy-warning"), "item_dropped");
    return Document::parse(reply.body)["id"].get<std::string>();
  };
  for (const Document& item : items) {
    SCOPED_TRACE(item.dump());
    (void)expect_dropped(item);
    const std::string again = expect_dropped(item);
    (void)whole_response(fixture, {{"previous_response_id", again}, {"input", "2"}});
  }
  fixture.restart();
  for (const Document& item : items) (void)expect_dropped(item);
  EXPECT_EQ(refused({{"input", json_of(R"([{"id":"msg_x"}])")}})["status"], 404);
}

// That another request refers to the item does not preserve it.
TEST_P(StoredResponse, item_is_deleted_with_its_response_p60) {
  const Document response = whole_response(fixture);
  const Document input = {{{"type", "item_reference"}, {"id", response["output"][0]["id"]}},
                          {{"role", "user"}, {"content", "2"}}};
  const std::string naming = whole_response(fixture, {{"input", input}})["id"];
  EXPECT_EQ(request_stored(fixture, "DELETE", response["id"]).status, 200);
  EXPECT_EQ(refused({{"input", input}})["status"], 404);
  EXPECT_EQ(refused({{"previous_response_id", naming}})["status"], 404) << "or its past is another";
}

TEST_P(StoredResponse, is_fetched_and_deleted_p66) {
  const ResponseEvents read = stream_response(fixture);
  const Reply fetched = request_stored(fixture, "GET", read.id());
  EXPECT_EQ(fetched.field("content-type"), "application/json");
  EXPECT_EQ(json_of(fetched.body), read.response());
  const Document whole = whole_response(fixture);
  EXPECT_EQ(stored_response(fixture, whole["id"]), whole);
  EXPECT_EQ(error_in(request_stored(fixture, "POST", read.id() + "/cancel"))["status"], 400);
  EXPECT_EQ(json_of(request_stored(fixture, "DELETE", read.id()).body),
            (Document{{"id", read.id()}, {"object", "response.deleted"}, {"deleted", true}}));
  for (const char* method : {"GET", "DELETE"}) {
    const Document error = error_in(request_stored(fixture, method, read.id()));
    EXPECT_EQ(error["status"], 404) << method;
    EXPECT_EQ(error["message"], "Response with id '" + read.id() + "' not found.");
    EXPECT_TRUE(error["param"].is_null() && error["code"].is_null()) << error;
  }
  for (const char* rest : {"/input_items", "?stream=true"})
    EXPECT_EQ(request_stored(fixture, "GET", read.id() + rest).status, 404) << rest;
  EXPECT_EQ(request_stored(fixture, "POST", read.id() + "/cancel").status, 404);
  EXPECT_EQ(stored_response(fixture, whole["id"]), whole) << "the other one is still there";
}

TEST_P(StoredResponse, is_replayed_from_every_event_p66) {
  fixture.set_reply(json_of(R"({"blocks":[{"thinking":"x","signature":"S"},
      {"text":"One two three four five six seven eight"},{"tool_use":{"name":"f","input":{}}}]})"));
  const ResponseEvents read = stream_response(
      fixture,
      json_of(R"({"tools":[{"type":"function","name":"f"}],"reasoning":{"summary":"auto"}})"));
  const auto count = static_cast<std::int64_t>(read.events.size());
  for (std::int64_t after = -1; after <= count; ++after) {
    SCOPED_TRACE(after);
    std::string rest = read.id() + "?stream=true";
    if (after >= 0) rest += "&starting_after=" + std::to_string(after);
    const Reply reply = request_stored(fixture, "GET", rest);
    EXPECT_EQ(reply.status, 200);
    EXPECT_TRUE(reply.complete);
    EXPECT_EQ(reply.field("content-type"), "text/event-stream; charset=utf-8");
    const ResponseEvents again = read_some_events(reply.body, after + 1);
    EXPECT_EQ(again.fault, "");
    const auto begin = read.events.begin() + std::min(after + 1, count);
    EXPECT_EQ(again.events, std::vector<Document>(begin, read.events.end()));
  }
}

TEST_P(StoredResponse, fetch_has_a_request_id_and_validates_starting_after) {
  const std::string id = whole_response(fixture)["id"];
  EXPECT_NE(request_stored(fixture, "GET", id).field("x-request-id"), "");
  for (const char* after : {"abc", "-2", "99999999999999999999"}) {
    const Reply reply =
        request_stored(fixture, "GET", id + "?stream=true&starting_after=" + std::string(after));
    EXPECT_EQ(reply.status, 400) << after;
    EXPECT_EQ(json_of(reply.body)["error"]["param"], "starting_after");
  }
}

TEST_P(StoredResponse, input_items_are_listed_in_pages_p66) {
  Document input = Document::array();
  for (int i = 0; i < 25; ++i) input.push_back({{"role", "user"}, {"content", std::to_string(i)}});
  const std::string id = whole_response(fixture, {{"input", input}})["id"];
  const auto page = [&](const std::string& query) {
    return json_of(request_stored(fixture, "GET", id + "/input_items" + query).body);
  };
  const Document first = page("");
  EXPECT_EQ(first["object"], "list");
  EXPECT_EQ(first["data"].size(), 20U);
  EXPECT_EQ(first["has_more"], true);
  EXPECT_EQ(first["data"][0]["content"][0]["text"], "24") << "the last comes first";
  EXPECT_EQ(first["data"][0]["type"], "message");
  EXPECT_EQ(first["first_id"], first["data"][0]["id"]);
  EXPECT_EQ(first["last_id"], first["data"][19]["id"]);
  const Document second = page("?after=" + first["last_id"].get<std::string>());
  EXPECT_EQ(second["data"].size(), 5U);
  EXPECT_EQ(second["has_more"], false);
  EXPECT_EQ(second["data"][4]["content"][0]["text"], "0");
  std::set<std::string> ids;
  for (const Document& list : {first, second})
    for (const Document& item : list["data"]) ids.insert(item["id"].get<std::string>());
  EXPECT_EQ(ids.size(), 25U);
  EXPECT_EQ(page("?order=asc&limit=100")["data"].size(), 25U);
  EXPECT_EQ(page("?order=asc&limit=1")["data"][0]["content"][0]["text"], "0");
  EXPECT_EQ(page("?order=asc&limit=1")["data"][0]["status"], "completed");
  for (const char* query : {"?limit=0", "?limit=101", "?limit=x", "?order=up", "?after=nobody"})
    EXPECT_EQ(request_stored(fixture, "GET", id + "/input_items" + query).status, 400) << query;
  // The id of the response is no item: this was told as a missing response.
  const auto own = request_stored(fixture, "GET", id + "/input_items?after=" + id);
  EXPECT_EQ(own.status, 400);
  EXPECT_EQ(json_of(own.body)["error"]["param"], "after");
}

TEST_P(StoredResponse, other_endpoints_respond_p66) {
  const auto post = [&](const std::string& rest, const Document& body) {
    return send_request(fixture.port(), "POST", std::string(kResponses) + rest, body.dump(),
                        kOpenAiFields);
  };
  const Document counted = json_of(post("/input_tokens", response_body()).body);
  EXPECT_EQ(counted["object"], "response.input_tokens");
  EXPECT_GT(counted["input_tokens"], 0);
  const Document error = error_in(post("/compact", {{"input", "hi"}}));
  EXPECT_EQ(error["status"], 400);
  EXPECT_EQ(error["param"], "model");
  const Reply unnamed =
      send_request(fixture.port(), "PUT", std::string(kResponses) + "/resp_x", "{}");
  EXPECT_EQ(unnamed.status, 405);
  EXPECT_FALSE(unnamed.field("allow").empty());
  const Document conversation =
      error_in(send_request(fixture.port(), "POST", "/v1/conversations", "{}"));
  EXPECT_EQ(conversation["status"], 400);
  EXPECT_EQ(conversation["param"], "conversation");
}

// Case A7: there is exactly one item, and later turns contain what it stands for.
TEST_P(StoredResponse, compaction_is_one_item_that_later_turns_expand_a07) {
  fixture.set_reply({{"text", "THE SUMMARY"}});
  const Document body = response_body();
  const Document compacted =
      json_of(send_request(fixture.port(), "POST", std::string(kResponses) + "/compact",
                           body.dump(), kOpenAiFields)
                  .body);
  EXPECT_EQ(compacted.value("object", ""), "response.compaction") << compacted;
  const ResponseEvents read = stream_response(
      fixture,
      json_of(R"({"input":[{"role":"user","content":"hi"},{"type":"compaction_trigger"}]})"));
  for (const Document& output : {compacted["output"], read.response()["output"]}) {
    int count = 0;
    for (const Document& item : output) count += item["type"] == "compaction" ? 1 : 0;
    EXPECT_EQ(count, 1) << output;
    Document input = output;
    input.push_back({{"role", "user"}, {"content", "go on"}});
    (void)whole_response(fixture, {{"input", input}});
    EXPECT_NE(sent_body(fixture)["messages"].dump().find("THE SUMMARY"), std::string::npos);
  }
  EXPECT_EQ(read.response()["output"].size(), 1U);
  EXPECT_EQ(compacted["output"][0]["status"], "completed");
  const Document first = whole_response(fixture, {{"input", "word for word"}});
  const Document of_it = json_of(
      send_request(
          fixture.port(), "POST", std::string(kResponses) + "/compact",
          Document{{"model", "claude-sonnet-5"}, {"previous_response_id", first["id"]}}.dump(),
          kOpenAiFields)
          .body);
  ASSERT_EQ(of_it["output"].size(), 2U) << of_it;
  EXPECT_EQ(of_it["output"][0]["content"][0]["text"], "word for word") << of_it;
  EXPECT_EQ(of_it["output"][0]["status"], "completed") << of_it;
  (void)whole_response(fixture, {{"previous_response_id", read.id()}, {"input", "go on"}});
  EXPECT_EQ(sent_body(fixture)["messages"].size(), 1U);
  EXPECT_EQ(sent_body(fixture)["messages"][0]["content"].size(), 2U) << "the summary, once";
}

TEST_P(StoredResponse, is_visible_to_its_proxy_key_only_b07) {
  ProxyFixture keyed(Plan{.workers = GetParam(), .config = kTwoKeys});
  const Document response = whole_response(keyed, Document::object(), key_fields("a"));
  const std::string id = response["id"], item = response["output"][0]["id"];
  EXPECT_EQ(stored_response(keyed, id, key_fields("a")), response);
  EXPECT_EQ(request_stored(keyed, "GET", id, key_fields("b")).status, 404);
  EXPECT_EQ(request_stored(keyed, "GET", id + "?stream=true", key_fields("b")).status, 404);
  EXPECT_EQ(request_stored(keyed, "GET", id + "/input_items", key_fields("b")).status, 404);
  EXPECT_EQ(request_stored(keyed, "POST", id + "/cancel", key_fields("b")).status, 404);
  EXPECT_EQ(request_stored(keyed, "DELETE", id, key_fields("b")).status, 404);
  const auto status_for = [&](const char* name, const Document& more) {
    return post_response(keyed, response_body(more), key_fields(name)).status;
  };
  EXPECT_EQ(status_for("b", {{"previous_response_id", id}}), 400);
  EXPECT_EQ(status_for("a", {{"previous_response_id", id}}), 200);
  const Document named = {
      {"input",
       {{{"type", "item_reference"}, {"id", item}}, {{"role", "user"}, {"content", "x"}}}}};
  EXPECT_EQ(status_for("b", named), 404);
  EXPECT_EQ(status_for("a", named), 200);
}

TEST_P(StoredResponse, survives_a_restart_b07) {
  fixture.set_reply(json_of(kThought));
  const ResponseEvents read = stream_response(fixture);
  fixture.restart();
  EXPECT_EQ(stored_response(fixture, read.id()), read.response());
  EXPECT_EQ(read_events(request_stored(fixture, "GET", read.id() + "?stream=true").body).events,
            read.events);
  (void)whole_response(fixture, {{"previous_response_id", read.id()}});
  EXPECT_EQ(sent_body(fixture)["messages"].size(), 3U);
}

TEST_P(StoredResponse, disabled_store_stores_nothing_b07) {
  ProxyFixture off(Plan{.workers = GetParam(), .config = R"({"store":{"enabled":false}})"});
  const Document response = stream_response(off, {{"store", true}}).response();
  EXPECT_EQ(response["store"], false);
  const std::string id = response["id"], item = response["output"][0]["id"];
  for (const char* rest : {"", "/input_items", "?stream=true"})
    EXPECT_EQ(request_stored(off, "GET", id + rest).status, 404) << rest;
  EXPECT_EQ(request_stored(off, "DELETE", id).status, 404);
  EXPECT_EQ(request_stored(off, "POST", id + "/cancel").status, 404);
  const auto refusal = [&](const Document& more) {
    return error_in(post_response(off, response_body(more)));
  };
  EXPECT_EQ(refusal({{"previous_response_id", id}})["code"], "previous_response_not_found");
  EXPECT_EQ(refusal({{"background", true}})["param"], "background");
  EXPECT_EQ(refusal({{"background", true}})["status"], 400);
  EXPECT_EQ(refusal({{"input", {{{"type", "item_reference"}, {"id", item}}}}})["status"], 404);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(off.home()))
    EXPECT_EQ(entry.path().string().find("responses"), std::string::npos) << entry.path();
}

}  // namespace
}  // namespace ccproxy::test
