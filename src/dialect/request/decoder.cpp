#include "dialect/request/decoder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/digest.hpp"
#include "dialect/request/cache_breakpoints.hpp"
#include "dialect/request/cache_control.hpp"
#include "dialect/request/content.hpp"
#include "dialect/request/known_members.hpp"
#include "dialect/request/reasoning_tags.hpp"
#include "dialect/request/server_blocks.hpp"
#include "json/text.hpp"
#include "json/writer.hpp"

namespace ccproxy::dialect {
namespace {

using json::Value;

constexpr std::string_view kBindingBeta = "thinking-binding-controls-2026-08-01";
// Bytes that the body may have beyond the client's: in all, and for each turn, block and tool.
constexpr std::size_t kHead = 2048, kAroundTurn = 48, kAroundBlock = 96, kAroundTool = 64;

std::string_view role_name(Role role) {
  switch (role) {
    case Role::kAssistant: return "assistant";
    case Role::kSystem: return "system";
    case Role::kUser: break;
  }
  return "user";
}

}  // namespace

RequestDecoder::RequestDecoder(Value request, const RequestContext& context,
                               std::string_view input_param)
    : request_(request),
      context_(context),
      can_(context.can),
      report_(decoded_.plan, context.strict),
      names_(arena_),
      tools_(context, report_, arena_, names_),
      turns_(arena_, input_param),
      display_(context.options.chat_reasoning_display),
      input_param_(input_param) {}

ConversationParts RequestDecoder::conversation_parts() {
  return {context_, report_, arena_, tools_, decoded_.betas, system_, turns_};
}

void RequestDecoder::choose_tools(const ConversationBuilder& conversation) {
  if (!tools_.all().empty()) return tools_.choose(request_);
  for (const std::string_view name : conversation.called_tools()) tools_.add_from_history(name);
}

Result<Decoded> RequestDecoder::run() {
  if (!request_.is_object()) report_.refuse_type("", "an object");
  if (context_.requested.defaulted) report_.warn("model_defaulted", "model");
  if (context_.requested.marked) report_.ignore("model[1m]");
  if (context_.is_unknown) report_.warn("model_unknown", "model");
  read();
  report_unknown_members(request_, report_);
  if (report_.refused()) return report_.take_error();
  settle();
  if (report_.refused()) return report_.take_error();
  write();
  return std::move(decoded_);
}

void RequestDecoder::read_system() {
  const Value system = request_["system"];
  if (system.is_string()) return Content::add_text(system.text(), CacheControl::kNone, system_);
  if (!system.is_absent() && !system.is_array())
    return report_.refuse_type("system", "a string or an array");
  std::size_t index = 0;
  for (const Value part : system.children()) {
    const Value text = part.is_string() ? part : part["text"];
    if (!text.is_string())
      return report_.refuse_type(fmt::format("system[{}].text", index), "a string");
    Content::add_text(text.text(), cache_control_of(part), system_);
    ++index;
  }
}

// Must run before turns are moved: a remembered turn is found by the turn before it.
void RequestDecoder::restore_thinking() {
  remove_reasoning_tags(system_, turns_, arena_);
  restore_turns(context_.memory, form_, turns_, report_, arena_);
  if (!tools_.all().empty()) decoded_.question = question_hash(turns_.all());
}

// True when signed thinking goes upstream with a turn.
bool RequestDecoder::has_thinking() const {
  const auto is_thinking = [](const Block& block) { return block.kind == Block::Kind::kThinking; };
  return std::any_of(turns_.all().begin(), turns_.all().end(), [&](const Turn& turn) {
    return std::any_of(turn.blocks.begin(), turn.blocks.end(), is_thinking);
  });
}

void RequestDecoder::settle() {
  settle_schemas();
  restore_thinking();
  settle_server_blocks(system_, turns_,
                       {tools_.all(), arena_, report_, decoded_.betas, input_param_});
  turns_.place_system(can_.mid_system && context_.options.mid_system == MidSystem::kAuto);
  turns_.pair_results(report_);
  if (turns_.all().empty() && !system_.empty()) {
    turns_.add(Role::kUser, 0, {&system_.back(), 1});
    system_.pop_back();
  }
  if (turns_.all().empty())
    return report_.refuse(input_param_, "invalid_value", "There is no text in the request.");
  const ThinkingContext thinking{.can = can_,
                                 .display = display_,
                                 .max_tokens = parameters_.max_tokens,
                                 .is_forced = tools_.choice().is_forced,
                                 .lacks_thinking = turns_.last_call_lacks_thinking(),
                                 .has_thinking = has_thinking()};
  thinking_ = choose_thinking(reasoning_, thinking, report_);
  turns_.complete_ends(can_.prefill != anthropic::Prefill::kNo && !thinking_.is_on &&
                       format_.format.empty());
  add_hints();
  sampling_ = settle_sampling(parameters_, can_.sampling && !thinking_.is_on, report_);
  const AutomaticBreakpoint automatic{.is_wanted = context_.options.prompt_caching,
                                      .is_possible = can_.automatic_cache};
  cache_ = settle_cache_breakpoints(request_, automatic, tools_.all(), system_, turns_, report_);
}

// Schemas that the provider could not compile once are not sent as schemas again: tools are no
// longer strict, and the format becomes text.
void RequestDecoder::settle_schemas() {
  tools_.settle_strict(format_.cost);
  decoded_.schemas = digest_of_schemas();
  const auto refused = context_.refused_schemas;
  if (std::find(refused.begin(), refused.end(), decoded_.schemas) == refused.end()) return;
  decoded_.schemas.clear();
  tools_.drop_strict();
  format_.write_as_text(report_);
}

// The digest does not depend on the names and the order of the tools.
std::string RequestDecoder::digest_of_schemas() {
  std::vector<std::string> digests;
  for (const Tool& tool : tools_.all())
    if (tool.is_strict) digests.push_back(sha256(tool.schema));
  if (digests.empty() && format_.format.empty()) return {};
  std::sort(digests.begin(), digests.end());
  std::string all = format_.format;
  for (const std::string& digest : digests) all += digest;
  return sha256(all);
}

void RequestDecoder::add_hints() {
  for (const std::string_view hint :
       {std::string_view(parameters_.hint), std::string_view(format_.hint),
        std::string_view(tools_.choice().hint)}) {
    if (hint.empty()) continue;
    std::string escaped;
    json::append_escaped(escaped, hint);
    system_.push_back({.kind = Block::Kind::kText});
    system_.back().text = arena_.store(std::move(escaped));
  }
}

// The messages are written last, so that a paused turn can be appended to them (append_turn()).
void RequestDecoder::write() {
  write_plan();
  std::string& out = decoded_.body;
  out.reserve(estimated_size());
  out += R"({"model":)";
  json::append_quoted(out, context_.model);
  if (!context_.counts) {
    out.append(R"(,"max_tokens":)").append(std::to_string(parameters_.max_tokens));
    out += R"(,"stream":true)";
  }
  write_blocks("system", system_);
  if (!tools_.all().empty()) {
    out += R"(,"tools":)";
    tools_.append(out);
    write_member("tool_choice", tools_.choice().json);
  }
  write_member("thinking", thinking_.json);
  write_output_config();
  if (!context_.counts) {
    out += sampling_;
    out += parameters_.members;
  }
  append_cache_control(out, cache_);
  out += R"(,"messages":[)";
  for (const Turn& turn : turns_.all()) write_turn(turn);
  out += "]}";
}

// A string that grows is copied, and for a moment there are two of it.
std::size_t RequestDecoder::estimated_size() {
  std::size_t size = request_.raw().size() + kHead + tools_.all().size() * kAroundTool;
  for (const Turn& turn : turns_.all()) size += kAroundTurn + turn.blocks.size() * kAroundBlock;
  return size;
}

void RequestDecoder::write_plan() {
  ReplyPlan& plan = decoded_.plan;
  const TranslationOptions& options = context_.options;
  plan.model = options.response_model == ResponseModel::kUpstream ? std::string(context_.model)
                                                                  : context_.requested.name;
  plan.model_sent = context_.model;
  plan.stream = parameters_.stream;
  plan.include_usage = parameters_.include_usage;
  plan.show_reasoning = !reasoning_.is_hidden;
  plan.legacy_functions = tools_.is_legacy();
  plan.custom_as_function =
      options.custom_as_function == CustomAsFunction::kAlways ||
      (options.custom_as_function == CustomAsFunction::kAuto && context_.is_cursor);
  plan.strips_fence = format_.strips_fence;
  plan.wants_json = format_.is_json;
  for (const Tool& tool : tools_.all()) {
    if (tool.hosted.empty() || tool.is_run_by_client) decoded_.has_tools = true;
    if (!tool.hosted.empty()) decoded_.may_pause = true;
    if (tool.shape != ToolShape::kFunction || tool.upstream != tool.client ||
        !tool.tool_namespace.empty())
      plan.tools.push_back(
          {std::string(tool.upstream),
           std::string(tool.tool_namespace.empty() ? tool.client : tool.name_in_namespace),
           tool.shape, std::string(tool.tool_namespace)});
  }
  if (thinking_.binds_blocks) decoded_.betas.emplace_back(kBindingBeta);
  decoded_.effort = thinking_.effort;
}

void RequestDecoder::write_member(std::string_view name, std::string_view json) {
  if (json.empty()) return;
  decoded_.body.append(",\"").append(name).append("\":").append(json);
}

void RequestDecoder::write_output_config() {
  if (!thinking_.effort && format_.format.empty()) return;
  std::string& out = decoded_.body;
  out += R"(,"output_config":{)";
  if (thinking_.effort)
    out.append(R"("effort":")").append(effort_name(*thinking_.effort)).append("\"");
  if (!format_.format.empty())
    out.append(thinking_.effort ? "," : "").append(R"("format":)").append(format_.format);
  out += '}';
}

void RequestDecoder::write_blocks(std::string_view name, std::span<const Block> blocks) {
  if (blocks.empty()) return;
  std::string& out = decoded_.body;
  out.append(",\"").append(name).append("\":[");
  for (const Block& block : blocks) {
    if (&block != blocks.data()) out += ',';
    append_block(out, block);
  }
  out += ']';
}

void RequestDecoder::write_turn(const Turn& turn) {
  std::string& out = decoded_.body;
  if (out.back() != '[') out += ',';
  out.append(R"({"role":")").append(role_name(turn.role)).append("\"");
  write_blocks("content", turn.blocks);
  out += '}';
}

}  // namespace ccproxy::dialect
