#include "dialect/error.hpp"

#include <gtest/gtest.h>

namespace ccproxy::dialect {
namespace {

TEST(ErrorBody, has_the_shape_of_the_dialect) {
  const Error error{ErrorKind::kInvalidRequest, "stop must be a string", "stop"};
  EXPECT_EQ(error_body(Dialect::kMessages, error, "req_1"),
            R"({"type":"error","error":{"type":"invalid_request_error",)"
            R"("message":"stop must be a string"},"request_id":"req_1"})");
  for (const Dialect dialect : {Dialect::kChat, Dialect::kResponses})
    EXPECT_EQ(error_body(dialect, error, "req_1"),
              R"({"error":{"message":"stop must be a string","type":"invalid_request_error",)"
              R"("param":"stop","code":null}})");
}

struct Case {
  const char* name;
  Error error;
  int status;
  const char* tail;           // of the OpenAI body, from the type on
  const char* message = "m";  // agents retry when they read "connection lost"
};

const Case kCases[] = {
    {"an unknown key of the client",
     {ErrorKind::kUnauthorized, "m"},
     401,
     R"("type":"invalid_request_error","param":null,"code":"invalid_api_key"}})"},
    {"no credential for upstream",
     {ErrorKind::kUnauthorized, "m", "", "upstream_auth"},
     401,
     R"("type":"authentication_error","param":null,"code":"upstream_auth"}})"},
    {"a Host that is not allowed",
     {ErrorKind::kForbidden, "m"},
     403,
     R"("type":"permission_error","param":null,"code":"permission_denied"}})"},
    {"an unknown route",
     {ErrorKind::kNotFound, "m", "", "unknown_url"},
     404,
     R"("type":"invalid_request_error","param":null,"code":"unknown_url"}})"},
    {"an unknown model",
     {ErrorKind::kNotFound, "m", "model", "model_not_found"},
     404,
     R"("type":"invalid_request_error","param":"model","code":"model_not_found"}})"},
    {"another thing that does not exist",
     {ErrorKind::kNotFound, "m", "input"},
     404,
     R"("type":"invalid_request_error","param":"input","code":null}})"},
    {"a body too large",
     {ErrorKind::kTooLarge, "m"},
     413,
     R"("type":"invalid_request_error","param":null,"code":"request_too_large"}})"},
    {"a limit of this server",
     {ErrorKind::kBusy, "m"},
     503,
     R"("type":"server_error","param":null,"code":"overloaded"}})"},
    {"an upstream that cannot be reached",
     {ErrorKind::kUpstreamUnreachable, "m"},
     502,
     R"("type":"server_error","param":null,"code":"upstream_unreachable"}})",
     "connection lost: m"},
    {"an untrusted certificate",
     {ErrorKind::kUpstreamUnreachable, "m", "", "upstream_untrusted"},
     502,
     R"("type":"server_error","param":null,"code":"upstream_untrusted"}})"},
    {"a reply that broke off",
     {ErrorKind::kUpstreamBroke, "m"},
     502,
     R"("type":"server_error","param":null,"code":"upstream_unreachable"}})",
     "connection lost: m"},
    {"a timeout",
     {ErrorKind::kTimedOut, "m"},
     504,
     R"("type":"server_error","param":null,"code":"timeout"}})",
     "connection lost: m"},
    {"a shutdown",
     {ErrorKind::kShutdown, "m"},
     503,
     R"("type":"server_error","param":null,"code":"server_error"}})",
     "connection lost: m"},
    {"an error with a code of its own",
     {ErrorKind::kInvalidRequest, "m", "n", "invalid_type"},
     400,
     R"("type":"invalid_request_error","param":"n","code":"invalid_type"}})"},
    {"a client that sends too slowly",
     {ErrorKind::kClientStalled, "m"},
     408,
     R"("type":"invalid_request_error","param":null,"code":null}})"},
    {"a wrong method",
     {ErrorKind::kMethodNotAllowed, "m"},
     405,
     R"("type":"invalid_request_error","param":null,"code":null}})"},
};

TEST(ErrorBody, has_the_status_type_and_code_that_openai_clients_expect) {
  for (const Case& row : kCases) {
    SCOPED_TRACE(row.name);
    EXPECT_EQ(error_body(Dialect::kChat, row.error, ""),
              R"({"error":{"message":")" + std::string(row.message) + R"(",)" + row.tail);
    EXPECT_EQ(status_of(Dialect::kChat, row.error), row.status);
  }
}

TEST(ErrorBody, hides_the_place_of_an_internal_error) {
  const Error bug{ErrorKind::kInternal, "exchange.cpp:12"};
  for (const Dialect dialect : {Dialect::kMessages, Dialect::kChat})
    EXPECT_EQ(error_body(dialect, bug, "").find("exchange.cpp"), std::string::npos);
}

}  // namespace
}  // namespace ccproxy::dialect
