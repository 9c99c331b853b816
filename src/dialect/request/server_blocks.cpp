#include "dialect/request/server_blocks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "dialect/request/cache_control.hpp"
#include "dialect/request/content_files.hpp"
#include "dialect/request/name_table.hpp"
#include "json/text.hpp"

namespace ccproxy::dialect {
namespace {

using json::Value;

constexpr std::string_view kResult = "_tool_result";

bool is_call(std::string_view type) { return type == "server_tool_use" || type == "mcp_tool_use"; }
bool is_result(std::string_view type) { return type.ends_with(kResult); }
bool is_server(const Block& block) { return block.kind == Block::Kind::kServer; }

// Appends a name such as `web_search` with spaces.
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

// The members of a result that can be read, whatever its tool: titles and addresses of pages,
// texts, output, names. Encrypted members are not among them.
struct Readable {
  explicit Readable(Value object);

  Value title{}, url{}, text{}, output{}, errors{}, error{}, tool{}, file{}, code{}, source{};
  Value content{}, lines{}, references{};
};

struct ReadableMember {
  std::string_view name;
  Value Readable::*field;
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

Readable::Readable(Value object) {
  for (const Value member : object.children())
    if (const auto* const known = kReadable.find(member.name())) this->*known->field = member;
}

void append_line(std::string& out, std::string_view before, Value text) {
  append_line(out, before, text.text().escaped);
}

// Appends what a person, or a model, can read of a value.
void append_readable(std::string& out, Value value) {
  if (value.is_string()) return append_line(out, "", value);
  if (value.is_array())
    for (const Value each : value.children()) append_readable(out, each);
  if (!value.is_object()) return;
  const Readable of(value);
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
  for (const Value inner : {of.content, of.lines, of.references}) append_readable(out, inner);
}

// The block as text, such as `[web search result] Title (https://...)`, escaped. `outline` is
// scratch memory.
std::string text_of(const Block& block, json::Outline& outline) {
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
    append_readable(out += ']', part);
    return out;
  }
  append_words(out, block.name.substr(0, block.name.size() - kResult.size()));
  append_readable(out += " result]", part["content"]);
  return out;
}

// --- As a block, as text or not at all -----------------------------------------------------------

class ServerBlocks {
 public:
  explicit ServerBlocks(const ServerBlockTools& with) : with_(with) {
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
        if (call != calls_.end() && may_pair(call->second, turn)) call->second.result = &block;
      }
    }
  }

  // Returns false when the block is to be removed.
  bool settle(Block& block) {
    if (block.kind == Block::Kind::kToolResult) settle_inside(block);
    if (!is_server(block)) return true;
    switch (form_of(block)) {
      case Form::kBlock: block.kind = Block::Kind::kVerbatim; return true;
      case Form::kText: make_text(block); return true;
      case Form::kNone: break;
    }
    with_.report.warn("item_dropped", fmt::format("{}[{}]", with_.list, block.message));
    return false;
  }

 private:
  struct Pair {
    Block* call;
    const Turn* turn;  // of the call
    Block* result = nullptr;
    bool is_block = false;  // both go up as blocks; known once the call is settled, which is first
  };
  enum class Form { kBlock, kText, kNone };

  // Only a result of code may stand in a later turn than its call: the code may call tools of the
  // client.
  bool may_pair(const Pair& pair, const Turn& turn) {
    if (pair.result) return false;
    return pair.turn == &turn || name_of(*pair.call).ends_with("code_execution");
  }

  Form form_of(const Block& block) {
    if (block.name == "container_upload") {
      if (!runs_code_) return Form::kNone;
      with_.betas.emplace_back(kFilesBeta);
      return Form::kBlock;
    }
    const auto found = calls_.find(block.id);
    Pair* const pair = found == calls_.end() ? nullptr : &found->second;
    if (is_call(block.name)) {
      if (!pair || pair->call != &block || !pair->result) return Form::kNone;
      pair->is_block = block.name == "server_tool_use" && is_declared(name_of(block));
    } else if (!pair || pair->result != &block) {
      return Form::kText;
    }
    return pair->is_block ? Form::kBlock : Form::kText;
  }

  void make_text(Block& block) {
    block.kind = Block::Kind::kText;
    block.text = with_.arena.store(text_of(block, scratch_));
  }

  // In the results of the client's tools, upstream takes only references to tools.
  void settle_inside(Block& result) {
    for (Block& inner : result.content) {
      if (!is_server(inner)) continue;
      const Tool* tool = inner.name == "tool_reference" ? tool_named(inner.id) : nullptr;
      if (!tool) {
        make_text(inner);
        continue;
      }
      inner.kind = Block::Kind::kVerbatim;
      inner.text = with_.arena.store(
          fmt::format(R"({{"type":"tool_reference","tool_name":"{}"}})", tool->upstream));
    }
  }

  // `id` is the name, escaped.
  const Tool* tool_named(std::string_view id) const {
    std::string name;
    json::append_decoded(name, {id});
    const auto found = tools_.find(name);
    return found == tools_.end() ? nullptr : found->second;
  }

  std::string name_of(const Block& call) {
    return scratch_.read(call.text, 1) ? scratch_.root()["name"].decoded() : std::string();
  }

  // Search tools since that version run code by themselves, to filter what they find.
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
  std::unordered_set<std::string_view> hosted_;              // names of the provider's tools
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
  std::vector<Turn> unsettled = std::exchange(turns.all(), {});
  ServerBlocks server_blocks(with);
  server_blocks.pair(unsettled);
  std::erase_if(system, [&](Block& block) { return !server_blocks.settle(block); });
  for (Turn& turn : unsettled) {
    std::vector<Block> settled;
    for (Block& block : turn.blocks)
      if (server_blocks.settle(block)) settled.push_back(block);
    turns.add(turn.role, turn.message, settled);
  }
}

}  // namespace ccproxy::dialect
