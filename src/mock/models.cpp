#include "mock/models.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>

#include "base/text.hpp"
#include "http/query.hpp"

namespace ccproxy::mock {
namespace {

using json::Document;

struct Row {
  std::string_view id, name, line;
  std::int64_t input, output;  // limits in tokens
  std::string_view thinking;   // comma-separated types
  std::string_view efforts;    // comma-separated levels
  std::string_view retires{};  // RFC 3339, of a deprecated model
};

constexpr std::string_view kAllEfforts = "low,medium,high,xhigh,max";
constexpr std::string_view kNoXhigh = "low,medium,high,max";
constexpr std::int64_t kMillion = 1'000'000;

// Models that can be used. Retired models are in no list.
constexpr std::array<Row, 14> kRows = {{
    {"claude-fable-5-2", "Claude Fable 5.2", "fable", kMillion, 128'000, "adaptive", kAllEfforts},
    {"claude-opus-5-5", "Claude Opus 5.5", "opus", kMillion, 128'000, "adaptive", kAllEfforts},
    {"claude-sonnet-5-5", "Claude Sonnet 5.5", "sonnet", kMillion, 128'000,
     "adaptive,between_tools", kAllEfforts},
    {"claude-haiku-5-5", "Claude Haiku 5.5", "haiku", kMillion, 128'000, "adaptive,disabled",
     kAllEfforts},
    {"claude-fable-5-1", "Claude Fable 5.1", "fable", kMillion, 128'000, "adaptive", kAllEfforts},
    {"claude-fable-5", "Claude Fable 5", "fable", kMillion, 128'000, "adaptive", kAllEfforts},
    {"claude-opus-5", "Claude Opus 5", "opus", kMillion, 128'000, "adaptive,disabled", kAllEfforts},
    {"claude-sonnet-5", "Claude Sonnet 5", "sonnet", kMillion, 128'000, "adaptive,disabled",
     kAllEfforts},
    {"claude-opus-4-8", "Claude Opus 4.8", "opus", kMillion, 128'000, "adaptive,disabled",
     kAllEfforts},
    {"claude-opus-4-7", "Claude Opus 4.7", "opus", kMillion, 128'000, "adaptive,disabled",
     kAllEfforts},
    {"claude-sonnet-4-6", "Claude Sonnet 4.6", "sonnet", kMillion, 128'000,
     "adaptive,disabled,enabled", kNoXhigh},
    {"claude-opus-4-6", "Claude Opus 4.6", "opus", kMillion, 128'000, "adaptive,disabled,enabled",
     kNoXhigh},
    {"claude-opus-4-5-20251101", "Claude Opus 4.5", "opus", 200'000, 64'000, "disabled,enabled",
     "low,medium,high", "2027-01-22T00:00:00Z"},
    {"claude-haiku-4-5-20251001", "Claude Haiku 4.5", "haiku", 200'000, 64'000, "disabled,enabled",
     ""},
}};

constexpr std::size_t kDefaultPageSize = 20;

Document support(bool yes) { return Document{{"supported", yes}}; }

// Adds a capability for each of `names`, supported when it is in the comma-separated list.
void add_each(Document& to, std::initializer_list<const char*> names, std::string_view list) {
  for (const char* name : names) to[name] = support(false);
  while (!list.empty()) to[std::string(take_item(list, ','))] = support(true);
}

Document capabilities(const Row& row) {
  const bool is_new = row.thinking.starts_with("adaptive");
  Document effort = support(!row.efforts.empty());
  add_each(effort, {"high", "low", "max", "medium", "xhigh"}, row.efforts);
  Document types = Document::object();
  add_each(types, {"adaptive", "between_tools", "disabled", "enabled"}, row.thinking);
  return Document{
      {"batch", support(true)},
      {"citations", support(true)},
      {"code_execution", support(true)},
      {"context_management",
       {{"clear_thinking_20251015", support(true)},
        {"clear_tool_uses_20250919", support(true)},
        {"compact_20260112", support(is_new)},
        {"supported", true}}},
      {"effort", effort},
      {"image_input", support(true)},
      {"pdf_input", support(true)},
      {"server_tools",
       {{"code_execution", support(true)}, {"supported", true}, {"web_search", support(true)}}},
      {"structured_outputs", support(true)},
      {"thinking", {{"supported", true}, {"types", types}}}};
}

// Returns the date at the end of an id; a fixed date for ids without one.
std::string created_at(std::string_view id) {
  const std::string_view date = id.substr(id.rfind('-') + 1);
  if (date.size() != 8) return "2026-01-01T00:00:00Z";
  return std::string(date.substr(0, 4)) + "-" + std::string(date.substr(4, 2)) + "-" +
         std::string(date.substr(6)) + "T00:00:00Z";
}

Document entry(const Row& row) {
  return Document{{"type", "model"},
                  {"id", row.id},
                  {"display_name", row.name},
                  {"created_at", created_at(row.id)},
                  {"lifecycle", row.retires.empty() ? "active" : "deprecated"},
                  {"deprecated_at", nullptr},
                  {"retires_at", row.retires.empty() ? Document() : Document(row.retires)},
                  {"line", row.line},
                  {"max_input_tokens", row.input},
                  {"max_tokens", row.output},
                  {"capabilities", capabilities(row)}};
}

std::size_t index_of(const std::vector<Document>& entries, std::string_view id) {
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const Document& one) {
    return one["id"].get<std::string>() == id;
  });
  return static_cast<std::size_t>(found - entries.begin());
}

}  // namespace

const std::vector<Document>& models() {
  static const std::vector<Document> kAll = [] {
    std::vector<Document> all;
    for (const Row& row : kRows) all.push_back(entry(row));
    return all;
  }();
  return kAll;
}

std::optional<Document> find_model(std::string_view id) {
  const std::size_t place = index_of(models(), id);
  if (place < models().size()) return models()[place];
  for (const Document& one : models()) {  // an alias is an id without its date
    const std::string whole = one["id"].get<std::string>();
    if (whole.size() == id.size() + 9 && whole.starts_with(id)) return one;
  }
  return std::nullopt;
}

Document page_of(const std::vector<Document>& entries, std::string_view query) {
  std::size_t limit = kDefaultPageSize;
  if (const auto given = http::query_value(query, "limit"))
    limit = std::clamp<std::size_t>(parse_decimal(*given).value_or(kDefaultPageSize), 1, 1000);
  std::size_t begin = 0;
  std::size_t end = entries.size();
  if (const auto after = http::query_value(query, "after_id"))
    begin = std::min(index_of(entries, *after) + 1, end);
  bool more = end - begin > limit;
  if (const auto before = http::query_value(query, "before_id")) {
    end = index_of(entries, *before);
    begin = end > limit ? end - limit : 0;
    more = begin > 0;
  }
  end = std::min(end, begin + limit);
  Document page = {{"data", Document::array()}, {"has_more", more}};
  for (std::size_t i = begin; i < end; ++i) page["data"].push_back(entries[i]);
  page["first_id"] = begin < end ? entries[begin]["id"] : Document(nullptr);
  page["last_id"] = begin < end ? entries[end - 1]["id"] : Document(nullptr);
  return page;
}

}  // namespace ccproxy::mock
