// The format that the client requests for the reply: `output_config.format` where the model can be
// held to a schema, else a sentence for the model (rule A.7).
#pragma once

#include <string>
#include <string_view>

#include "anthropic/capabilities.hpp"
#include "dialect/request/output_schema.hpp"
#include "dialect/request/report.hpp"
#include "json/outline.hpp"

namespace ccproxy::dialect {

struct ResponseFormat {
  std::string format{};       // `output_config.format` to send; empty to leave it out
  std::string hint{};         // a sentence for the last system block; empty without
  bool is_json = false;       // else any text
  bool strips_fence = false;  // the model may put a Markdown fence around its JSON
  std::string_view schema{};  // as the client wrote it; empty without
  std::string_view field{};   // the field of the request that has the schema
  SchemaCost cost{};          // of the schema, while it is in `format`

  // Moves the schema from `format` to `hint`, since it cannot be enforced, and warns of that.
  void write_as_text(Report& report);
};

// Reads `response_format` of Chat Completions. Errors go to the report.
[[nodiscard]] ResponseFormat read_response_format(json::Value request,
                                                  const anthropic::Capabilities& can,
                                                  Report& report);

// The same for Responses: `text` is the request's member of that name.
[[nodiscard]] ResponseFormat read_text_format(json::Value text, const anthropic::Capabilities& can,
                                              Report& report);

}  // namespace ccproxy::dialect
