#include "proxy/endpoints/responses.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "net/test_loop.hpp"
#include "proxy/state/response_store.hpp"
#include "proxy/state/running_response.hpp"

namespace ccproxy::proxy {
namespace {

struct QueryRow {
  const char* description;
  const char* path;
  const char* method;
  const char* query;
  bool streams;
  std::int64_t after;  // -2: refused
};

const QueryRow kQueries[] = {
    {"the object is the default", "/v1/responses/resp_1", "GET", "", false, -1},
    {"events are streamed on request", "/v1/responses/resp_1", "GET", "?stream=true", true, -1},
    {"stream=false is the default", "/v1/responses/resp_1", "GET", "?stream=false", false, -1},
    {"a HEAD request streams nothing", "/v1/responses/resp_1", "HEAD", "?stream=true", false, -1},
    {"an operation streams nothing", "/v1/responses/resp_1/input_items", "GET", "?stream=true",
     false, -1},
    {"a number follows that event", "/v1/responses/resp_1", "GET", "?stream=true&starting_after=41",
     true, 41},
    {"-1 means all", "/v1/responses/resp_1", "GET", "?starting_after=-1&stream=true", true, -1},
    {"other text is refused", "/v1/responses/resp_1", "GET", "?stream=true&starting_after=x", true,
     -2},
    {"a number too large is refused", "/v1/responses/resp_1", "GET",
     "?stream=true&starting_after=9223372036854775807", true, -2},
};

TEST(StoredResponseRequest, says_which_events_are_requested) {
  for (const QueryRow& row : kQueries) {
    SCOPED_TRACE(row.description);
    const StoredResponseRequest request{row.path, row.method, row.query, "me"};
    EXPECT_EQ(request.id(), "resp_1");
    EXPECT_EQ(request.streams(), row.streams);
    const auto after = request.starting_after();
    EXPECT_EQ(after.value_or(-2), row.after);
    if (!after) {
      EXPECT_EQ(after.error().param, "starting_after");
    }
  }
}

Result<void> write_response(store::Responses& responses, std::string id, bool is_background,
                            bool is_over) {
  const store::StoredResponse response{
      .id = id, .scope = "me", .object = "{\"id\":\"" + id + "\"}", .is_background = is_background};
  store::StoredInput input;
  for (const char* item : {"msg_1", "msg_2", "msg_3"}) {
    input.ids.add(item);
    input.items.add("{\"id\":\"" + std::string(item) + "\"}");
  }
  if (auto begun = responses.begin(response, input); !begun) return begun;
  if (!is_over) return {};
  return responses.finish(id, store::Status::kCompleted, R"({"status":"completed"})", {});
}

class ResponseEndpointTest : public testing::Test {
 protected:
  ResponseEndpointTest() { EXPECT_TRUE(store_.configure({.enabled = true})); }
  ~ResponseEndpointTest() override {
    store_.close();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  void write(const std::string& id, bool is_background = false, bool is_over = true) {
    store_.archive()->submit(
        [id, is_background, is_over](store::Responses& responses) {
          auto written = write_response(responses, id, is_background, is_over);
          EXPECT_TRUE(written) << written.error().message;
          return written;
        },
        {});
  }
  Result<std::string> serve(std::string_view method, std::string_view path,
                            std::string_view query = {}, std::string_view scope = "me") {
    net::TestLoop loop;
    Result<std::string> reply;
    loop.run(serve_in(loop, {path, method, query, scope}, reply));
    return reply;
  }
  Task<void> serve_in(net::TestLoop& loop, StoredResponseRequest request,
                      Result<std::string>& reply) {
    const ResponseEndpoint endpoint(store_, loop.runtime());
    const auto hold = std::make_shared<MemoryReservation>(budget_);
    reply = co_await endpoint.serve(request, hold);
  }
  static std::string make_folder() {
    std::string folder = std::filesystem::temp_directory_path() / "ccproxy-responses-XXXXXX";
    EXPECT_NE(::mkdtemp(folder.data()), nullptr);
    return folder;
  }

  std::string folder_ = make_folder();
  MemoryBudget budget_{std::size_t{64} << 20};
  ResponseStore store_{folder_ + "/responses.db"};
};

TEST_F(ResponseEndpointTest, retrieves_a_response) {
  write("resp_1");
  EXPECT_EQ(serve("GET", "/v1/responses/resp_1").value(), R"({"status":"completed"})");
  store_.close();  // its thread may still free the work
  EXPECT_EQ(budget_.held(), 0U) << "the reply is gone";
}

TEST_F(ResponseEndpointTest, finds_nothing_of_another_scope_or_id) {
  write("resp_1");
  for (const auto& reply :
       {serve("GET", "/v1/responses/resp_1", "", "somebody else"),
        serve("GET", "/v1/responses/resp_2"), serve("DELETE", "/v1/responses/resp_2"),
        serve("POST", "/v1/responses/resp_2/cancel"),
        serve("GET", "/v1/responses/resp_2/input_items")}) {
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().kind, ErrorKind::kNotFound);
    EXPECT_TRUE(reply.error().message.starts_with("Response with id 'resp_"));
  }
}

TEST_F(ResponseEndpointTest, finds_nothing_while_the_store_is_disabled) {
  write("resp_1");
  EXPECT_TRUE(store_.configure({.enabled = false}));
  EXPECT_EQ(serve("GET", "/v1/responses/resp_1").error().kind, ErrorKind::kNotFound);
}

TEST_F(ResponseEndpointTest, repeats_no_more_than_the_beginning_of_an_unknown_id) {
  const std::string path = "/v1/responses/" + std::string(10'000, 'x');
  EXPECT_LT(serve("GET", path).error().message.size(), 200U);
}

TEST_F(ResponseEndpointTest, refuses_a_response_that_the_memory_budget_has_no_room_for) {
  write("resp_1");
  MemoryReservation everything(budget_);
  everything.grow_anyway(std::size_t{64} << 20);
  EXPECT_EQ(serve("GET", "/v1/responses/resp_1").error().kind, ErrorKind::kBusy);
}

TEST_F(ResponseEndpointTest, deletes_a_response_once) {
  write("resp_1");
  EXPECT_EQ(serve("DELETE", "/v1/responses/resp_1").value(),
            R"({"id":"resp_1","object":"response.deleted","deleted":true})");
  EXPECT_EQ(serve("DELETE", "/v1/responses/resp_1").error().kind, ErrorKind::kNotFound);
}

TEST_F(ResponseEndpointTest, cancels_background_responses_only) {
  write("resp_1");
  const auto reply = serve("POST", "/v1/responses/resp_1/cancel");
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().kind, ErrorKind::kInvalidRequest);
}

TEST_F(ResponseEndpointTest, shows_a_background_response_that_has_ended_when_it_is_cancelled) {
  write("resp_1", true);
  EXPECT_EQ(serve("POST", "/v1/responses/resp_1/cancel").value(), R"({"status":"completed"})");
}

TEST_F(ResponseEndpointTest, lists_the_input_in_pages) {
  write("resp_1");
  EXPECT_EQ(serve("GET", "/v1/responses/resp_1/input_items", "?order=asc&limit=2").value(),
            R"({"object":"list","data":[{"id":"msg_1"},{"id":"msg_2"}],)"
            R"("first_id":"msg_1","last_id":"msg_2","has_more":true})");
  EXPECT_EQ(serve("GET", "/v1/responses/resp_1/input_items", "?order=asc&after=msg_2").value(),
            R"({"object":"list","data":[{"id":"msg_3"}],)"
            R"("first_id":"msg_3","last_id":"msg_3","has_more":false})");
}

struct BadPage {
  const char* query;
  const char* param;
};

TEST_F(ResponseEndpointTest, names_the_parameter_of_a_page_that_is_wrong) {
  write("resp_1");
  for (const BadPage& row : {BadPage{"?limit=0", "limit"},
                             {"?limit=101", "limit"},
                             {"?limit=x", "limit"},
                             {"?order=up", "order"},
                             {"?after=msg_9", "after"},
                             {"?before=msg_9", "before"}}) {
    SCOPED_TRACE(row.query);
    const auto reply = serve("GET", "/v1/responses/resp_1/input_items", row.query);
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().kind, ErrorKind::kInvalidRequest);
    EXPECT_EQ(reply.error().param, row.param);
  }
}

}  // namespace
}  // namespace ccproxy::proxy
