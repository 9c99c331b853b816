#include "dialect/chat_request.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

#include "dialect/cache_marks.hpp"
#include "dialect/chat_messages.hpp"
#include "dialect/chat_parameters.hpp"
#include "dialect/chat_tools.hpp"
#include "dialect/response_format.hpp"
#include "dialect/thinking.hpp"
#include "json/text.hpp"
#include "json/writer.hpp"

namespace ccproxy::dialect {
namespace {

using json::Value;

constexpr std::string_view kBindingBeta = "thinking-binding-controls-2026-08-01";
// Bytes that the body may have beyond the client's: at all, and around each of these.
constexpr std::size_t kHead = 2048, kAroundTurn = 48, kAroundBlock = 96, kAroundTool = 64;

// The steps of one decoding, and what they hand on.
class ChatDecoder {
 public:
  ChatDecoder(const json::Outline& request, const ChatContext& context, bool is_completion)
      : request_(request.root()),
        context_(context),
        can_(context.can),
        is_completion_(is_completion),
        report_(decoded_.plan, context.strict),
        names_(made_),
        tools_(context.options, context.can, report_, made_, names_),
        messages_(context, report_, made_, names_, tools_, decoded_.betas) {}

  Result<Decoded> run() {
    if (!request_.is_object()) report_.refuse_type("", "an object");
    read();
    if (report_.refused()) return report_.take_error();
    settle();
    if (report_.refused()) return report_.take_error();
    write();
    return std::move(decoded_);
  }

 private:
  void read() {
    if (context_.asked.defaulted) report_.warn("model_defaulted", "model");
    parameters_ = read_parameters(request_, is_completion_, context_, report_);
    tools_.read(request_);
    if (is_completion_)
      read_prompt();
    else
      messages_.read(request_["messages"]);
    if (!tools_.all().empty())
      tools_.choose(request_);
    else
      for (const std::string_view name : messages_.called()) tools_.add_from_history(name);
    format_ = read_response_format(request_, can_, report_);
    wish_ = read_reasoning(request_, context_.asked.effort, report_);
  }

  void read_prompt() {
    Value prompt = request_["prompt"];
    if (prompt.is_array()) {
      const auto prompts = prompt.children();
      if (prompts.empty() || ++prompts.begin() != prompts.end())
        return report_.refuse("prompt", "unsupported_value", "Only one prompt is supported.");
      prompt = *prompts.begin();
    }
    if (!prompt.is_string())
      return report_.refuse("prompt",
                            prompt.is_absent() ? "missing_required_parameter" : "invalid_type",
                            "'prompt' must be a string.");
    std::vector<Block> blocks;
    Content::add_text(prompt.text(), CacheMark::kNone, blocks);
    messages_.turns().add(Role::kUser, 0, blocks);
  }

  void settle() {
    auto& turns = messages_.turns();
    turns.place_system(can_.mid_system && context_.options.mid_system == MidSystem::kAuto);
    turns.pair_results(report_);
    if (turns.all().empty() && !messages_.system().empty()) {
      turns.add(Role::kUser, 0, {&messages_.system().back(), 1});
      messages_.system().pop_back();
    }
    if (turns.all().empty())
      return report_.refuse(is_completion_ ? "prompt" : "messages", "invalid_value",
                            "There is no text in the request.");
    const ThinkingContext thinking{.can = can_,
                                   .display = context_.options.chat_reasoning_display,
                                   .max_tokens = parameters_.max_tokens,
                                   .is_forced = tools_.is_forced(),
                                   .lacks_thought = turns.last_call_lacks_thought(),
                                   .has_thought = messages_.has_thought()};
    thinking_ = choose_thinking(wish_, thinking, report_);
    turns.complete_ends(can_.prefill != anthropic::Prefill::kNo && !thinking_.is_on &&
                        format_.format.empty());
    add_hints();
    sampling_ = settle_sampling(parameters_, can_.sampling && !thinking_.is_on, report_);
    cache_ = settle_cache_marks(request_, context_.options.prompt_caching && can_.automatic_cache,
                                tools_.all(), messages_.system(), turns);
  }

  void add_hints() {
    for (const std::string_view hint :
         {std::string_view(parameters_.hint), std::string_view(format_.hint),
          std::string_view(tools_.hint())}) {
      if (hint.empty()) continue;
      std::string escaped;
      json::append_escaped(escaped, hint);
      messages_.system().push_back({.kind = Block::Kind::kText});
      messages_.system().back().text = made_.keep(std::move(escaped));
    }
  }

  // The messages stand last, so that a paused turn can be put behind them (continued()).
  void write() {
    write_plan();
    std::string& out = decoded_.body;
    out.reserve(likely_size());
    out += R"({"model":)";
    json::append_quoted(out, context_.model);
    out.append(R"(,"max_tokens":)").append(std::to_string(parameters_.max_tokens));
    out += R"(,"stream":true)";
    write_blocks("system", messages_.system());
    if (!tools_.all().empty()) {
      out += R"(,"tools":)";
      tools_.append(out);
      write_member("tool_choice", tools_.choice());
    }
    write_member("thinking", thinking_.json);
    write_output_config();
    out += sampling_;
    out += parameters_.members;
    append_mark(out, cache_);
    out += R"(,"messages":[)";
    for (const Turn& turn : messages_.turns().all()) write_turn(turn);
    out += "]}";
  }

