// GET /v1/models and /v1/models/{id}: three forms for three kinds of clients, with the names of the
// mapping, refreshed from the upstream, and available without it.
#include <gtest/gtest.h>

#include <chrono>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "support/proxy_fixture.hpp"
#include "support/raw_upstream.hpp"

namespace ccproxy::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr const char* kMapping =
    R"({"modelMapping": {"mine": "claude-opus-5", "pattern-*": "claude-opus-5", "gpt-4o": null}})";
constexpr const char* kVersion = "anthropic-version: 2023-06-01\r\n";
constexpr const char* kBearer = "Authorization: Bearer sk-any\r\n";

class ModelList : public testing::TestWithParam<unsigned> {
 protected:
  ProxyFixture fixture{Plan{.workers = GetParam(), .config = kMapping}};

  Document get(std::string_view target, std::string_view fields, int status = 200) {
    const Reply reply = send_request(fixture.port(), "GET", target, {}, fields);
    EXPECT_EQ(reply.status, status) << target << reply.raw;
    EXPECT_EQ(reply.field("content-type"), "application/json");
    return Document::parse(reply.body);
  }
};
INSTANTIATE_TEST_SUITE_P(Workers, ModelList, testing::Values(1U, 2U));

std::set<std::string> ids_of(const Document& list, const char* name = "id") {
  std::set<std::string> ids;
  for (const Document& one : list) ids.insert(one.at(name).get<std::string>());
  return ids;
}

TEST_P(ModelList, has_anthropics_form_for_its_clients) {
  for (const char* fields : {kVersion, "x-api-key: sk-any\r\n",
                             "anthropic-version: 2026-10-21\r\nAuthorization: Bearer x\r\n"}) {
    Document list = get("/v1/models?limit=1000", fields);
    EXPECT_FALSE(list.contains("object"));
    EXPECT_EQ(list["has_more"], false);
    EXPECT_EQ(list["first_id"], list["data"].front()["id"]);
    EXPECT_EQ(list["last_id"], list["data"].back()["id"]);
    for (Document& model : list["data"]) {
      EXPECT_EQ(model["type"], "model") << model;
      EXPECT_TRUE(model["id"].is_string()) << model;
      EXPECT_TRUE(model["display_name"].is_string()) << model;
      const auto created = model["created_at"].get<std::string>();
      EXPECT_TRUE(created.size() == 20 && created.ends_with("Z")) << model;
    }
    const auto ids = ids_of(list["data"]);
    for (const char* id : {"claude-opus-5-5", "claude-sonnet-5", "mine", "sonnet", "gpt-4"})
      EXPECT_TRUE(ids.contains(id)) << id;
    for (const char* id : {"pattern-*", "gpt-4o", "claude-3-opus-20240229"})
      EXPECT_FALSE(ids.contains(id)) << id;
  }
}

TEST_P(ModelList, has_openais_form_for_all_others) {
  for (const char* fields :
       {kBearer, "", "api-key: sk-any\r\n", "Authorization: Bearer x\r\nx-api-key: y\r\n"}) {
    Document list = get("/v1/models", fields);
    EXPECT_EQ(list["object"], "list");
    EXPECT_FALSE(list.contains("has_more"));
    for (Document& model : list["data"]) {
      EXPECT_EQ(model["object"], "model") << model;
      EXPECT_TRUE(model["created"].is_number_integer()) << model;
      EXPECT_TRUE(model["owned_by"].is_string()) << model;
    }
    EXPECT_TRUE(ids_of(list["data"]).contains("mine"));
  }
}

TEST_P(ModelList, has_codexs_form_with_client_version) {
  for (const char* fields : {kBearer, kVersion, ""}) {
    Document list = get("/v1/models?client_version=0.169.0", fields);
    ASSERT_TRUE(list["models"].is_array());
    EXPECT_FALSE(list.contains("data"));
    for (Document& model : list["models"])
      for (const char* name :
           {"slug", "display_name", "description", "default_reasoning_level",
            "supported_reasoning_levels", "shell_type", "visibility", "supported_in_api",
            "priority", "base_instructions", "supports_reasoning_summaries", "support_verbosity",
            "default_verbosity", "apply_patch_tool_type", "truncation_policy",
            "supports_parallel_tool_calls", "experimental_supported_tools", "context_window"})
        EXPECT_TRUE(model.contains(name)) << name << " is missing, which voids the list: " << model;
    EXPECT_TRUE(ids_of(list["models"], "slug").contains("claude-sonnet-5"));
  }
}

