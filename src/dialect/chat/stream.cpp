#include "dialect/chat/stream.hpp"

#include <initializer_list>
#include <utility>

#include "dialect/chat/envelope.hpp"
#include "dialect/reply/openai_terms.hpp"

namespace ccproxy::dialect {
namespace {

void append(std::string& out, std::initializer_list<std::string_view> parts) {
  for (const std::string_view part : parts) out += part;
}

}  // namespace

ChatStream::ChatStream(const ReplyPlan& plan, ReplyIdentity identity)
    : ChatEncoder(plan), identity_(std::move(identity)) {}

void ChatStream::begin(std::string& out) {
  head_ = "data: ";
  append_chat_head(head_, identity_, "chat.completion.chunk", plan().model, service_tier());
  if (plan().include_usage) head_ += R"(,"usage":null)";
  open_chunk(out);
  out += R"("role":"assistant","content":"","refusal":null)";
  close_chunk("", out);
}

void ChatStream::open_chunk(std::string& out) const {
  append(out, {head_, R"(,"choices":[{"index":0,"delta":{)"});
}

void ChatStream::close_chunk(std::string_view finish_reason, std::string& out) const {
  out += R"(},"logprobs":null,"finish_reason":)";
  if (finish_reason.empty())
    out += "null";
  else
    append(out, {"\"", finish_reason, "\""});
  out += "}]}\n\n";
}

void ChatStream::emit_member(std::string_view member, std::string_view escaped, std::string& out) {
  open_chunk(out);
  append(out, {"\"", member, R"(":")", escaped, "\""});
  close_chunk("", out);
}

void ChatStream::emit_text(std::string_view escaped, std::string& out) {
  emit_member("content", escaped, out);
  if (plan().wants_json) content_ += escaped;
}

void ChatStream::emit_reasoning(std::string_view escaped, std::string& out) {
  emit_member("reasoning_content", escaped, out);
}

// Content that the client has got cannot be taken back, but the refusal is that of the whole reply,
// so that both agree.
void ChatStream::emit_refusal(std::string_view escaped, std::string& out) {
  emit_member("refusal", refusal_behind(content_, escaped), out);
}

void ChatStream::begin_call(const ChatCall& call, std::string& out) {
  open_chunk(out);
  if (plan().legacy_functions) {
    append(out, {R"("function_call":{"name":")", call.name, R"(","arguments":""})"});
    return close_chunk("", out);
  }
  append(out, {R"("tool_calls":[{"index":)", std::to_string(call.number), R"(,"id":")", call.id});
  if (call.is_custom)
    append(out, {R"(","type":"custom","custom":{"name":")", call.name, R"(","input":""}}])"});
  else
    append(out,
           {R"(","type":"function","function":{"name":")", call.name, R"(","arguments":""}}])"});
  close_chunk("", out);
}

// Later chunks of a call have no id, type or name: the accumulator of openai's SDK takes even a
// null there for another call.
void ChatStream::emit_call_input(const ChatCall& call, std::string_view escaped, std::string& out) {
  open_chunk(out);
  if (plan().legacy_functions) {
    append(out, {R"("function_call":{"arguments":")", escaped, R"("})"});
    return close_chunk("", out);
  }
  append(out, {R"("tool_calls":[{"index":)", std::to_string(call.number)});
  append(out,
         {call.is_custom ? R"(,"custom":{"input":")" : R"(,"function":{"arguments":")", escaped});
  out += R"("}}])";
  close_chunk("", out);
}

void ChatStream::emit_annotations(const Citations& citations, std::string& out) {
  open_chunk(out);
  out += R"("annotations":)";
  append_chat_annotations(out, citations);
  close_chunk("", out);
}

void ChatStream::end(std::string_view finish_reason, const Tokens& tokens, std::string& out) {
  open_chunk(out);
  close_chunk(finish_reason, out);
  if (plan().include_usage) {
    out += "data: ";
    append_chat_head(out, identity_, "chat.completion.chunk", plan().model, service_tier());
    out += R"(,"usage":)";
    append_chat_usage(out, tokens);
    out += ",\"choices\":[]}\n\n";
  }
  out += "data: [DONE]\n\n";
}

// A reply that breaks off gets no finish_reason and no [DONE], since it must not look complete.
void ChatStream::emit_error(std::string_view body, std::string& out) {
  append(out, {"data: ", body, "\n\n"});
}

}  // namespace ccproxy::dialect
