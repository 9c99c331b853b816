#include "dialect/responses/request.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "dialect/request/content.hpp"
#include "dialect/request/decoder.hpp"
#include "dialect/responses/echo.hpp"
#include "dialect/responses/input.hpp"
#include "dialect/responses/retained_messages.hpp"
#include "dialect/responses/tools.hpp"

namespace ccproxy::dialect {
namespace {

using json::Value;

constexpr std::array<std::string_view, 8> kIncludes = {"reasoning.encrypted_content",
                                                       "web_search_call.action.sources",
                                                       "web_search_call.results",
                                                       "message.output_text.logprobs",
                                                       "message.input_image.image_url",
                                                       "file_search_call.results",
                                                       "computer_call_output.output.image_url",
                                                       "code_interpreter_call.outputs"};

// The message that asks for the summary of a conversation, escaped.
constexpr std::string_view kCompactionPrompt =
    "The conversation will be continued from a summary, without what was said so far. Write that "
    "summary now, for whoever goes on: what the user wants and has decided, what was done and "
    "found "
    "out, with the names, paths, numbers and code that are needed again, what failed and why, and "
    "what is to be done next. Answer with the summary alone; do not call tools.";

class ResponsesDecoder final : public RequestDecoder {
 public:
  ResponsesDecoder(Value request, const RequestContext& context)
      : RequestDecoder(request, context, "input") {}

 private:
  void read() override {
    parameters_ = read_parameters(request_, Route::kResponses, context_, report_);
    const ResponsesPlan& plan = read_state();
    read_prewarm();
    check_settings();
    read_include();
    ResponsesTools(tools_, report_, arena_).read(request_);
    read_input();
    decoded_.plan.responses.echo = echo_of(request_, plan.stores);
    decoded_.plan.responses.family = can_.family;
    decoded_.plan.responses.refusal_style = refusal_style();
    if (can_.preserved_thinking == anthropic::PreservedThinking::kAccount)
      decoded_.plan.responses.account = context_.account;
  }

  // A prewarm request wants no output: upstream only caches the prompt (max_tokens 0).
  void read_prewarm() {
    const Value prewarm = request_["prompt_cache_options"]["prewarm"];
    if (!prewarm.is_absent() && !prewarm.boolean())
      report_.refuse_type("prompt_cache_options.prewarm", "a boolean");
    if (!prewarm.boolean().value_or(false) || context_.compacts) return;
    parameters_.max_tokens = 0;
    decoded_.plan.responses.is_prewarm = true;
  }

  // Codex does not show refusal parts, so that it gets text.
  [[nodiscard]] RefusalStyle refusal_style() const {
    const RefusalStyle style = context_.options.refusal_style;
    return style == RefusalStyle::kPart && context_.is_codex ? RefusalStyle::kText : style;
  }

  void read_input() {
    if (const Value instructions = request_["instructions"]; instructions.is_string())
      Content::add_text(instructions.text(), CacheControl::kNone, system_);
    read_system();
    ConversationBuilder conversation(conversation_parts());
    ResponsesInput input(conversation);
    if (context_.history != nullptr)
      for (const HistoryTurn& turn : context_.history->turns) input.read_history(turn);
    input.read(request_["input"]);
    choose_tools(conversation);
    const bool has_new_reasoning = !input.new_reasoning().is_absent();
    reasoning_ =
        read_responses_reasoning(has_new_reasoning ? input.new_reasoning() : request_["reasoning"],
                                 request_["reasoning_effort"], context_.requested.effort, report_);
    display_ = reasoning_.is_hidden ? ReasoningDisplay::kOmitted : ReasoningDisplay::kSummarized;
    if (context_.compacts || input.wants_compaction()) return compact();
    const bool has_new_text = !input.new_text().is_absent();
    read_format(has_new_text ? input.new_text() : request_["text"]);
  }

