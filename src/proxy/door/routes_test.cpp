#include "proxy/door/routes.hpp"

#include <gtest/gtest.h>

#include <string>

namespace ccproxy::proxy {
namespace {

using dialect::Dialect;

http::RequestHead head_of(std::string_view target, std::string_view field = {}) {
  http::RequestHead head;
  head.method = "GET";
  head.target = target;
  if (!field.empty()) head.fields.push_back({field, "2023-06-01"});
  return head;
}

struct Found {
  const char* target;
  RouteKind kind;
  const char* upstream_path;
};

const Found kFound[] = {
    {"/v1/messages", RouteKind::kMessage, "/v1/messages"},
    {"/v1/messages?beta=true", RouteKind::kMessage, "/v1/messages"},
    {"/messages", RouteKind::kMessage, "/v1/messages"},
    {"/v1/v1/messages", RouteKind::kMessage, "/v1/messages"},
    {"/v1/messages/count_tokens", RouteKind::kMessage, "/v1/messages/count_tokens"},
    {"/v1/messages/batches", RouteKind::kBatches, "/v1/messages/batches"},
    {"//v1/messages", RouteKind::kMessage, "/v1/messages"},
    {"/v1//messages/", RouteKind::kMessage, "/v1/messages"},
    {"/v1/messages//count_tokens?x=//", RouteKind::kMessage, "/v1/messages/count_tokens"},
    {"/v1/messages/batches/", RouteKind::kBatches, "/v1/messages/batches"},
    {"//v1//files//f1/content/", RouteKind::kRelay, "/v1/files/f1/content"},
    {"/v1//v1//chat//completions", RouteKind::kChat, "/v1/chat/completions"},
    {"/v1/chat/completions/", RouteKind::kChat, "/v1/chat/completions"},
    {"/v1/responses/", RouteKind::kResponses, "/v1/responses"},
    {"//backend-api//codex//responses", RouteKind::kResponses, "/v1/responses"},
    {"/v1/models/", RouteKind::kModels, "/v1/models"},
    {"//health//", RouteKind::kHealth, "/health"},
    // Needless escapes are decoded.
    {"/v1/%6dessages", RouteKind::kMessage, "/v1/messages"},
    {"/%76%31/%4Dessages", RouteKind::kRelay, "/v1/Messages"},
    {"/v1/messages/b%61tches", RouteKind::kBatches, "/v1/messages/batches"},
    {"/%6dessages", RouteKind::kMessage, "/v1/messages"},
    {"/v1/ch%61t/completions", RouteKind::kChat, "/v1/chat/completions"},
    {"/v1/responses/%63ompact", RouteKind::kCompaction, "/v1/responses/compact"},
    {"/v1/responses/resp%5F1/c%61ncel", RouteKind::kStoredResponse, "/v1/responses/resp_1/cancel"},
    {"/v1/files/f/%63onten%74", RouteKind::kRelay, "/v1/files/f/content"},
    {"/v1/files/a%20%2Db%c3%a9%252D%zz%4", RouteKind::kRelay, "/v1/files/a%20-b%c3%a9%252D%zz%4"},
    {"/v1/%%36%64essages", RouteKind::kMessage, "/v1/messages"},
    {"/v1/%6%64essages", RouteKind::kMessage, "/v1/messages"},
    {"/%68ealth", RouteKind::kHealth, "/health"},
    {"//", RouteKind::kProbe, "/"},
    {"/messages/batches/b1/results", RouteKind::kRelay, "/v1/messages/batches/b1/results"},
    {"/v1/files/f1/content", RouteKind::kRelay, "/v1/files/f1/content"},
    {"/v1/skills", RouteKind::kRelay, "/v1/skills"},
    {"/models", RouteKind::kModels, "/v1/models"},
    {"/v1/models/claude-sonnet-5", RouteKind::kModel, "/v1/models/claude-sonnet-5"},
    {"/health", RouteKind::kHealth, "/health"},
    {"/", RouteKind::kProbe, "/"},
    {"/api/hello", RouteKind::kProbe, "/api/hello"},
};

TEST(Routes, are_found_with_v1_without_it_and_with_it_doubled) {
  for (const Found& row : kFound) {
    SCOPED_TRACE(row.target);
    const auto route = find_route(head_of(row.target, "anthropic-version"));
    ASSERT_TRUE(route) << route.error().message;
    EXPECT_EQ(route->kind, row.kind);
    EXPECT_EQ(route->path, row.upstream_path);
  }
}

TEST(Routes, relay_an_unknown_path_that_carries_anthropic_version) {
  EXPECT_FALSE(find_route(head_of("/v1/agents")));
  const auto route = find_route(head_of("/v1/agents/a1", "anthropic-version"));
  ASSERT_TRUE(route);
  EXPECT_EQ(route->kind, RouteKind::kRelay);
  EXPECT_EQ(route->path, "/v1/agents/a1");
}

TEST(Routes, know_chat_completions_in_every_spelling) {
  for (const std::string_view target :
       {"/v1/chat/completions", "/chat/completions", "/openai/v1/chat/completions",
        "/v1/v1/chat/completions", "/openai/deployments/sonnet/chat/completions?api-version=1",
        "//openai/deployments//sonnet/chat/completions/"}) {
    SCOPED_TRACE(target);
    const auto route = find_route(head_of(target));
    ASSERT_TRUE(route);
    EXPECT_EQ(route->kind, RouteKind::kChat);
    EXPECT_EQ(route->dialect, Dialect::kChat);
    EXPECT_EQ(route->model, target.find("deployments") == std::string_view::npos ? "" : "sonnet");
  }
  EXPECT_EQ(find_route(head_of("/v1/completions"))->kind, RouteKind::kCompletion);
  EXPECT_EQ(find_route(head_of("/v1/chat/completions/chatcmpl-1"))->kind, RouteKind::kStoredChat);
}

// Once, `%63ontent` went upstream as it was, and the file came back without the sandbox field.
TEST(Routes, know_the_content_of_files_however_the_path_is_written) {
  for (const char* target :
       {"/v1/files/f/content", "/v1/files/f/%63ontent", "/v1/files/f/conten%74",
        "/v1/files/f/%43ONTENT", "/v1/files/f/%2563ontent", "/v1/files/f/%252563ontent",
        "/v1/%66iles/f/content", "/v1/%2566iles/f/%2563ontent", "/files/f/%63ontent/",
        "/v1/files/f/content;v=1", "/v1/files/f/content%3Bv=1", "/v1/files;a/f/x",
        "/v1/Files/f/Content", "/v1/files/f/content.", "/v1/files/f/content%20",
        "/v1/skills/s/versions/1/%63ontent", "/v1/uploads/u/content"}) {
    SCOPED_TRACE(target);
    const auto route = find_route(head_of(target, "anthropic-version"));
    ASSERT_TRUE(route);
    EXPECT_EQ(route->kind, RouteKind::kRelay);
    EXPECT_TRUE(is_file_content(*route));
  }
  for (const char* target : {"/v1/files", "/v1/files/f", "/v1/files/content_1", "/v1/files/%66/",
                             "/v1/skills/s", "/v1/messages/batches/b"}) {
    SCOPED_TRACE(target);
    EXPECT_FALSE(is_file_content(*find_route(head_of(target, "anthropic-version"))));
  }
}

TEST(Routes, refuse_an_unknown_path) {
  for (const char* target :
       {"/api/oauth/usage", "/api/hello/x", "/v2/messages", "/v1", "/x", "/healthz",
        "/v1/messagesx", "/v1/chat/completionsx", "/v1/embeddings"}) {
    SCOPED_TRACE(target);
    ASSERT_FALSE(find_route(head_of(target)));
    EXPECT_EQ(find_route(head_of(target)).error().kind, ErrorKind::kNotFound);
  }
  EXPECT_FALSE(find_route(head_of("/api/oauth/usage", "anthropic-version")));
}

TEST(Routes, allow_dots_blanks_percents_and_letters_of_any_language_in_names) {
  for (const char* target : {"/v1/files/a..b", "/v1/files/...", "/v1/files/.a", "/v1/files/a%20b",
                             "/v1/files/100%25", "/v1/files/%E4%BD%A0%E5%A5%BD", "/v1/files/a;v=1",
                             "/v1/files/a+b", "/v1/models/claude%3Afast"}) {
    SCOPED_TRACE(target);
    EXPECT_TRUE(find_route(head_of(target, "anthropic-version")));
  }
}

TEST(Routes, refuse_dot_segments_and_hidden_separators) {
  for (const char* target :
       {"/v1/../api/oauth/usage", "/v1/files/%2e%2E/x", "/v1/./messages", "/v1/files/..%2fx",
        "/v1/files/a\\..\\b", "//v1//..//api", "/v1//%2e/x",
        // with a parameter
        "/v1/..;/x", "/v1/..;a=b/x", "/v1/.;/x", "/v1/%2e%2e%3b/x",
        // coded more than once
        "/v1/%252e%252e/x", "/v1/%25252e./x", "/v1/..%252fx", "/v1/a%255cb",
        "/v1/%2525252525252525252e/x",
        // overlong UTF-8, and other text that is none
        "/v1/%c0%ae%c0%ae/x", "/v1/%c0%af/x", "/v1/%e0%80%ae/x", "/v1/\xc0\xae/x", "/v1/%ff",
        // control characters
        "/v1/a%00b", "/v1/a%0d%0ab", "/v1/a%7f"}) {
    SCOPED_TRACE(target);
    ASSERT_FALSE(find_route(head_of(target, "anthropic-version")));
    EXPECT_EQ(find_route(head_of(target, "anthropic-version")).error().kind,
              ErrorKind::kInvalidRequest);
  }
}

TEST(Routes, give_error_bodies_the_dialect_of_the_client) {
  EXPECT_EQ(dialect_of(head_of("/v1/chat/completions")), Dialect::kChat);
  EXPECT_EQ(dialect_of(head_of("/responses")), Dialect::kResponses);
  EXPECT_EQ(dialect_of(head_of("//v1//responses/")), Dialect::kResponses);
  EXPECT_EQ(dialect_of(head_of("")), Dialect::kMessages) << "nothing is known of the client";
  EXPECT_EQ(dialect_of(head_of("/v1/messages")), Dialect::kMessages);
  EXPECT_EQ(dialect_of(head_of("/v1/models")), Dialect::kChat);
  EXPECT_EQ(dialect_of(head_of("/v1/models", "anthropic-version")), Dialect::kMessages);
  EXPECT_EQ(dialect_of(head_of("/v1/models", "x-api-key")), Dialect::kMessages);
  EXPECT_EQ(dialect_of(head_of("/nowhere")), Dialect::kMessages);
  EXPECT_EQ(dialect_of(head_of("/v1/nowhere")), Dialect::kChat);
}

TEST(Routes, list_their_methods) {
  const auto route = find_route(head_of("/v1/messages"));
  EXPECT_TRUE(allows(*route, "POST"));
  EXPECT_FALSE(allows(*route, "GET"));
}

}  // namespace
}  // namespace ccproxy::proxy
