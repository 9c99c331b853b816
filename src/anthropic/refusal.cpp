#include "anthropic/refusal.hpp"

#include <array>

#include "anthropic/error.hpp"

namespace ccproxy::anthropic {
namespace {

struct Row {
  int status;
  std::string_view type;    // of the error; "" matches any
  std::string_view prefix;  // of the error's message
  bool whole;               // the prefix must be the whole message
  Refusal refusal;
};

// The first row that matches wins.
constexpr std::array<Row, 12> kRows = {{
    {400,
     "",
     "This credential is only authorized for use with Claude Code",
     false,
     {"subscription_refused",
      "the provider takes this subscription only from its own programs; an API key is the "
      "supported "
      "way for others",
      true}},
    {400,
     "",
     "Third-party apps now draw from your extra usage",
     false,
     {"usage_credits_needed",
      "the provider bills other programs to usage credits, and this account has none switched on; "
      "an API key is the supported way",
      true}},
    {400,
     "",
     "You're out of extra usage",
     false,
     {"usage_credits_spent", "the account's usage credits are spent", true}},
    {400,
     "invalid_request_error",
     "Error",
     true,
     {"model_not_available", "the provider does not offer this model to this client", true}},
    {429,
     "rate_limit_error",
     "Error",
     true,
     {"model_not_available", "the provider does not offer this model to this client", true}},
    {429,
     "",
     "Extra usage is required for long context requests",
     false,
     {"long_context_not_included",
      "a context this long is billed to usage credits, and this account has none", true}},
    {401,
     "",
     "OAuth authentication is currently not supported",
     false,
     {"oauth_not_supported", "the provider does not take a sign-in on this route"}},
    {401,
     "",
     "OAuth token has expired",
     false,
     {"token_expired", "the token has expired: `ccproxy status` says how the sign-in stands"}},
    {401,
     "",
     "Invalid authentication credentials",
     false,
     {"account_refused", "the provider does not know this credential or has closed the account"}},
    {401,
     "",
     "invalid x-api-key",
     false,
     {"invalid_api_key", "the API key is not known to the provider, or is no API key"}},
    {403,
     "",
     "OAuth token has been revoked",
     false,
     {"login_required", "the sign-in was revoked: run `ccproxy login`"}},
    {403,
     "",
     "OAuth token does not meet scope requirement",
     false,
     {"login_required", "the sign-in lacks a scope: run `ccproxy login`"}},
}};

}  // namespace

Refusal refusal_of(int status, std::string_view body) {
  const ApiError error = read_error(body);
  for (const Row& row : kRows) {
    if (row.status != status || (!row.type.empty() && row.type != error.type)) continue;
    if (row.whole ? error.message == row.prefix : error.message.starts_with(row.prefix))
      return row.refusal;
  }
  return {};
}

}  // namespace ccproxy::anthropic
