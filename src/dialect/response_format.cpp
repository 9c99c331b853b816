#include "dialect/response_format.hpp"

#include <fmt/format.h>

#include <string>

#include "dialect/output_schema.hpp"

namespace ccproxy::dialect {
namespace {

using json::Value;

constexpr const char* kObjectHint =
    "Answer with one JSON object and nothing else: no explanation, no Markdown fence.";

// `at` is where the holder stands in the request.
ResponseFormat read_schema(Value holder, const std::string& at, const anthropic::Capabilities& can,
                           Report& report) {
  const Value schema = holder["schema"];
  if (schema.is_absent()) {
    report.refuse(at + ".schema", "missing_required_parameter",
                  "A format of type json_schema needs a schema.");
    return {};
  }
  if (!schema.is_object()) {
    report.refuse_type(at + ".schema", "an object");
    return {};
  }
  if (can.structured_outputs)
    if (const auto clean = output_schema(schema.raw()))
      return {.format = fmt::format(R"({{"type":"json_schema","schema":{}}})", clean->json)};
  report.warn("schema_as_text", at.substr(0, at.find('.')));
  return {.hint = fmt::format("Answer with only a JSON value that matches this JSON schema: no "
                              "explanation, no Markdown fence.\n{}",
                              schema.raw()),
          .strips_fence = true};
}

// `schema` holds the schema of a format that has one.
ResponseFormat read_format(Value format, const std::string& at, Value schema,
                           const std::string& schema_at, const anthropic::Capabilities& can,
                           Report& report) {
  if (format.is_absent()) return {};
  if (!format.is_object()) {
    report.refuse_type(at, "an object");
    return {};
  }
  const std::string_view type = format["type"].text().escaped;
  if (type == "text") return {};
  if (type == "json_object") return {.hint = kObjectHint, .strips_fence = true};
  if (type == "json_schema") return read_schema(schema, schema_at, can, report);
  report.refuse(at + ".type", "invalid_value",
                "A format is of type text, json_object or json_schema.");
  return {};
}

}  // namespace

ResponseFormat read_response_format(Value request, const anthropic::Capabilities& can,
                                    Report& report) {
  const Value format = request["response_format"];
  return read_format(format, "response_format", format["json_schema"],
                     "response_format.json_schema", can, report);
}

ResponseFormat read_text_format(Value text, const anthropic::Capabilities& can, Report& report) {
  if (!text.is_absent() && !text.is_object()) report.refuse_type("text", "an object");
  const Value format = text["format"];
  return read_format(format, "text.format", format, "text.format", can, report);
}

}  // namespace ccproxy::dialect
