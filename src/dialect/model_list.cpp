#include "dialect/model_list.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/text.hpp"
#include "base/timestamp.hpp"
#include "json/writer.hpp"

namespace ccproxy::dialect {
namespace {

using anthropic::Effort;
using anthropic::Family;
using anthropic::ModelEntry;

// Codex takes its system prompt from the list. The text is our own; the tools have their
// descriptions.
constexpr std::string_view kCodexInstructions =
    "You are a coding agent. You work in the person's own folder through the tools you are given: "
    "look at the code before you change it, make the smallest change that does what was asked, "
    "run what shows that it works, and say briefly what you did. Follow the instructions that "
    "the project's own files give. Do not undo changes that you did not make.";

// Codex truncates the output of tools to so many tokens.
constexpr int kCodexToolOutputTokens = 10'000;

// The first minor version of Codex (0.x) that is known to read the effort level `max`. Earlier ones
// drop the list for an unknown level.
constexpr std::uint64_t kCodexWithMax = 144;

// Seconds since 1970; 0 where the time is not known.
std::int64_t unix_seconds(std::string_view rfc3339) {
  const auto instant = instant_of(rfc3339).value_or(Instant());
  return std::chrono::floor<std::chrono::seconds>(instant).time_since_epoch().count();
}

void write_openai_model(json::Writer& writer, const ModelEntry& entry) {
  writer.begin_object().member("id", entry.id).member("object", "model");
  writer.member("created", unix_seconds(entry.created_at)).member("owned_by", "anthropic");
  if (entry.context > 0) writer.member("context_length", entry.context);
  if (entry.max_output > 0) writer.member("max_output_tokens", entry.max_output);
  if (!entry.maps_to.empty()) {
    writer.key("x_ccproxy").begin_object().member("maps_to", entry.maps_to);
    writer.member("served_by", entry.served_by).end_object();
  }
  writer.end_object();
}

bool reads_max(std::string_view client_version) {
  const auto major = parse_decimal(take_item(client_version, '.'));
  const auto minor = parse_decimal(take_item(client_version, '.'));
  return major && minor && (*major > 0 || *minor >= kCodexWithMax);
}

std::string_view describe(Effort effort) {
  switch (effort) {
    case Effort::kLow: return "Quick answers with little thinking";
    case Effort::kMedium: return "Some thinking, for everyday work";
    case Effort::kHigh: return "Thorough thinking, for hard problems";
    case Effort::kXhigh: return "Long thinking, for long pieces of work";
    case Effort::kMax: return "As much thinking as the model can do";
  }
  return "";
}

// The effort levels that a person may choose. A model with thinking budgets instead of levels gets
// three, which the translation maps to budgets; so does an unknown model.
struct Levels {
  std::vector<Effort> offered;
  std::optional<Effort> standard;
};

Levels levels_of(const Family* family, bool with_max) {
  Levels budgets{{Effort::kLow, Effort::kMedium, Effort::kHigh}, Effort::kMedium};
  if (!family) return budgets;
  if (family->efforts.empty())
    return family->thinking.manual == anthropic::ManualThinking::kNo ? Levels{} : budgets;
  Levels levels{{}, family->standard_effort};
  for (const Effort effort : family->efforts)
    if (effort != Effort::kMax || with_max) levels.offered.push_back(effort);
  return levels;
}

void write_levels(json::Writer& writer, const Levels& levels) {
  if (levels.standard)
    writer.member("default_reasoning_level", anthropic::effort_name(*levels.standard));
  else
    writer.member("default_reasoning_level", nullptr);
  writer.key("supported_reasoning_levels").begin_array();
  for (const Effort effort : levels.offered)
    writer.begin_object()
        .member("effort", anthropic::effort_name(effort))
        .member("description", describe(effort))
        .end_object();
  writer.end_array();
}

std::string describe(const ModelEntry& entry) {
  if (!entry.maps_to.empty()) return fmt::format("Served by {}", entry.served_by);
  if (entry.context == 0) return entry.display_name;
  return fmt::format("{}, {}k tokens of context", entry.display_name, entry.context / 1000);
}

void write_context(json::Writer& writer, std::int64_t context) {
  for (const char* name : {"context_window", "max_context_window"}) {
    writer.key(name);
    context > 0 ? writer.value(context) : writer.value(nullptr);
  }
}

void write_codex_model(json::Writer& writer, const ModelEntry& entry, int priority, bool with_max) {
  const Levels levels = levels_of(entry.family, with_max);
  writer.begin_object();
  writer.member("slug", entry.id).member("display_name", entry.display_name);
  writer.member("description", describe(entry));
  write_levels(writer, levels);
  writer.member("shell_type", "shell_command").member("visibility", "list");
  writer.member("supported_in_api", true).member("priority", priority);
  writer.member("base_instructions", kCodexInstructions);
  writer.member("supports_reasoning_summaries", !levels.offered.empty());
  writer.member("support_verbosity", false).member("default_verbosity", nullptr);
  writer.member("apply_patch_tool_type", "freeform");
  writer.key("truncation_policy").begin_object();
  writer.member("mode", "tokens").member("limit", kCodexToolOutputTokens).end_object();
  writer.member("supports_parallel_tool_calls", true);
  writer.key("experimental_supported_tools").begin_array().end_array();
  write_context(writer, entry.context);
  writer.key("input_modalities").begin_array().value("text").value("image").end_array();
  writer.member("upgrade", nullptr).member("availability_nux", nullptr);
  writer.end_object();
}

}  // namespace

std::string openai_model_list(std::span<const ModelEntry> entries) {
  std::string body;
  json::Writer writer(body);
  writer.begin_object().member("object", "list").key("data").begin_array();
  for (const ModelEntry& entry : entries) write_openai_model(writer, entry);
  writer.end_array().end_object();
  return body;
}

std::string openai_model(const ModelEntry& entry) {
  std::string body;
  json::Writer writer(body);
  write_openai_model(writer, entry);
  return body;
}

std::string codex_model_list(std::span<const ModelEntry> entries, std::string_view client_version) {
  const bool with_max = reads_max(client_version);
  std::string body;
  json::Writer writer(body);
  writer.begin_object().key("models").begin_array();
  int priority = 0;  // lower stands first
  for (const ModelEntry& entry : entries) write_codex_model(writer, entry, ++priority, with_max);
  writer.end_array().end_object();
  return body;
}

}  // namespace ccproxy::dialect
