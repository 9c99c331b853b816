#include "dialect/request/response_format.hpp"

#include <fmt/format.h>

#include <string>

#include "dialect/request/output_schema.hpp"

namespace ccproxy::dialect {
namespace {

using json::Value;

constexpr const char* kObjectHint =
    "Answer with one JSON object and nothing else: no explanation, no Markdown fence.";

// Where a format stands: in which member of the request, and in which place of that.
struct FormatPlace {
  std::string_view field;
  std::string_view whole;
  std::string_view holder;  // of a schema that stands where this dialect has it
};

constexpr FormatPlace kChatPlace{"response_format", "response_format",
                                 "response_format.json_schema"};
constexpr FormatPlace kResponsesPlace{"text", "text.format", "text.format"};

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

// Clients write one dialect's shape in the other: a schema is taken from both places.
ResponseFormat read_format(Value format, const FormatPlace& place,
                           const anthropic::Capabilities& can, Report& report) {
  if (format.is_absent()) return {};
  if (!format.is_object()) {
    report.refuse_type(place.whole, "an object");
    return {};
  }
  const std::string_view type = format["type"].text().escaped;
  if (type == "text") return {};
  const Value flat = format["schema"], wrapper = format["json_schema"];
  if (type == "json_object") {
    const bool says_something = !flat.is_absent() && flat.raw() != "{}";
    if (says_something) return read_schema(flat, place.whole, place.field, can, report);
    return {.hint = kObjectHint, .is_json = true, .strips_fence = true};
  }
  if (type == "json_schema") {
    if (wrapper.is_object())
      return read_schema(wrapper["schema"], fmt::format("{}.json_schema", place.whole), place.field,
                         can, report);
    return read_schema(flat, flat.is_absent() ? place.holder : place.whole, place.field, can,
                       report);
  }
  report.refuse(fmt::format("{}.type", place.whole), "invalid_value",
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
  return read_format(request["response_format"], kChatPlace, can, report);
}

ResponseFormat read_text_format(Value text, const anthropic::Capabilities& can, Report& report) {
  if (!text.is_absent() && !text.is_object()) report.refuse_type("text", "an object");
  return read_format(text["format"], kResponsesPlace, can, report);
}

}  // namespace ccproxy::dialect
