// Why a response failed, in the few words that Responses has for it. Which of them Codex tries
// again, and which end its turn, decides what is said (rule D.4).
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
