// The plain parameters of a request in OpenAI's dialects: limits, sampling, stop sequences,
// streaming, tiers, and those that are ignored or refused (rule A.1).
#pragma once

#include <cstdint>
#include <string>

#include "dialect/request/context.hpp"
#include "dialect/request/report.hpp"
#include "json/outline.hpp"

namespace ccproxy::dialect {

enum class Route : std::uint8_t { kChat, kCompletion, kResponses };

struct RequestParameters {
  std::int64_t max_tokens = 0;
  json::Value temperature{}, top_p{}, top_k{};
  bool stream = false;
  bool include_usage = false;
  std::string members{};  // members of the upstream request, each with a comma before it
  std::string hint{};     // a sentence for the model, for the last system block; empty without
};

// Reads the parameters, and reports the fields of the request that the route does not know.
[[nodiscard]] RequestParameters read_parameters(json::Value request, Route route,
                                                const RequestContext& context, Report& report);

// The members of the upstream request for sampling, each with a comma before it. Where they are not
// `allowed`, because of the model or its thinking, they are left out and reported.
[[nodiscard]] std::string settle_sampling(const RequestParameters& parameters, bool allowed,
                                          Report& report);

}  // namespace ccproxy::dialect
