#include "tests/cost/parts.hpp"

namespace ccproxy::test {
namespace {

std::string event(const std::string& type, const std::string& members) {
  return "event: " + type + "\ndata: {\"type\":\"" + type + "\"" + members + "}\n\n";
}

std::string started(const std::string& block) {
  return event("content_block_start", R"(,"index":0,"content_block":)" + block);
}

std::string delta(const std::string& members) {
  return event("content_block_delta", R"(,"index":0,"delta":{)" + members + "}");
}

std::string stopped() { return event("content_block_stop", R"(,"index":0)"); }

std::string text_delta(const std::string& text) {
  return delta(R"("type":"text_delta","text":")" + text + "\"");
}

Shape streamed(const char* name, const std::string& before, Part part,
               const std::string& behind = stopped()) {
  return {name, [=](std::size_t bytes) {
            std::string text =
                event("message_start",
                      R"(,"message":{"id":"m","usage":{"input_tokens":1,"output_tokens":1}})") +
                before;
            for (std::size_t number = 0; text.size() < bytes; ++number) text += part(number);
            text += behind;
            text += event("message_delta",
                          R"(,"delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":9})");
            return text + event("message_stop", "");
          }};
}

Shape streamed(const char* name, const std::string& before, const std::string& part,
               const std::string& behind = stopped()) {
  return streamed(
      name, before, [part](std::size_t) { return part; }, behind);
}

// A response whose only delta has all of the bytes.
Shape in_one(const char* name, const std::string& block, const std::string& before,
             const std::string& piece) {
  return {name, [=](std::size_t bytes) {
            std::string text;
            while (text.size() < bytes) text += piece;
            return streamed(name, started(block) + delta(before + text + "\""), "").make(1);
          }};
}

}  // namespace

std::vector<Shape> replies() {
  const std::string text = R"({"type":"text","text":""})";
  const std::string thinking = R"({"type":"thinking","thinking":"","signature":""})";
  const auto call = [](const std::string& id, const std::string& name) {
    return R"({"type":"tool_use","id":")" + id + R"(","name":")" + name + R"(","input":{}})";
  };
  const std::string words = R"("type":"text_delta","text":")";
  const std::string input = R"("type":"input_json_delta","partial_json":")";
  const auto input_delta = [input](const std::string& partial) {
    return delta(input + partial + "\"");
  };
  std::vector<Shape> shapes;
  shapes.push_back(in_one("one text", text, words, "a"));
  shapes.push_back(in_one("one text of line ends", text, words, "\\n"));
  shapes.push_back(in_one("one text of escaped letters", text, words, "\\u0041"));
  shapes.push_back(in_one("one text of halves", text, words, "\\ud83d"));
  shapes.push_back(in_one("one text of blanks", text, words, " "));
  shapes.push_back(in_one("one text of backticks", text, words + "```\\n", "`"));
  shapes.push_back(in_one("one input", call("c", "f"), input, "a"));
  shapes.push_back(
      in_one("one input of escapes", call("c", "custom"), input + R"({\"input\":\")", R"(\\n)"));
  shapes.push_back(
      in_one("one thinking", thinking, R"("type":"thinking_delta","thinking":")", "a"));
  shapes.push_back(
      in_one("one signature", thinking, R"("type":"signature_delta","signature":")", "a"));
  shapes.push_back(streamed("letters", started(text), text_delta("a")));
  shapes.push_back(streamed("blanks", started(text), text_delta(" ")));
  shapes.push_back(
      streamed("blanks in a fence", started(text) + text_delta("```json\\n{"), text_delta(" ")));
  shapes.push_back(
      streamed("backticks in a fence", started(text) + text_delta("```json\\n{"), text_delta("`")));
  shapes.push_back(streamed("halves", started(text), text_delta("\\ud83d")));
  shapes.push_back(streamed("deltas of nothing", started(text), text_delta("")));
  shapes.push_back(streamed("texts", "", started(text) + text_delta("a") + stopped(), ""));
  shapes.push_back(streamed("texts and thinking", "",
                            started(text) + text_delta("a") + stopped() + started(thinking) +
                                delta(R"("type":"thinking_delta","thinking":"a")") + stopped(),
                            ""));
  shapes.push_back(streamed("redacted thinking", "",
                            started(R"({"type":"redacted_thinking","data":"d"})") + stopped(), ""));
  for (const char* name : {"f", "custom", "shell"})
    shapes.push_back(streamed(
        "calls", "",
        [=](std::size_t number) {
          return started(call("c" + number_of(number), name)) + input_delta("{}") + stopped();
        },
        ""));
  shapes.push_back(streamed(
      "calls of tools that were renamed", "",
      [=](std::size_t number) {
        return started(call("c" + number_of(number), "t" + number_of(number % 1000))) + stopped();
      },
      ""));
  shapes.push_back(streamed("pieces of an input", started(call("c", "f")), input_delta("a")));
  shapes.push_back(streamed("pieces of a custom input",
                            started(call("c", "custom")) + input_delta(R"({\"input\":\")"),
                            input_delta("a")));
  shapes.push_back(streamed("pieces of a custom input of another shape",
                            started(call("c", "custom")), input_delta("a")));
  shapes.push_back(streamed("citations", started(text) + text_delta("a"),
                            delta(R"("type":"citations_delta","citation":{"type":)"
                                  R"("web_search_result_location","url":"u","title":"t"})")));
  shapes.push_back(streamed("texts that are cited", "",
                            started(text) + text_delta("a") +
                                delta(R"("type":"citations_delta","citation":{"type":)"
                                      R"("web_search_result_location","url":"u","title":"t"})") +
                                stopped(),
                            ""));
  const auto search = [](std::size_t number) {
    return started(R"({"type":"server_tool_use","id":"s)" + number_of(number) +
                   R"(","name":"web_search","input":{}})") +
           stopped();
  };
  const auto search_result = [](std::size_t number) {
    return started(R"({"type":"web_search_tool_result","tool_use_id":"s)" + number_of(number) +
                   R"(","content":[]})") +
           stopped();
  };
  shapes.push_back(streamed(
      "searches", "", [=](std::size_t number) { return search(number) + search_result(number); },
      ""));
  shapes.push_back({"searches that wait for their results", [=](std::size_t bytes) {
                      std::string searches, results;
                      std::size_t number = 0;
                      for (; searches.size() + results.size() < bytes; ++number) {
                        searches += search(number);
                        results += search_result(number);
                      }
                      std::string reversed;
                      while (number > 0) reversed += search_result(--number);
                      return streamed("", searches, "", reversed).make(1);
                    }});
  shapes.push_back(streamed("pings", started(text), event("ping", "")));
  shapes.push_back(streamed("events that nobody knows", "", event("x", R"(,"y":{})"), ""));
  shapes.push_back(streamed("members again and again", "",
                            delta(repeated(R"("type":"text_delta",)", 50) + R"("text":"a")"), ""));
  shapes.push_back(streamed(
      "beginnings", "", event("message_start", R"(,"message":{"usage":{"input_tokens":1}})"), ""));
  shapes.push_back(streamed(
      "ends", "", event("message_delta", R"(,"delta":{},"usage":{"output_tokens":1})"), ""));
  return shapes;
}

}  // namespace ccproxy::test
