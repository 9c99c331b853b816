// What holds for every reply of Chat Completions, whatever the upstream sends, for tests and
// fuzzers: a stream is valid, ends once, and accumulated as OpenAI's own client does it equals the
// whole reply. A fault is a sentence, empty when there is none, so that no test framework is
// needed.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "dialect/reply_plan.hpp"
#include "json/document.hpp"
#include "json/outline.hpp"
#include "json/text.hpp"

namespace ccproxy::dialect::test {

using json::Document;

// Returns the JSON as a tree, which is discarded when it is not JSON or has half a surrogate pair.
inline Document tree_of(std::string_view text) {
  json::Outline outline;
  if (!outline.read(text)) return Document(Document::value_t::discarded);
  return Document::parse(text, nullptr, false);
}

// True when there is no white space between tokens.
inline bool is_compact(std::string_view json) {
  std::string compact;
  json::append_compact(compact, json);
  return compact == json;
}

// Puts the chunks of a stream together into a reply.
class Accumulator {
 public:
  void take(const Document& chunk) {
    if (chunk.contains("error")) {
      error_ = chunk;
      return;
    }
    if (identity_.is_null()) identity_ = identity_of(chunk);
    expect(identity_ == identity_of(chunk), "a chunk is of another reply", chunk);
    if (chunk.contains("usage") && !chunk["usage"].is_null()) usage_ = chunk["usage"];
    for (const Document& choice : chunk.at("choices")) {
      expect(finish_.is_null(), "a choice follows the finish_reason", chunk);
      if (!choice.at("finish_reason").is_null()) finish_ = choice["finish_reason"];
      if (choice.contains("text")) text_ += choice["text"].get<std::string>();
      if (choice.contains("delta")) take_delta(choice["delta"]);
    }
  }

  // Returns the reply in the shape of a whole one.
  [[nodiscard]] Document reply(const ReplyPlan& plan) const {
    if (!error_.is_null()) return error_;
    Document choice = {{"index", 0}};
    if (plan.text_completion)
      choice["text"] = text_;
    else
      choice["message"] = message();
    choice["logprobs"] = nullptr;
    choice["finish_reason"] = finish_;
    Document reply = identity_;
    reply["choices"] = Document::array({choice});
    if (plan.include_usage) reply["usage"] = usage_;
    return reply;
  }

  // Returns the first fault.
  [[nodiscard]] const std::string& fault() const { return fault_; }

 private:
  static Document identity_of(const Document& chunk) {
    Document identity;
    for (const char* key : {"id", "created", "model", "service_tier", "system_fingerprint"})
      if (chunk.contains(key)) identity[key] = chunk[key];
    return identity;
  }

  void expect(bool holds, const char* fault, const Document& where) {
    if (!holds && fault_.empty()) fault_ = std::string(fault) + ": " + where.dump();
  }

  static void append(Document& text, const Document& piece) {
    if (piece.is_null()) return;
    text = (text.is_null() ? "" : text.get<std::string>()) + piece.get<std::string>();
  }

  void take_delta(const Document& delta) {
    if (delta.contains("content")) append(content_, delta["content"]);
    if (delta.contains("reasoning_content")) append(reasoning_, delta["reasoning_content"]);
    if (delta.contains("refusal")) append(refusal_, delta["refusal"]);
    if (delta.contains("annotations")) annotations_ = delta["annotations"];
    if (delta.contains("function_call")) merge(function_call_, delta["function_call"]);
    if (!delta.contains("tool_calls")) return;
    for (const Document& piece : delta["tool_calls"]) take_call(piece);
  }

  void take_call(const Document& piece) {
    const auto index = piece.at("index").get<std::size_t>();
    if (index > calls_.size()) return expect(false, "a call's number is left out", piece);
    if (index == calls_.size()) {
      calls_.push_back(piece);
      calls_.back().erase("index");
      return;
    }
    expect(!piece.contains("id") && !piece.contains("type"), "a call begins again", piece);
    for (const char* kind : {"function", "custom"})
      if (piece.contains(kind)) merge(calls_[index][kind], piece[kind]);
  }

  void merge(Document& call, const Document& piece) {
    if (call.is_null()) {
      call = piece;
      return;
    }
    expect(!piece.contains("name"), "a call is named again", piece);
    for (const char* member : {"arguments", "input"})
      if (piece.contains(member)) append(call[member], piece[member]);
  }