TEST_P(ModelList, is_paged_as_the_api_pages_it) {
  Document all = get("/v1/models?limit=1000", kVersion)["data"];
  Document first = get("/v1/models?limit=3", kVersion);
  EXPECT_EQ(first["data"].size(), 3U);
  EXPECT_EQ(first["has_more"], true);
  EXPECT_EQ(first["last_id"], all[2]["id"]);
  const std::string last = first["last_id"];
  Document second = get("/v1/models?after_id=" + last + "&limit=3", kVersion);
  EXPECT_EQ(second["first_id"], all[3]["id"]);
  const std::string behind = second["first_id"];
  Document back = get("/v1/models?limit=2&before_id=" + behind, kVersion);
  EXPECT_EQ(back["last_id"], all[2]["id"]);
  EXPECT_EQ(back["data"].size(), 2U);
}

TEST_P(ModelList, names_the_targets_of_the_mapping) {
  Document mine = get("/v1/models/mine", kVersion);
  EXPECT_EQ(mine["x_ccproxy"]["maps_to"], "claude-opus-5");
  EXPECT_EQ(mine["x_ccproxy"]["served_by"], "claude-opus-5");
  Document sonnet = get("/v1/models/sonnet", kBearer);
  EXPECT_EQ(sonnet["x_ccproxy"]["maps_to"], "claude-sonnet-5-5");
  EXPECT_EQ(sonnet["x_ccproxy"]["served_by"], "claude-sonnet-5-5");
  Document gpt = get("/v1/models/gpt-4", kBearer);
  EXPECT_EQ(gpt["x_ccproxy"]["maps_to"], "claude-sonnet-4-20250514");
  EXPECT_EQ(gpt["x_ccproxy"]["served_by"], "claude-sonnet-4-6");
  const Document all = get("/v1/models", kBearer);
  for (const Document& each : all["data"])
    EXPECT_GT(each["created"].get<std::int64_t>(), 0) << each;
}

TEST_P(ModelList, shows_a_single_model) {
  Document anthropic = get("/v1/models/claude-sonnet-5", kVersion);
  EXPECT_EQ(anthropic["type"], "model");
  EXPECT_EQ(anthropic["id"], "claude-sonnet-5");
  EXPECT_EQ(anthropic["max_input_tokens"], 1'000'000);
  Document openai = get("/v1/models/claude-sonnet-5", kBearer);
  EXPECT_EQ(openai["object"], "model");
  EXPECT_EQ(openai["id"], "claude-sonnet-5");
}

TEST_P(ModelList, unknown_model_is_a_404_in_the_callers_dialect) {
  Document anthropic = get("/v1/models/claude-nonsense", kVersion, 404);
  EXPECT_EQ(anthropic["type"], "error");
  EXPECT_EQ(anthropic["error"]["type"], "not_found_error");
  EXPECT_NE(anthropic["error"]["message"].get<std::string>().find("claude-nonsense"),
            std::string::npos);
  Document openai = get("/v1/models/claude-nonsense", kBearer, 404);
  EXPECT_FALSE(openai.contains("type"));
  EXPECT_EQ(openai["error"]["type"], "invalid_request_error");
  EXPECT_EQ(openai["error"]["code"], "model_not_found");
}

TEST_P(ModelList, is_fetched_with_the_servers_key) {
  (void)get("/v1/models", "x-api-key: sk-the-clients\r\n");
  Document seen = fixture.requests().at(0);
  EXPECT_EQ(seen["method"], "GET");
  EXPECT_EQ(seen["target"], "/v1/models?limit=1000");
  EXPECT_EQ(field_of(seen, "x-api-key"), kServerKey);
  EXPECT_EQ(field_of(seen, "anthropic-version"), "2023-06-01");
  (void)get("/v1/models", kBearer);
  EXPECT_EQ(fixture.requests().size(), 1U) << "one look lasts for a while";
}