  // The response_format of Chat Completions counts where the request has no text.format.
  void read_format(Value text) {
    const bool is_chat_format =
        text["format"].is_absent() && !request_["response_format"].is_absent();
    format_ = is_chat_format ? read_response_format(request_, can_, report_)
                             : read_text_format(text, can_, report_);
    if (!is_chat_format && !request_["response_format"].is_absent())
      report_.ignore("response_format");
  }

  // Asks the model for a summary. All that stands before is sent unchanged, so that the provider's
  // cache of it is hit.
  void compact() {
    if (context_.compacts && context_.requested.defaulted)
      report_.refuse("model", "missing_required_parameter", "'model' is missing.");
    decoded_.plan.responses.compacts = true;
    decoded_.plan.responses.is_compaction = context_.compacts;
    if (context_.compacts && !report_.refused()) {
      decoded_.plan.responses.retained =
          retained_messages(request_, context_.history, std::string(context_.key));
      parameters_.stream = false;  // this object has no events
    }
    tools_.call_none();
    const Block prompt{.kind = Block::Kind::kText, .text = kCompactionPrompt};
    turns_.add(Role::kUser, 0, {&prompt, 1});
  }

  const ResponsesPlan& read_state() {
    ResponsesPlan& plan = decoded_.plan.responses;
    const Value previous = request_["previous_response_id"];
    const Value conversation = request_["conversation"];
    plan.stores = context_.can_store && request_["store"].boolean().value_or(true);
    plan.is_background = request_["background"].boolean().value_or(false);
    plan.previous = previous.decoded();
    if (!previous.is_absent() && !conversation.is_absent())
      report_.refuse("previous_response_id", "mutually_exclusive_parameters",
                     "'previous_response_id' and 'conversation' cannot go together.");
    if (!conversation.is_absent())
      report_.refuse("conversation", "unsupported_parameter", "Conversations are not available.");
    if (!previous.is_absent() && (context_.history == nullptr || context_.history->turns.empty()))
      report_.refuse(
          "previous_response_id", "previous_response_not_found",
          fmt::format("Previous response with id '{}' not found.", plan.previous.substr(0, 128)));
    if (plan.is_background && !plan.stores)
      report_.refuse("background", "unsupported_parameter",
                     "A response in the background has to be stored: leave out store=false, and "
                     "switch the store on (store.enabled).");
    return plan;
  }

  void check_settings() {
    if (!request_["prompt"].is_absent())
      report_.refuse("prompt", "unsupported_parameter", "Prompt templates are not available.");
    if (request_["truncation"].text().escaped == "auto") report_.ignore("truncation");
    if (request_["max_tool_calls"].is_absent()) return check_metadata();
    const auto has_search = [](Value tool) {
      return tool["type"].text().escaped.starts_with("web_search");
    };
    const auto tools = request_["tools"].children();
    if (std::none_of(tools.begin(), tools.end(), has_search)) report_.ignore("max_tool_calls");
    check_metadata();
  }

  void check_metadata() {
    constexpr std::ptrdiff_t kMaxKeys = 16;
    constexpr std::size_t kMaxName = 64, kMaxValue = 512;
    const auto members = request_["metadata"].children();
    bool is_wrong = std::distance(members.begin(), members.end()) > kMaxKeys;
    for (const Value member : members)
      is_wrong = is_wrong || member.name().size() > kMaxName || !member.is_string() ||
                 member.decoded().size() > kMaxValue;
    if (is_wrong)
      report_.refuse("metadata", "invalid_value",
                     "'metadata' has at most 16 texts, names of up to 64 and values of up to 512 "
                     "characters.");
  }

  void read_include() {
    for (const Value entry : request_["include"].children()) {
      const std::string_view name = entry.text().escaped;
      if (name == "web_search_call.action.sources") decoded_.plan.responses.shows_sources = true;
      if (std::find(kIncludes.begin(), kIncludes.end(), name) == kIncludes.end())
        report_.ignore("include", "invalid_value");
    }
  }
};

}  // namespace

Result<Decoded> decode_responses(const json::Outline& request, const RequestContext& context) {
  return ResponsesDecoder(request.root(), context).run();
}

}  // namespace ccproxy::dialect
