// Why a response failed, as one of the few codes that Responses has. Codex retries some of them and
// ends its turn at others, which decides the code for an error (rule D.4).
#pragma once

#include <string>
#include <string_view>

#include "anthropic/event.hpp"
#include "base/error.hpp"

namespace ccproxy::dialect {

struct ResponseFailure {
  std::string_view code;
  std::string message;
};

[[nodiscard]] ResponseFailure response_failure(const anthropic::Failure& failure);
[[nodiscard]] ResponseFailure response_failure(const Error& error);

}  // namespace ccproxy::dialect