TEST_P(ModelList, includes_the_upstreams_models) {
  Document extra = {{"type", "model"},
                    {"id", "claude-next-7"},
                    {"display_name", "Claude Next 7"},
                    {"created_at", "2027-01-02T03:04:05Z"},
                    {"max_input_tokens", 2'000'000},
                    {"max_tokens", 256'000},
                    {"something_new", {{"n", 1}}}};
  Document known = extra;
  known["id"] = "claude-sonnet-5";
  known["display_name"] = "As the upstream names it";
  fixture.set_reply({{"match", {{"method", "GET"}, {"path", "/v1/models"}}},
                     {"body", {{"data", Document::array({extra, known})}, {"has_more", false}}}});
  Document list = get("/v1/models?limit=1000", kVersion)["data"];
  const auto ids = ids_of(list);
  EXPECT_EQ(ids.size(), list.size()) << "an id stands twice";
  EXPECT_TRUE(ids.contains("claude-next-7"));
  EXPECT_TRUE(ids.contains("claude-opus-5-5")) << "the built-in ones stay";
  EXPECT_TRUE(ids.contains("mine"));
  EXPECT_EQ(get("/v1/models/claude-next-7", kVersion), extra);
  EXPECT_EQ(get("/v1/models/claude-next-7", kBearer)["created"], 1'798'859'045);
  EXPECT_EQ(get("/v1/models/claude-sonnet-5", kVersion)["display_name"],
            "As the upstream names it");
  EXPECT_TRUE(ids_of(get("/v1/models?client_version=1.0.0", kBearer)["models"], "slug")
                  .contains("claude-next-7"));
}

TEST_P(ModelList, is_served_when_the_upstream_fails) {
  for (const Document& reply : std::vector<Document>{{{"status", 500}},
                                                     {{"status", 401}},
                                                     {{"body", "[]"}},
                                                     {{"body", "{\"data\":7}"}},
                                                     {{"body", "no JSON"}},
                                                     {{"fault", "reset"}},
                                                     {{"fault", "close-mid"}}}) {
    ProxyFixture other(Plan{.workers = GetParam()});
    Document matched = reply;
    matched["match"] = {{"method", "GET"}, {"path", "/v1/models"}};
    other.set_reply(matched);
    const Reply list = send_request(other.port(), "GET", "/v1/models", {}, kBearer);
    EXPECT_EQ(list.status, 200) << reply;
    EXPECT_TRUE(ids_of(Document::parse(list.body)["data"]).contains("claude-sonnet-5")) << reply;
    EXPECT_EQ(other.requests().size(), 1U) << reply;
  }
}

TEST_P(ModelList, is_served_in_time_without_an_upstream) {
  RawUpstream silent, full;
  full.fill_up();
  for (const std::string& url : {silent.url(), full.url(), std::string("http://127.0.0.1:9"),
                                 "https://127.0.0.1:" + std::to_string(silent.port())}) {
    ProxyFixture other(Plan{.workers = GetParam(), .upstream = url});
    const auto start = steady_clock::now();
    const Reply reply = send_request(other.port(), "GET", "/v1/models?limit=1000", {}, kVersion);
    EXPECT_LT(steady_clock::now() - start, milliseconds(2900)) << url;
    EXPECT_EQ(reply.status, 200) << url;
    EXPECT_TRUE(ids_of(Document::parse(reply.body)["data"]).contains("claude-sonnet-5"));
    const auto again = steady_clock::now();
    EXPECT_EQ(send_request(other.port(), "GET", "/v1/models", {}, kBearer).status, 200);
    EXPECT_LT(steady_clock::now() - again, milliseconds(500))
        << "the unreachable upstream was tried again";
  }
}

TEST_P(ModelList, is_served_without_a_credential_and_without_a_fetch) {
  ProxyFixture other(Plan{.workers = GetParam(), .environment = {}});
  EXPECT_EQ(send_request(other.port(), "GET", "/v1/models", {}, kVersion).status, 200);
  EXPECT_EQ(send_request(other.port(), "GET", "/v1/models/claude-opus-5", {}, kBearer).status, 200);
  EXPECT_EQ(other.requests().size(), 0U);
}

TEST_P(ModelList, names_a_retired_target_when_retirements_are_not_followed) {
  ProxyFixture other(Plan{.workers = GetParam(), .config = R"({"followRetirements": false})"});
  const Reply reply = send_request(other.port(), "GET", "/v1/models/gpt-4", {}, kVersion);
  EXPECT_EQ(Document::parse(reply.body)["x_ccproxy"]["served_by"], "claude-sonnet-4-20250514");
}

TEST_P(ModelList, accepts_head_and_no_other_methods) {
  RawClient client(fixture.port());
  client.send(request("HEAD", "/v1/models", {}, kBearer));
  EXPECT_EQ(client.read_reply(true).status, 200);
  client.send(request("GET", "/v1/models", {}, kBearer));
  EXPECT_EQ(client.read_reply().status, 200);
  client.send(request("POST", "/v1/models", "{}", kVersion));
  const Reply refused = client.read_reply();
  EXPECT_EQ(refused.status, 405);
  EXPECT_EQ(refused.field("allow"), "GET, HEAD");
}

}  // namespace
}  // namespace ccproxy::test
