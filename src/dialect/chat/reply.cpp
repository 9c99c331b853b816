#include "dialect/chat/reply.hpp"

#include <utility>

#include "dialect/chat/envelope.hpp"
#include "dialect/reply/openai_terms.hpp"

namespace ccproxy::dialect {

ChatReply::ChatReply(const ReplyPlan& plan, ReplyIdentity identity)
    : ChatEncoder(plan), identity_(std::move(identity)) {}

void ChatReply::begin_call(const ChatCall& call, std::string&) {
  if (plan().legacy_functions) {
    calls_.append(R"({"name":")").append(call.name).append(R"(","arguments":")");
    return;
  }
  if (!calls_.empty()) calls_ += ',';
  calls_.append(R"({"id":")").append(call.id);
  calls_ += call.is_custom ? R"(","type":"custom","custom":{"name":")"
                           : R"(","type":"function","function":{"name":")";
  calls_.append(call.name).append(call.is_custom ? R"(","input":")" : R"(","arguments":")");
}

void ChatReply::emit_call_input(const ChatCall&, std::string_view escaped, std::string&) {
  calls_ += escaped;
}

void ChatReply::end_call(std::string&) { calls_ += plan().legacy_functions ? R"("})" : R"("}})"; }

void ChatReply::emit_annotations(const Citations& citations, std::string&) {
  annotations_.clear();
  append_chat_annotations(annotations_, citations);
}

void ChatReply::emit_refusal(std::string_view escaped, std::string&) {
  if (!plan().wants_json) {
    refusal_ = escaped;
    return;
  }
  refusal_ = refusal_behind(content_, escaped);
  content_.clear();
  annotations_ = "[]";  // they refer to positions in the content
}

void ChatReply::append_message(std::string& out) const {
  out += R"({"role":"assistant","content":)";
  const bool is_null = content_.empty() && !(calls_.empty() && refusal_.empty());
  if (is_null)
    out += "null";
  else
    out.append("\"").append(content_).append("\"");
  out += R"(,"refusal":)";
  if (refusal_.empty())
    out += "null";
  else
    out.append("\"").append(refusal_).append("\"");
  out.append(R"(,"annotations":)").append(annotations_);
  if (!reasoning_.empty()) out.append(R"(,"reasoning_content":")").append(reasoning_).append("\"");
  if (!calls_.empty() && plan().legacy_functions)
    out.append(R"(,"function_call":)").append(calls_);
  else if (!calls_.empty())
    out.append(R"(,"tool_calls":[)").append(calls_).append("]");
  out += '}';
}

void ChatReply::end(std::string_view finish_reason, const Tokens& tokens, std::string& out) {
  append_chat_head(out, identity_, "chat.completion", plan().model, service_tier());
  out += R"(,"choices":[{"index":0,"message":)";
  append_message(out);
  out.append(R"(,"logprobs":null,"finish_reason":")").append(finish_reason);
  out += R"("}],"usage":)";
  append_chat_usage(out, tokens);
  out += '}';
}

}  // namespace ccproxy::dialect
