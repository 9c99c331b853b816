#include "dialect/request/server_blocks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "dialect/request/content.hpp"
#include "dialect/request/name_table.hpp"
#include "json/text.hpp"

namespace ccproxy::dialect {
namespace {

using json::Value;

constexpr std::string_view kResult = "_tool_result";

bool is_call(std::string_view type) { return type == "server_tool_use" || type == "mcp_tool_use"; }
bool is_result(std::string_view type) { return type.ends_with(kResult); }
bool is_server(const Block& block) { return block.kind == Block::Kind::kServer; }

// `web_search` as one reads it.
void append_words(std::string& out, std::string_view name) {
  const auto begin = static_cast<std::ptrdiff_t>(out.size());
  out += name;
  std::replace(out.begin() + begin, out.end(), '_', ' ');
}

// --- As text -------------------------------------------------------------------------------------

void append_line(std::string& out, std::string_view before, std::string_view escaped) {
  if (escaped.empty()) return;
  out.append(out.ends_with(']') ? " " : "\\n").append(before).append(escaped);
}

// The members of a result that are for reading, whatever tool it is of: pages with their addresses,
// texts, what was printed, names. Sealed parts are not for reading.
struct Readable {
  explicit Readable(Value said);

  Value title{}, url{}, text{}, output{}, errors{}, error{}, tool{}, file{}, code{}, source{};
  Value content{}, lines{}, references{};
};

struct ReadableMember {
  std::string_view name;
  Value Readable::*place;
};

constexpr NameTable kReadable(std::to_array<ReadableMember>({
    {"title", &Readable::title},
    {"url", &Readable::url},
    {"text", &Readable::text},
    {"stdout", &Readable::output},
    {"stderr", &Readable::errors},
    {"error_code", &Readable::error},
    {"tool_name", &Readable::tool},
    {"file_id", &Readable::file},
    {"return_code", &Readable::code},
    {"source", &Readable::source},
    {"content", &Readable::content},
    {"lines", &Readable::lines},
    {"tool_references", &Readable::references},
}));

Readable::Readable(Value said) {
  for (const Value member : said.children())
    if (const auto* const known = kReadable.find(member.name())) this->*known->place = member;
}

void append_line(std::string& out, std::string_view before, Value text) {
  append_line(out, before, text.text().escaped);
}

// What a human, or a model, can read of it.
void append_told(std::string& out, Value said) {
  if (said.is_string()) return append_line(out, "", said);
  if (said.is_array())
    for (const Value each : said.children()) append_told(out, each);
  if (!said.is_object()) return;
  const Readable of(said);
  const std::string_view title = of.title.text().escaped, url = of.url.text().escaped;
  if (title.empty() || url.empty())
    append_line(out, "", title.empty() ? url : title);
  else
    append_line(out, "", fmt::format("{} ({})", title, url));
  append_line(out, "", of.text);
  append_line(out, "", of.output);
  append_line(out, "stderr: ", of.errors);
  append_line(out, "error: ", of.error);
  append_line(out, "", of.tool);
  append_line(out, "file: ", of.file);
  if (const auto code = of.code.integer(); code && *code != 0)
    append_line(out, "exit code: ", std::to_string(*code));
  if (of.source["type"].text().escaped == "text") append_line(out, "", of.source["data"]);
  for (const Value inner : {of.content, of.lines, of.references}) append_told(out, inner);
}

// `outline` is used and forgotten.
std::string told(const Block& block, json::Outline& outline) {
  const Value part = outline.read(block.text) ? outline.root() : Value();
  std::string out = "[";
  if (is_call(block.name)) {
    append_words(out, part["name"].text().escaped);
    out += " call]";
    std::string input, escaped;
    json::append_compact(input, part["input"].raw());
    json::append_escaped(escaped, input);
    append_line(out, "", escaped);
    return out;
  }
  if (!is_result(block.name)) {
    append_words(out, block.name);
    append_told(out += ']', part);
    return out;
  }
  append_words(out, block.name.substr(0, block.name.size() - kResult.size()));
  append_told(out += " result]", part["content"]);
  return out;
}

// --- Which way each goes -------------------------------------------------------------------------

class Settling {
 public:
  explicit Settling(const ServerBlockTools& with) : with_(with) {
    for (const Tool& tool : with.declared) {
      tools_.try_emplace(tool.client, &tool);
      if (tool.hosted.empty()) continue;
      hosted_.insert(tool.client);
      runs_code_ = runs_code_ || tool.client == "code_execution" || filters_with_code(tool);
    }
  }

  void pair(std::vector<Turn>& turns) {
    for (Turn& turn : turns) {
      if (turn.role != Role::kAssistant) continue;
      for (Block& block : turn.blocks) {
        if (!is_server(block)) continue;
        if (is_call(block.name)) calls_.try_emplace(block.id, Pair{&block, &turn});
        if (!is_result(block.name)) continue;
        const auto call = calls_.find(block.id);
        if (call != calls_.end() && may_answer(call->second, turn)) call->second.result = &block;
      }
    }
  }

