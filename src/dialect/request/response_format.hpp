// In which format the answer shall be: `output_config.format` where the model can hold to a schema,
// else a sentence for the model (rule A.7).
#pragma once

#include <string>
#include <string_view>

#include "anthropic/capabilities.hpp"
#include "dialect/request/output_schema.hpp"
#include "dialect/request/report.hpp"
#include "json/outline.hpp"

namespace ccproxy::dialect {

struct ResponseFormat {
  std::string format{};       // the member `format`; empty when it is left out
  std::string hint{};         // the last system block says this; empty without
  bool is_json = false;       // else text of any kind
  bool strips_fence = false;  // the model may put Markdown around its JSON
  // Of a format with a schema: as the client wrote it, and which field of the request that was.
  std::string_view schema{};
  std::string_view field{};
  SchemaCost cost{};  // while it is in `format`

  // The schema goes into the prompt, since it cannot be enforced.
  void write_as_text(Report& report);
};

[[nodiscard]] ResponseFormat read_response_format(json::Value request,
                                                  const anthropic::Capabilities& can,
                                                  Report& report);

// The same for Responses: `text` is its member of that name.
[[nodiscard]] ResponseFormat read_text_format(json::Value text, const anthropic::Capabilities& can,
                                              Report& report);

}  // namespace ccproxy::dialect