  // Text that grows as it is written is copied, and there twice while it is.
  [[nodiscard]] std::size_t likely_size() {
    std::size_t size = request_.raw().size() + kHead + tools_.all().size() * kAroundTool;
    for (const Turn& turn : messages_.turns().all())
      size += kAroundTurn + turn.blocks.size() * kAroundBlock;
    return size;
  }

  void write_plan() {
    ReplyPlan& plan = decoded_.plan;
    const Options& options = context_.options;
    plan.model = options.response_model == ResponseModel::kUpstream ? std::string(context_.model)
                                                                    : context_.asked.name;
    plan.model_sent = context_.model;
    plan.stream = parameters_.stream;
    plan.include_usage = parameters_.include_usage;
    plan.show_reasoning = !wish_.is_hidden;
    plan.legacy_functions = tools_.is_legacy();
    plan.custom_as_function =
        options.custom_as_function == CustomAsFunction::kAlways ||
        (options.custom_as_function == CustomAsFunction::kAuto && context_.is_cursor);
    plan.strips_fence = format_.strips_fence;
    plan.text_completion = is_completion_;
    for (const Tool& tool : tools_.all()) {
      (tool.hosted.empty() ? decoded_.has_tools : decoded_.may_pause) = true;
      if (tool.is_custom || tool.upstream != tool.client)
        plan.tools.push_back(
            {std::string(tool.upstream), std::string(tool.client), tool.is_custom});
    }
    if (thinking_.binds_blocks) decoded_.betas.emplace_back(kBindingBeta);
    decoded_.effort = thinking_.effort;
  }

  void write_member(std::string_view name, std::string_view json) {
    if (json.empty()) return;
    decoded_.body.append(",\"").append(name).append("\":").append(json);
  }

  void write_output_config() {
    if (!thinking_.effort && format_.format.empty()) return;
    std::string& out = decoded_.body;
    out += R"(,"output_config":{)";
    if (thinking_.effort)
      out.append(R"("effort":")").append(effort_name(*thinking_.effort)).append("\"");
    if (!format_.format.empty())
      out.append(thinking_.effort ? "," : "").append(R"("format":)").append(format_.format);
    out += '}';
  }

  void write_blocks(std::string_view name, std::span<const Block> blocks) {
    if (blocks.empty()) return;
    std::string& out = decoded_.body;
    out.append(",\"").append(name).append("\":[");
    for (const Block& block : blocks) {
      if (&block != blocks.data()) out += ',';
      append_block(out, block);
    }
    out += ']';
  }

  void write_turn(const Turn& turn) {
    std::string& out = decoded_.body;
    if (out.back() != '[') out += ',';
    out.append(R"({"role":")").append(role_name(turn.role)).append("\"");
    write_blocks("content", turn.blocks);
    out += '}';
  }

  static std::string_view role_name(Role role) {
    switch (role) {
      case Role::kAssistant: return "assistant";
      case Role::kSystem: return "system";
      case Role::kUser: break;
    }
    return "user";
  }

  Value request_;
  const ChatContext& context_;
  const anthropic::Capabilities& can_;
  bool is_completion_;
  Decoded decoded_;
  MadeTexts made_;
  Report report_;
  ToolNames names_;
  ChatTools tools_;
  ChatMessages messages_;
  ChatParameters parameters_;
  ResponseFormat format_;
  ReasoningWish wish_;
  ThinkingChoice thinking_;
  std::string sampling_;
  CacheMark cache_ = CacheMark::kNone;
};

}  // namespace

Result<AskedModel> asked_model(const json::Outline& request, std::string_view default_model) {
  const Value root = request.root();
  if (!root.is_object())
    return fail(
        {ErrorKind::kInvalidRequest, "The body must be a JSON object.", "", "invalid_type"});
  const Value model = root["model"];
  if (model.is_absent()) return AskedModel{.name = std::string(default_model), .defaulted = true};
  if (!model.is_string())
    return fail({ErrorKind::kInvalidRequest, "Invalid type for 'model': expected a string.",
                 "model", "invalid_type"});
  AskedModel asked{.name = model.decoded()};
  const auto colon = asked.name.rfind(':');
  if (colon == std::string::npos ||
      !reasoning_level(std::string_view(asked.name).substr(colon + 1)))
    return asked;
  asked.effort = asked.name.substr(colon + 1);
  asked.name.resize(colon);
  return asked;
}

Result<Decoded> decode_chat(const json::Outline& request, const ChatContext& context) {
  return ChatDecoder(request, context, false).run();
}

Result<Decoded> decode_completion(const json::Outline& request, const ChatContext& context) {
  return ChatDecoder(request, context, true).run();
}

void append_turn(std::string& body, std::string_view blocks) {
  body.resize(body.size() - 2);  // ]}
  body.append(R"(,{"role":"assistant","content":[)").append(blocks).append("]}]}");
}

}  // namespace ccproxy::dialect
