#include "anthropic/error.hpp"

#include <gtest/gtest.h>

namespace ccproxy::anthropic {
namespace {

TEST(ErrorKinds, have_a_status_that_shows_whether_to_retry) {
  const struct {
    ErrorKind kind;
    int status;
    const char* type;
  } rows[] = {{ErrorKind::kInvalidRequest, 400, "invalid_request_error"},
              {ErrorKind::kTooLarge, 413, "request_too_large"},
              {ErrorKind::kHeadTooLarge, 431, "invalid_request_error"},
              {ErrorKind::kUnsupportedCoding, 415, "invalid_request_error"},
              {ErrorKind::kUnauthorized, 401, "authentication_error"},
              {ErrorKind::kForbidden, 403, "permission_error"},
              {ErrorKind::kNotFound, 404, "not_found_error"},
              {ErrorKind::kMethodNotAllowed, 405, "invalid_request_error"},
              {ErrorKind::kBusy, 503, "api_error"},
              {ErrorKind::kUpstreamUnreachable, 502, "api_error"},
              {ErrorKind::kUpstreamBroke, 502, "api_error"},
              {ErrorKind::kTimedOut, 504, "timeout_error"},
              {ErrorKind::kClientStalled, 408, "invalid_request_error"},
              {ErrorKind::kShutdown, 503, "api_error"},
              {ErrorKind::kInternal, 500, "api_error"}};
  for (const auto& row : rows) {
    EXPECT_EQ(status_of(row.kind), row.status) << row.type;
    EXPECT_EQ(error_type(row.kind), row.type) << row.status;
  }
}

TEST(ErrorTypes, map_to_the_status_of_the_api) {
  for (const int status : {400, 401, 402, 403, 404, 413, 429, 500, 504, 529})
    EXPECT_EQ(status_of_type(error_type(status)), status);
  EXPECT_EQ(status_of_type("conflict_error"), 409);
  EXPECT_EQ(status_of_type("any text"), std::nullopt);
  EXPECT_EQ(status_of_type(""), std::nullopt);
}

TEST(ErrorBody, has_the_shape_of_the_api) {
  EXPECT_EQ(error_body("not_found_error", "no \"x\"", "req_1"),
            R"({"type":"error","error":{"type":"not_found_error","message":"no \"x\""},)"
            R"("request_id":"req_1"})");
  EXPECT_EQ(error_body("timeout_error", "too slow", ""),
            R"({"type":"error","error":{"type":"timeout_error","message":"too slow"}})");
}

}  // namespace
}  // namespace ccproxy::anthropic
