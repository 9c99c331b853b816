// In which format the answer shall be: `output_config.format` where the model can hold to a schema,
// else a sentence for the model (translation.md A.7).
#pragma once

#include <string>

#include "anthropic/capabilities.hpp"
#include "dialect/report.hpp"
#include "json/outline.hpp"

namespace ccproxy::dialect {

struct ResponseFormat {
  std::string format{};       // the member `format`; empty when it is left out
  std::string hint{};         // the last system block says this; empty without
  bool strips_fence = false;  // the model may put Markdown around its JSON
};

[[nodiscard]] ResponseFormat read_response_format(json::Value request,
                                                  const anthropic::Capabilities& can,
                                                  Report& report);

// The same for Responses: `text` is its member of that name.
[[nodiscard]] ResponseFormat read_text_format(json::Value text, const anthropic::Capabilities& can,
                                              Report& report);

}  // namespace ccproxy::dialect
