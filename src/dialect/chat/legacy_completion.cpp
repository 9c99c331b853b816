#include "dialect/chat/legacy_completion.hpp"

#include <utility>

#include "dialect/chat/envelope.hpp"

namespace ccproxy::dialect {

CompletionEncoder::CompletionEncoder(const ReplyPlan& plan, ReplyIdentity identity)
    : ChatEncoder(plan), identity_(std::move(identity)) {}

void CompletionEncoder::append_choice(std::string_view escaped, std::string_view finish_reason,
                                      std::string& out) const {
  append_identity(out, identity_, "text_completion", plan().model);
  out.append(R"(,"choices":[{"index":0,"text":")").append(escaped);
  out += R"(","logprobs":null,"finish_reason":)";
  if (finish_reason.empty())
    out += "null";
  else
    out.append("\"").append(finish_reason).append("\"");
  out += "}]";
}

void CompletionStream::emit_text(std::string_view escaped, std::string& out) {
  out += "data: ";
  append_choice(escaped, "", out);
  out += plan().include_usage ? ",\"usage\":null}\n\n" : "}\n\n";
}

void CompletionStream::end(std::string_view finish_reason, const Tokens& tokens, std::string& out) {
  out += "data: ";
  append_choice("", finish_reason, out);
  out += plan().include_usage ? ",\"usage\":null}\n\n" : "}\n\n";
  if (plan().include_usage) {
    out += "data: ";
    append_identity(out, identity(), "text_completion", plan().model);
    out += R"(,"choices":[],"usage":)";
    append_chat_usage(out, tokens);
    out += "}\n\n";
  }
  out += "data: [DONE]\n\n";
}

void CompletionStream::emit_error(std::string_view body, std::string& out) {
  out.append("data: ").append(body).append("\n\n");
}

void CompletionReply::end(std::string_view finish_reason, const Tokens& tokens, std::string& out) {
  append_choice(text_, finish_reason, out);
  out += R"(,"usage":)";
  append_chat_usage(out, tokens);
  out += '}';
}

}  // namespace ccproxy::dialect