  [[nodiscard]] Document message() const {
    const bool has_other = !calls_.empty() || !function_call_.is_null() || !refusal_.is_null();
    Document message = {{"role", "assistant"}, {"content", content_}};
    if (content_ == "" && has_other) message["content"] = nullptr;
    message["refusal"] = refusal_;
    message["annotations"] = annotations_;
    if (!reasoning_.is_null()) message["reasoning_content"] = reasoning_;
    if (!function_call_.is_null()) message["function_call"] = function_call_;
    if (!calls_.empty()) message["tool_calls"] = calls_;
    return message;
  }

  Document identity_, error_, usage_, finish_, content_, reasoning_, refusal_, function_call_;
  Document annotations_ = Document::array(), calls_ = Document::array();
  std::string text_, fault_;
};

struct Folded {
  Document reply;     // in the shape of a whole reply
  std::string fault;  // the first one; `reply` is of no use then
};

// Reads a whole stream, which must end with [DONE], or with an error and without [DONE].
inline Folded folded(std::string_view stream, const ReplyPlan& plan) {
  Accumulator accumulator;
  bool is_done = false, has_error = false;
  while (!stream.empty()) {
    const auto end = stream.find("\n\n");
    const std::string_view event = stream.substr(0, end);
    if (end == std::string_view::npos)
      return {{}, "an event without its end: " + std::string(event)};
    stream.remove_prefix(event.size() + 2);
    if (is_done || has_error) return {{}, "something follows the end: " + std::string(event)};
    if (event == ": keepalive") continue;
    is_done = event == "data: [DONE]";
    if (is_done) continue;
    const Document chunk = tree_of(event.substr(std::min<std::size_t>(event.size(), 6)));
    if (!event.starts_with("data: {") || !chunk.is_object())
      return {{}, "not a chunk: " + std::string(event)};
    if (!is_compact(event.substr(6)))
      return {{}, "white space between tokens: " + std::string(event)};
    has_error = chunk.contains("error");
    accumulator.take(chunk);
    if (!accumulator.fault().empty()) return {{}, accumulator.fault()};
  }
  if (is_done == has_error) return {{}, "neither [DONE] nor an error at the end"};
  return {accumulator.reply(plan), ""};
}

// Checks that finish_reason agrees with the message of the choice.
inline std::string fault_of_finish(const Document& choice) {
  const Document message = choice.value("message", Document::object());
  const std::string reason = choice.at("finish_reason").get<std::string>();
  if (reason == "tool_calls" && !message.contains("tool_calls"))
    return "finish_reason is tool_calls, and there is no call";
  if (reason == "function_call" && !message.contains("function_call"))
    return "finish_reason is function_call, and there is no call";
  if (message.empty()) return "";
  if ((reason == "content_filter") != !message.at("refusal").is_null())
    return "finish_reason and refusal do not agree: " + reason;
  return "";
}

// Checks that every call has arguments. The input of a custom tool may be empty, so calls are not
// checked when there is such a tool.
inline std::string fault_of_calls(const Document& message, const ReplyPlan& plan) {
  if (std::any_of(plan.tools.begin(), plan.tools.end(),
                  [](const auto& tool) { return tool.shape == ToolShape::kCustom; }))
    return "";
  Document calls = message.value("tool_calls", Document::array());
  if (message.contains("function_call")) calls.push_back({{"function", message["function_call"]}});
  for (const Document& call : calls)
    if (call.at("function").at("arguments") == "") return "a call without arguments";
  return "";
}

// Compares the stream and the whole body of one reply; neither may have a fault of its own.
inline std::string fault_of_reply(std::string_view stream, std::string_view body,
                                  const ReplyPlan& plan) {
  const Folded streamed = folded(stream, plan);
  if (!streamed.fault.empty()) return streamed.fault;
  Document whole = tree_of(body);
  if (!whole.is_object()) return "the whole reply is not a JSON object: " + std::string(body);
  whole.erase("object");
  if (!plan.include_usage) whole.erase("usage");
  // The order of members does not count: the two shapes have usage in different places.
  if (nlohmann::json(streamed.reply) != nlohmann::json(whole))
    return "streamed: " + streamed.reply.dump() + "\nwhole: " + whole.dump();
  if (whole.contains("error")) return "";
  const Document& choice = whole.at("choices").at(0);
  std::string fault = fault_of_finish(choice);
  return fault.empty() ? fault_of_calls(choice.value("message", Document::object()), plan) : fault;
}

}  // namespace ccproxy::dialect::test