  // False: the block is left out.
  bool settle(Block& block) {
    if (block.kind == Block::Kind::kToolResult) settle_inside(block);
    if (!is_server(block)) return true;
    switch (way_of(block)) {
      case Way::kCarried: block.kind = Block::Kind::kVerbatim; return true;
      case Way::kTold: emit(block); return true;
      case Way::kLeftOut: break;
    }
    with_.report.warn("item_dropped", fmt::format("{}[{}]", with_.list, block.message));
    return false;
  }

 private:
  struct Pair {
    Block* call;
    const Turn* turn;  // of the call
    Block* result = nullptr;
    bool is_carried = false;  // known when the call has been settled, which stands first
  };
  enum class Way { kCarried, kTold, kLeftOut };

  // Only the result of code may come in a later turn: it waits for the client's tools that it
  // calls.
  bool may_answer(const Pair& pair, const Turn& turn) {
    if (pair.result) return false;
    return pair.turn == &turn || name_of(*pair.call).ends_with("code_execution");
  }

  Way way_of(const Block& block) {
    if (block.name == "container_upload") {
      if (!runs_code_) return Way::kLeftOut;
      with_.betas.emplace_back(kFilesBeta);
      return Way::kCarried;
    }
    const auto found = calls_.find(block.id);
    Pair* const pair = found == calls_.end() ? nullptr : &found->second;
    if (is_call(block.name)) {
      if (!pair || pair->call != &block || !pair->result) return Way::kLeftOut;
      pair->is_carried = block.name == "server_tool_use" && is_declared(name_of(block));
    } else if (!pair || pair->result != &block) {
      return Way::kTold;
    }
    return pair->is_carried ? Way::kCarried : Way::kTold;
  }

  void emit(Block& block) {
    block.kind = Block::Kind::kText;
    block.text = with_.arena.keep(told(block, scratch_));
  }

  // In the results of the client's tools only references to tools may stand.
  void settle_inside(Block& result) {
    for (Block& inner : result.content) {
      if (!is_server(inner)) continue;
      const Tool* tool = inner.name == "tool_reference" ? tool_named(inner.id) : nullptr;
      if (!tool) {
        emit(inner);
        continue;
      }
      inner.kind = Block::Kind::kVerbatim;
      inner.text = with_.arena.keep(
          fmt::format(R"({{"type":"tool_reference","tool_name":"{}"}})", tool->upstream));
    }
  }

  // `id` is the name, still escaped.
  const Tool* tool_named(std::string_view id) const {
    std::string name;
    json::append_decoded(name, {id});
    const auto found = tools_.find(name);
    return found == tools_.end() ? nullptr : found->second;
  }

  std::string name_of(const Block& call) {
    return scratch_.read(call.text, 1) ? scratch_.root()["name"].decoded() : std::string();
  }

  // Searches since that day run code by themselves, to filter what they find.
  static bool filters_with_code(const Tool& tool) {
    constexpr std::string_view kVersion = "\"web_search_", kFetch = "\"web_fetch_";
    constexpr std::string_view kSince = "20260209";
    for (const std::string_view type : {kVersion, kFetch})
      if (const auto at = tool.hosted.find(type); at != std::string_view::npos)
        return tool.hosted.substr(at + type.size(), kSince.size()) >= kSince;
    return false;
  }

  bool is_declared(std::string_view name) const {
    return hosted_.contains(name) || (name.ends_with("code_execution") && runs_code_);
  }

  const ServerBlockTools& with_;
  std::unordered_map<std::string_view, const Tool*> tools_;  // by the client's name, the first
  std::unordered_set<std::string_view> hosted_;              // those that the provider has
  bool runs_code_ = false;
  std::unordered_map<std::string_view, Pair> calls_;  // by id
  json::Outline scratch_;
};

bool has_server_block(const Block& block) {
  return is_server(block) || std::any_of(block.content.begin(), block.content.end(), is_server);
}

}  // namespace

bool is_server_block(std::string_view type) {
  return is_call(type) || is_result(type) || type == "container_upload" || type == "tool_reference";
}

Block server_block(Value part, CacheControl cache_control, RequestArena& arena) {
  Block block{.kind = Block::Kind::kServer, .cache_control = cache_control};
  block.text = without_cache_control(part, arena);
  block.name = part["type"].text().escaped;
  const char* const key = is_call(block.name)                ? "id"
                          : is_result(block.name)            ? "tool_use_id"
                          : block.name == "container_upload" ? "file_id"
                                                             : "tool_name";
  block.id = part[key].text().escaped;
  return block;
}

void settle_server_blocks(std::vector<Block>& system, Turns& turns, const ServerBlockTools& with) {
  const bool is_needed =
      std::any_of(system.begin(), system.end(), is_server) ||
      std::any_of(turns.all().begin(), turns.all().end(), [](const Turn& turn) {
        return std::any_of(turn.blocks.begin(), turn.blocks.end(), has_server_block);
      });
  if (!is_needed) return;
  std::vector<Turn> given = std::exchange(turns.all(), {});
  Settling settling(with);
  settling.pair(given);
  const auto is_lost = [&](Block& block) { return !settling.settle(block); };
  system.erase(std::remove_if(system.begin(), system.end(), is_lost), system.end());
  for (Turn& turn : given) {
    std::vector<Block> kept;
    for (Block& block : turn.blocks)
      if (settling.settle(block)) kept.push_back(block);
    turns.add(turn.role, turn.message, kept);
  }
}

}  // namespace ccproxy::dialect
