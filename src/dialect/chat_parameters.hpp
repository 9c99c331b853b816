// The plain parameters of a Chat Completions request: limits, sampling, stop, streaming, tiers, and
// those that are ignored or refused (translation.md A.1).
#pragma once

#include <cstdint>
#include <string>

#include "dialect/chat_request.hpp"
#include "dialect/report.hpp"
#include "json/outline.hpp"

namespace ccproxy::dialect {

struct ChatParameters {
  std::int64_t max_tokens = 0;
  json::Value temperature{}, top_p{}, top_k{};
  bool stream = false;
  bool include_usage = false;
  std::string members{};  // of the upstream request, each with a comma before it
  std::string hint{};     // the last system block says this; empty without
};

[[nodiscard]] ChatParameters read_parameters(json::Value request, bool is_completion,
                                             const ChatContext& context, Report& report);

// Members of the upstream request for sampling, each with a comma before it. Where the model or its
// thinking forbids them, they are reported.
[[nodiscard]] std::string settle_sampling(const ChatParameters& parameters, bool allowed,
                                          Report& report);

}  // namespace ccproxy::dialect
