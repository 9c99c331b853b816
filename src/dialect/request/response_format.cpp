#include "dialect/request/response_format.hpp"

#include <fmt/format.h>

#include <string>

#include "dialect/request/output_schema.hpp"

namespace ccproxy::dialect {
namespace {

using json::Value;

constexpr const char* kObjectHint =
    "Answer with one JSON object and nothing else: no explanation, no Markdown fence.";

// The place of a format in a dialect's request.
struct FormatPath {
  std::string_view field;   // the field of the request
  std::string_view format;  // the format itself
  std::string_view holder;  // the object with the schema, where this dialect has it
};

constexpr FormatPath kChatPath{"response_format", "response_format", "response_format.json_schema"};
constexpr FormatPath kResponsesPath{"text", "text.format", "text.format"};

ResponseFormat read_schema(Value schema, std::string_view holder, std::string_view field,
                           const anthropic::Capabilities& can, Report& report) {
  if (schema.is_absent()) {
    report.refuse(fmt::format("{}.schema", holder), "missing_required_parameter",
                  "A format of type json_schema needs a schema.");
    return {};
  }
  if (!schema.is_object()) {
    report.refuse_type(fmt::format("{}.schema", holder), "an object");
    return {};
  }
  ResponseFormat format{.is_json = true, .schema = schema.raw(), .field = field};
  const auto clean = can.structured_outputs ? output_schema(schema.raw()) : std::nullopt;
  if (!clean) {
    format.write_as_text(report);
    return format;
  }
  format.format = fmt::format(R"({{"type":"json_schema","schema":{}}})", clean->json);
  format.cost = clean->cost;
  return format;
}

// A schema is read in the shape of either dialect, since clients write one in the other.
ResponseFormat read_format(Value format, const FormatPath& path, const anthropic::Capabilities& can,
                           Report& report) {
  if (format.is_absent()) return {};
  if (!format.is_object()) {
    report.refuse_type(path.format, "an object");
    return {};
  }
  const std::string_view type = format["type"].text().escaped;
  if (type == "text") return {};
  const Value flat = format["schema"], wrapper = format["json_schema"];
  if (type == "json_object") {
    const bool has_schema = !flat.is_absent() && flat.raw() != "{}";
    if (has_schema) return read_schema(flat, path.format, path.field, can, report);
    return {.hint = kObjectHint, .is_json = true, .strips_fence = true};
  }
  if (type == "json_schema") {
    if (wrapper.is_object())
      return read_schema(wrapper["schema"], fmt::format("{}.json_schema", path.format), path.field,
                         can, report);
    return read_schema(flat, flat.is_absent() ? path.holder : path.format, path.field, can, report);
  }
  report.refuse(fmt::format("{}.type", path.format), "invalid_value",
                "A format is of type text, json_object or json_schema.");
  return {};
}

}  // namespace

void ResponseFormat::write_as_text(Report& report) {
  if (schema.empty()) return;
  report.warn("schema_as_text", field);
  format.clear();
  cost = {};
  hint = fmt::format(
      "Answer with only a JSON value that matches this JSON schema: no explanation, no Markdown "
      "fence.\n{}",
      schema);
  strips_fence = true;
}

ResponseFormat read_response_format(Value request, const anthropic::Capabilities& can,
                                    Report& report) {
  return read_format(request["response_format"], kChatPath, can, report);
}

ResponseFormat read_text_format(Value text, const anthropic::Capabilities& can, Report& report) {
  if (!text.is_absent() && !text.is_object()) report.refuse_type("text", "an object");
  return read_format(text["format"], kResponsesPath, can, report);
}

}  // namespace ccproxy::dialect
