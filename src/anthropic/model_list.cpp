#include "anthropic/model_list.hpp"

#include <algorithm>
#include <utility>

#include "json/document.hpp"
#include "json/writer.hpp"

namespace ccproxy::anthropic {
namespace {

constexpr int kMaxDepth = 64;  // of nesting in the upstream's list
constexpr std::string_view kUnknownTime = "1970-01-01T00:00:00Z";  // as the upstream writes it

std::string midnight(const std::string& date) {
  return date.empty() ? std::string() : date + "T00:00:00Z";
}

ModelEntry entry_of(const Model& model, const ModelTable& table) {
  const Family* family = table.family_of("claude-" + model.family);
  return {.id = model.id,
          .aliases = model.aliases,
          .display_name = model.display_name,
          .created_at = midnight(std::string(table.released(model))),
          .family = family,
          .context = family->context,
          .max_output = family->max_output,
          .state = model.life.state,
          .retires_at = midnight(model.life.date)};
}

// A mapped name has the capabilities of the model that serves it.
ModelEntry entry_of_name(const std::string& name, const std::string& target, std::string served,
                         const ModelTable& table) {
  ModelEntry entry{.id = name, .display_name = name};
  if (const Model* model = table.find(served)) {
    entry = entry_of(*model, table);
    entry.id = name;
    entry.aliases.clear();
    entry.display_name = name + " (" + model->display_name + ")";
  } else if (const Family* family = table.family_of(served)) {
    entry.family = family;
    entry.context = family->context;
    entry.max_output = family->max_output;
  }
  entry.maps_to = target;
  entry.served_by = std::move(served);
  return entry;
}

// True when JSON is nested so deep that walking it as a tree could exhaust the stack.
bool too_deep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (in_string) {
      if (c == '\\') ++at;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMaxDepth) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

std::string text_of(const json::Document& item, const char* key) {
  const auto found = item.find(key);
  return found != item.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::int64_t tokens_of(const json::Document& item, const char* key, std::int64_t otherwise) {
  const auto found = item.find(key);
  return found != item.end() && found->is_number_unsigned() ? found->get<std::int64_t>()
                                                            : otherwise;
}

ModelEntry entry_of_upstream(const json::Document& item, const ModelTable& table) {
  ModelEntry entry{.id = text_of(item, "id"),
                   .display_name = text_of(item, "display_name"),
                   .created_at = text_of(item, "created_at"),
                   .state = text_of(item, "lifecycle") == "deprecated" ? LifeState::kDeprecated
                                                                       : LifeState::kActive,
                   .retires_at = text_of(item, "retires_at"),
                   .upstream_json = item.dump()};
  if (entry.created_at.empty() || entry.created_at == kUnknownTime)
    if (const Model* model = table.find(entry.id))
      entry.created_at = midnight(std::string(table.released(*model)));
  entry.family = table.family_of(entry.id);
  entry.context = tokens_of(item, "max_input_tokens", entry.family ? entry.family->context : 0);
  entry.max_output = tokens_of(item, "max_tokens", entry.family ? entry.family->max_output : 0);
  if (entry.display_name.empty()) entry.display_name = entry.id;
  const auto capabilities = item.find("capabilities");
  if (capabilities != item.end() && capabilities->is_object())
    entry.capabilities = capabilities->dump();
  return entry;
}

void write_support(json::Writer& writer, std::string_view name, bool supported) {
  writer.key(name).begin_object().member("supported", supported).end_object();
}

// Writes what the provider can do with a growing context. The models that can summarize it are
// those with compaction on demand.
void write_context_management(json::Writer& writer, const Family& family) {
  const bool thinks = family.thinking.standard != ThinkingState::kNone;
  writer.key("context_management").begin_object().member("supported", true);
  write_support(writer, "clear_thinking_20251015", thinks);
  write_support(writer, "clear_tool_uses_20250919", true);
  write_support(writer, "compact_20260112", family.native.compaction != NativeSupport::kNo);
  writer.end_object();
}

void write_server_tools(json::Writer& writer) {
  writer.key("server_tools").begin_object().member("supported", true);
  write_support(writer, "code_execution", true);
  write_support(writer, "web_search", true);
  writer.end_object();
}

// Writes `capabilities` in the upstream's format, as far as the table knows them. All models in the
// table support batches, citations, images, PDF files and the provider's tools. Those with
// structured outputs also let executed code call other tools.
void write_capabilities(json::Writer& writer, const Family& family) {
  writer.key("capabilities").begin_object();
  write_support(writer, "batch", true);
  write_support(writer, "citations", true);
  write_support(writer, "code_execution", family.structured_outputs);
  write_context_management(writer, family);
  writer.key("effort").begin_object().member("supported", !family.efforts.empty());
  for (const Effort effort :
       {Effort::kLow, Effort::kMedium, Effort::kHigh, Effort::kXhigh, Effort::kMax})
    write_support(
        writer, effort_name(effort),
        std::find(family.efforts.begin(), family.efforts.end(), effort) != family.efforts.end());
  writer.end_object();
  write_support(writer, "image_input", true);
  write_support(writer, "pdf_input", true);
  write_server_tools(writer);
  write_support(writer, "structured_outputs", family.structured_outputs);
  const Thinking& thinking = family.thinking;
  const bool thinks = thinking.standard != ThinkingState::kNone;
  writer.key("thinking").begin_object().member("supported", thinks);
  writer.key("types").begin_object();
  write_support(writer, "adaptive", thinking.adaptive);
  write_support(writer, "between_tools", thinking.off == ThinkingOff::kBetweenTools);
  write_support(writer, "disabled",
                thinking.off == ThinkingOff::kDisabled || thinking.off == ThinkingOff::kOmit);
  write_support(writer, "enabled", thinking.manual != ManualThinking::kNo);
  writer.end_object().end_object().end_object();
}

std::string_view lifecycle_of(LifeState state) {
  switch (state) {
    case LifeState::kDeprecated: return "deprecated";
    case LifeState::kRetired: return "retired";
    case LifeState::kActive:
    case LifeState::kInvitation: return "active";
  }
  return "active";
}

void write_count(json::Writer& writer, std::string_view name, std::int64_t count) {
  count > 0 ? writer.member(name, count) : writer.member(name, nullptr);
}

// The range of a page. `more` says that there are entries behind it in the requested direction.
struct PageRange {
  std::size_t first = 0, last = 0;  // `last` is not included
  bool more = false;
};

PageRange range_of(std::span<const ModelEntry> entries, const Page& page) {
  const std::size_t limit = std::clamp<std::size_t>(page.limit, 1, 1000);
  const std::string_view cursor = page.after_id.empty() ? page.before_id : page.after_id;
  if (cursor.empty()) return {0, std::min(limit, entries.size()), entries.size() > limit};

  const ModelEntry* found = find_entry(entries, cursor);
  if (!found) return {};
  const auto at = static_cast<std::size_t>(found - entries.data());
  if (page.after_id.empty()) return {at > limit ? at - limit : 0, at, at > limit};
  const std::size_t left = entries.size() - at - 1;
  return {at + 1, at + 1 + std::min(limit, left), left > limit};
}

}  // namespace

std::vector<ModelEntry> list_models(const ModelTable& table, const Mapping& mapping,
                                    FunctionRef<std::string(std::string_view)> served_by) {
  std::vector<ModelEntry> entries;
  for (const Model& model : table.models())
    if (model.life.state == LifeState::kActive || model.life.state == LifeState::kDeprecated)
      entries.push_back(entry_of(model, table));
  for (const auto& [name, target] : mapping) {
    if (name.find('*') != std::string::npos) continue;
    ModelEntry entry = entry_of_name(name, target, served_by(target), table);
    const auto same = std::find_if(entries.begin(), entries.end(),
                                   [&entry](const auto& other) { return other.id == entry.id; });
    if (same != entries.end())
      *same = std::move(entry);
    else
      entries.push_back(std::move(entry));
  }
  return entries;
}

Result<void> merge_upstream(std::vector<ModelEntry>& entries, std::string_view upstream,
                            const ModelTable& table) {
  const auto refused = [] {
    return fail(ErrorKind::kUpstreamBroke, "upstream's list of models is not one");
  };
  if (too_deep(upstream)) return refused();
  const auto document = json::parse_document(upstream);
  if (!document || !document->is_object() || !document->contains("data") ||
      !document->at("data").is_array())
    return refused();
  const json::Document& data = document->at("data");

  std::vector<ModelEntry> merged = entries;
  std::size_t next = 0;  // where a new model is inserted: behind the model before it
  for (const json::Document& item : data) {
    if (!item.is_object() || text_of(item, "id").empty()) return refused();
    ModelEntry entry = entry_of_upstream(item, table);
    const ModelEntry* known = find_entry(merged, entry.id);
    if (!known) {
      merged.insert(merged.begin() + static_cast<std::ptrdiff_t>(next++), std::move(entry));
    } else if (known->maps_to.empty()) {
      const auto at = static_cast<std::size_t>(known - merged.data());
      entry.aliases = known->aliases;
      if (known->id != entry.id) entry.aliases.push_back(known->id);
      merged[at] = std::move(entry);
      next = at + 1;
    }
  }
  for (ModelEntry& entry : merged) {
    const ModelEntry* behind =
        entry.maps_to.empty() ? nullptr : find_entry(merged, entry.served_by);
    if (behind != nullptr) entry.capabilities = behind->capabilities;
  }
  entries = std::move(merged);
  return {};
}

const ModelEntry* find_entry(std::span<const ModelEntry> entries, std::string_view id) {
  for (const ModelEntry& entry : entries)
    if (entry.id == id) return &entry;
  for (const ModelEntry& entry : entries)
    if (std::find(entry.aliases.begin(), entry.aliases.end(), id) != entry.aliases.end())
      return &entry;
  return nullptr;
}

std::string model_list(std::span<const ModelEntry> entries, const Page& page) {
  const PageRange range = range_of(entries, page);
  const auto shown = entries.subspan(range.first, range.last - range.first);
  std::string body;
  json::Writer writer(body);
  writer.begin_object().key("data").begin_array();
  for (const ModelEntry& entry : shown) writer.raw(model_object(entry));
  writer.end_array().member("has_more", range.more);
  if (shown.empty())
    writer.member("first_id", nullptr).member("last_id", nullptr);
  else
    writer.member("first_id", shown.front().id).member("last_id", shown.back().id);
  writer.end_object();
  return body;
}

std::string model_object(const ModelEntry& entry) {
  if (!entry.upstream_json.empty()) return entry.upstream_json;
  std::string body;
  json::Writer writer(body);
  writer.begin_object().member("type", "model").member("id", entry.id);
  writer.member("display_name", entry.display_name);
  writer.member("created_at", entry.created_at.empty() ? kUnknownTime : entry.created_at);
  writer.member("lifecycle", lifecycle_of(entry.state));
  writer.member("deprecated_at", nullptr);
  if (entry.retires_at.empty())
    writer.member("retires_at", nullptr);
  else
    writer.member("retires_at", entry.retires_at);
  if (entry.family)
    writer.member("line", entry.family->line);
  else
    writer.member("line", nullptr);
  write_count(writer, "max_input_tokens", entry.context);
  write_count(writer, "max_tokens", entry.max_output);
  if (!entry.capabilities.empty())
    writer.key("capabilities").raw(entry.capabilities);
  else if (entry.family)
    write_capabilities(writer, *entry.family);
  else
    writer.member("capabilities", nullptr);
  if (!entry.maps_to.empty()) {
    writer.key("x_ccproxy").begin_object().member("maps_to", entry.maps_to);
    writer.member("served_by", entry.served_by).end_object();
  }
  writer.end_object();
  return body;
}

}  // namespace ccproxy::anthropic
