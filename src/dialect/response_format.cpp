#include "dialect/response_format.hpp"

#include <fmt/format.h>

#include "dialect/output_schema.hpp"

namespace ccproxy::dialect {
namespace {

using json::Value;

constexpr const char* kObjectHint =
    "Answer with one JSON object and nothing else: no explanation, no Markdown fence.";

ResponseFormat read_schema(Value holder, const anthropic::Capabilities& can, Report& report) {
  const Value schema = holder["schema"];
  if (schema.is_absent()) {
    report.refuse("response_format.json_schema.schema", "missing_required_parameter",
                  "A format of type json_schema needs a schema.");
    return {};
  }
  if (!schema.is_object()) {
    report.refuse_type("response_format.json_schema.schema", "an object");
    return {};
  }
  if (can.structured_outputs)
    if (const auto clean = output_schema(schema.raw()))
      return {.format = fmt::format(R"({{"type":"json_schema","schema":{}}})", clean->json)};
  report.warn("schema_as_text", "response_format");
  return {.hint = fmt::format("Answer with only a JSON value that matches this JSON schema: no "
                              "explanation, no Markdown fence.\n{}",
                              schema.raw()),
          .strips_fence = true};
}

}  // namespace

ResponseFormat read_response_format(Value request, const anthropic::Capabilities& can,
                                    Report& report) {
  const Value format = request["response_format"];
  if (format.is_absent()) return {};
  if (!format.is_object()) {
    report.refuse_type("response_format", "an object");
    return {};
  }
  const std::string_view type = format["type"].text().escaped;
  if (type == "text") return {};
  if (type == "json_object") return {.hint = kObjectHint, .strips_fence = true};
  if (type == "json_schema") return read_schema(format["json_schema"], can, report);
  report.refuse("response_format.type", "invalid_value",
                "A format is of type text, json_object or json_schema.");
  return {};
}

}  // namespace ccproxy::dialect
