#include "dialect/chat/request.hpp"

#include "dialect/chat/messages.hpp"
#include "dialect/request/content.hpp"
#include "dialect/request/decoder.hpp"

namespace ccproxy::dialect {
namespace {

using json::Value;

class ChatDecoder final : public RequestDecoder {
 public:
  ChatDecoder(Value request, const RequestContext& context)
      : RequestDecoder(request, context, "messages") {}

 private:
  void read() override {
    form_ = TurnForm::kMessages;
    parameters_ = read_parameters(request_, Route::kChat, context_, report_);
    tools_.read(request_);
    read_system();
    ConversationBuilder conversation(conversation_parts());
    ChatMessages(conversation).read(request_["messages"]);
    choose_tools(conversation);
    format_ = read_response_format(request_, can_, report_);
    reasoning_ = read_reasoning(request_, context_.requested.effort, report_);
  }
};

class CompletionDecoder final : public RequestDecoder {
 public:
  CompletionDecoder(Value request, const RequestContext& context)
      : RequestDecoder(request, context, "prompt") {}

 private:
  void read() override {
    decoded_.plan.text_completion = true;
    parameters_ = read_parameters(request_, Route::kCompletion, context_, report_);
    read_prompt();
    format_ = read_response_format(request_, can_, report_);
    reasoning_ = read_reasoning(request_, context_.requested.effort, report_);
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
    Content::add_text(prompt.text(), CacheControl::kNone, blocks);
    turns_.add(Role::kUser, 0, blocks);
  }
};

}  // namespace

Result<Decoded> decode_chat(const json::Outline& request, const RequestContext& context) {
  return ChatDecoder(request.root(), context).run();
}

Result<Decoded> decode_completion(const json::Outline& request, const RequestContext& context) {
  return CompletionDecoder(request.root(), context).run();
}

}  // namespace ccproxy::dialect
