#include "tests/cost/shapes.hpp"

#include <functional>
#include <string_view>
#include <utility>

namespace ccproxy::test {
namespace {

using Part = std::function<std::string(std::size_t number)>;

// `before`, as many parts as there is room for with commas between, `behind`.
Shape listed(const char* says, std::string before, Part part, std::string behind) {
  return {says, [before = std::move(before), part = std::move(part),
                 behind = std::move(behind)](std::size_t bytes) {
            std::string text = before;
            for (std::size_t number = 0; text.size() + behind.size() < bytes; ++number) {
              if (number > 0) text += ',';
              text += part(number);
            }
            return text + behind;
          }};
}

Shape listed(const char* says, std::string before, const char* part, std::string behind) {
  return listed(
      says, std::move(before), [part](std::size_t) { return std::string(part); },
      std::move(behind));
}

// The same without commas.
Shape filled(const char* says, std::string before, std::string_view piece, std::string behind) {
  return {says, [before = std::move(before), piece = std::string(piece),
                 behind = std::move(behind)](std::size_t bytes) {
            std::string text = before;
            while (text.size() + behind.size() < bytes) text += piece;
            return text + behind;
          }};
}

std::string number_of(std::size_t number) { return std::to_string(number); }

std::string repeated(std::string_view piece, std::size_t times) {
  std::string text;
  for (std::size_t i = 0; i < times; ++i) text += piece;
  return text;
}

// --- Strings, members and nesting: what any JSON may have
// -------------------------------------------

// `before` and `behind` stand around a value; `open` and `close` around members.
void add_values(std::vector<Shape>& shapes, const std::string& before, const std::string& behind) {
  shapes.push_back(filled("one text", before + "\"", "a", "\"" + behind));
  shapes.push_back(filled("line ends", before + "\"", "\\n", "\"" + behind));
  shapes.push_back(filled("escaped letters", before + "\"", "\\u0041", "\"" + behind));
  shapes.push_back(filled("halves of pairs", before + "\"", "\\ud83d", "\"" + behind));
  shapes.push_back(filled("escaped backslashes", before + "\"", "\\\\", "\"" + behind));
  shapes.push_back(filled("blanks", before + "\"", " ", "x\"" + behind));
  shapes.push_back(filled("blanks between tokens", before + "[", " \n", "]" + behind));
  shapes.push_back(listed("numbers", before + "[", "0", "]" + behind));
  shapes.push_back(listed("objects of nothing", before + "[", "{}", "]" + behind));
  shapes.push_back(listed(
      "towers", before + "[",
      [tower = repeated("[", 40) + repeated("]", 40)](std::size_t) { return tower; },
      "]" + behind));
  shapes.push_back(listed("one name", before + "{", R"("a":0)", "}" + behind));
  shapes.push_back(listed(
      "many names", before + "{",
      [](std::size_t number) { return "\"" + number_of(number) + "\":0"; }, "}" + behind));
  shapes.push_back(listed(
      "names with escapes", before + "{",
      [](std::size_t number) { return "\"\\n" + number_of(number) + "\":0"; }, "}" + behind));
}

// --- Requests ------------------------------------------------------------------------------------

const std::string kHead = R"({"model":"claude-sonnet-5","max_tokens":9,)";
const std::string kAsked = R"("messages":[{"role":"user","content":"q"}],)";
const std::string kInput = R"("input":"q",)";

void add_members(std::vector<Shape>& shapes, const std::string& head, const char* list) {
  shapes.push_back(listed("the model again and again", head, R"("model":"claude-sonnet-5")", "}"));
  shapes.push_back(listed("the model in escapes", head, R"("model":"claude-sonnet-\u0035")", "}"));
  shapes.push_back(listed(
      "the list again and again", head,
      [list](std::size_t) { return std::string("\"") + list + "\":[]"; }, "}"));
  shapes.push_back(listed(
      "members that nobody knows", head,
      [](std::size_t number) { return "\"x" + number_of(number) + "\":1"; }, "}"));
}

void add_tools(std::vector<Shape>& shapes, const std::string& head) {
  const std::string tools = head + R"("tools":[)";
  const auto function = [](const std::string& name, const std::string& schema) {
    return R"({"type":"function","name":")" + name + R"(","strict":true,"parameters":)" + schema +
           "}";
  };
  const std::string plain = R"({"type":"object","properties":{"a":{"type":"string"}},"required":)"
                            R"(["a"],"additionalProperties":false})";
  shapes.push_back(listed(
      "tools", tools, [=](std::size_t number) { return function("f" + number_of(number), plain); },
      "]}"));
  shapes.push_back(listed(
      "tools of one name", tools, [=](std::size_t) { return function("f", plain); }, "]}"));
  shapes.push_back(listed(
      "tools whose names are mended", tools,
      [=](std::size_t number) { return function("f." + number_of(number), "{}"); }, "]}"));
  shapes.push_back(listed(
      "tools of the provider's", tools,
      [](std::size_t number) {
        return R"({"type":"x_20250101","name":"n)" + number_of(number) + "\"}";
      },
      "]}"));
  const std::string one = tools + R"({"type":"function","name":"f","strict":true,"parameters":)";
  shapes.push_back(listed(
      "a schema of many properties", one + R"({"type":"object","properties":{)",
      [](std::size_t number) {
        return "\"p" + number_of(number) + R"(":{"type":["string","null"]})";
      },
      "}}}]}"));
  shapes.push_back(listed(
      "a schema of many words",
      one + R"({"type":"object","properties":{"a":{)"
            R"("enum":[)",
      [](std::size_t number) { return "\"w" + number_of(number) + "\""; }, "]}}}}]}"));
  shapes.push_back(listed(
      "a schema of a union", one + R"({"anyOf":[)",
      [](std::size_t number) {
        return R"({"properties":{"p)" + number_of(number) + R"(":{}},"required":["p"]})";
      },
      "]}}]}"));
  shapes.push_back(listed(
      "a schema of unions in unions", one + R"({"allOf":[)",
      [](std::size_t) {
        return std::string(R"({"anyOf":[{"properties":{"a":{}}},{"$ref":"#/$defs/b"}]})");
      },
      R"(],"$defs":{"b":{"properties":{"b":{}}}}}}]})"));
  shapes.push_back(listed(
      "a schema of definitions", one + R"({"type":"object","$defs":{)",
      [](std::size_t number) {
        return "\"d" + number_of(number) + R"(":{"$ref":"#/$defs/d)" + number_of(number + 1) +
               "\"}";
      },
      R"(},"properties":{"a":{"$ref":"#/$defs/d0"}}}}]})"));
  shapes.push_back(listed(
      "a schema that is required", one + R"({"type":"object","required":[)",
      [](std::size_t number) { return "\"p" + number_of(number) + "\""; }, "]}}]}"));
}

void add_format(std::vector<Shape>& shapes, const std::string& before, const std::string& behind) {
  shapes.push_back(listed(
      "a format of many properties", before + R"({"type":"object","properties":{)",
      [](std::size_t number) {
        return "\"p" + number_of(number) + R"(":{"type":"string","minLength":1,"format":"x"})";
      },
      "}}" + behind));
}

const char* const kServerParts[] = {
    R"({"type":"server_tool_use","id":"s%","name":"web_search","input":{"query":"q"}})",
    R"({"type":"web_search_tool_result","tool_use_id":"s%","content":[]})",
    R"({"type":"container_upload","file_id":"f%"})",
    R"({"type":"tool_reference","tool_name":"f%"})"};

std::string numbered(std::string_view text, std::size_t number) {
  std::string out;
  for (const char c : text) c == '%' ? out += number_of(number) : out += c;
  return out;
}

}  // namespace

std::vector<Shape> chat_requests() {
  std::vector<Shape> shapes;
  const std::string messages = kHead + R"("messages":[)";
  const std::string said = messages + R"({"role":"user","content":[)";
  const std::string answered = messages + R"({"role":"user","content":"q"},{"role":"assistant",)";
  add_values(shapes, messages + R"({"role":"user","content":)", "}]}");
  add_values(shapes, kHead + kAsked + R"("metadata":)", "}");
  add_values(shapes, answered + R"("content":)", "}]}");
  add_members(shapes, kHead + kAsked, "messages");
  add_tools(shapes, kHead + kAsked);
  add_format(shapes,
             kHead + kAsked + R"("response_format":{"type":"json_schema","json_schema":{"schema":)",
             "}}}");
  shapes.push_back(listed("messages", messages, R"({"role":"user","content":"a"})", "]}"));
  shapes.push_back(listed("messages of nothing", messages, "{}", "]}"));
  shapes.push_back(listed("system messages", messages, R"({"role":"system","content":"a"})", "]}"));
  shapes.push_back(listed("late system messages", messages + R"({"role":"user","content":"q"},)",
                          R"({"role":"system","content":"a"})", "]}"));
  shapes.push_back(listed("turns", messages,
                          R"({"role":"user","content":"a"},{"role":"assistant","content":"b"})",
                          "]}"));
  shapes.push_back(listed("names", messages, R"({"role":"user","name":"n","content":"a"})", "]}"));
  shapes.push_back(listed("parts", said, R"({"type":"text","text":"a"})", "]}]}"));
  shapes.push_back(listed("images", said,
                          R"({"type":"image_url","image_url":{"url":"https://x/y.png"}})", "]}]}"));
  shapes.push_back(listed("images as data", said,
                          R"({"type":"image_url","image_url":{"url":)"
                          R"("data:image/png;base64,iVBORw0KGgo="}})",
                          "]}]}"));
  shapes.push_back(listed(
      "files", said, R"({"type":"file","file":{"file_data":"YQ==","filename":"a.txt"}})", "]}]}"));
  shapes.push_back(filled("an image",
                          said + R"({"type":"image_url","image_url":{"url":)"
                                 R"("data:image/png;base64,iVBORw0KGgo)",
                          "AAAA", R"(="}}]}]})"));
  shapes.push_back(filled("a file", said + R"({"type":"file","file":{"file_data":")", "YWFh",
                          R"(","filename":"a.txt"}}]}]})"));
  shapes.push_back(listed("marks", said,
                          R"({"type":"text","text":"a","cache_control":{"type":)"
                          R"("ephemeral","ttl":"1h"}})",
                          "]}]}"));
  shapes.push_back(filled("tags that are opened", answered + R"("content":")", "<think>", "\"}]}"));
  shapes.push_back(filled("tags", answered + R"("content":")", "<think></think>", "\"}]}"));
  shapes.push_back(
      filled("tags in escapes", answered + R"("content":")", "\\u003cthink>", "\"}]}"));
  shapes.push_back(listed("refusals", messages, R"({"role":"assistant","refusal":"a"})", "]}"));
  shapes.push_back(listed("signed thoughts", answered + R"("content":"a","thinking_blocks":[)",
                          R"({"type":"thinking","thinking":"t","signature":"s"})", "]}]}"));
  const auto call = [](const std::string& id) {
    return R"({"id":")" + id + R"(","type":"function","function":{"name":"f","arguments":"{}"}})";
  };
  const auto result = [](const std::string& id) {
    return R"({"role":"tool","tool_call_id":")" + id + R"(","content":"r"})";
  };
  shapes.push_back(listed(
      "calls", answered + R"("tool_calls":[)",
      [=](std::size_t number) { return call("c" + number_of(number)); }, "]}]}"));
  shapes.push_back(listed(
      "calls of one id", answered + R"("tool_calls":[)", [=](std::size_t) { return call("c"); },
      "]}]}"));
  shapes.push_back(listed(
      "calls of one id that differ", answered + R"("tool_calls":[)",
      [](std::size_t number) {
        return R"({"id":"c","function":{"name":"f","arguments":"{\"a\":)" + number_of(number) +
               R"(}"}})";
      },
      "]}]}"));
  shapes.push_back(listed(
      "calls of ids to come", answered + R"("tool_calls":[)",
      [=](std::size_t number) { return call(number % 2 == 0 ? "c" : "c_" + number_of(number)); },
      "]}]}"));
  shapes.push_back(listed("calls without an id", answered + R"("tool_calls":[)",
                          R"({"function":{"name":"f","arguments":"{}"}})", "]}]}"));
  shapes.push_back(
      listed("calls whose arguments are escaped", answered + R"("tool_calls":[)",
             R"({"id":"c","function":{"name":"f","arguments":"{\"\u0061\":\"\\n\"}"}})", "]}]}"));
  shapes.push_back(listed(
      "results of nothing", messages,
      [=](std::size_t number) { return result("c" + number_of(number)); }, "]}"));
  shapes.push_back(listed(
      "results of one call", answered + R"("tool_calls":[)" + call("c") + "]},",
      [=](std::size_t) { return result("c"); }, "]}"));
  shapes.push_back(listed(
      "calls and results", messages,
      [=](std::size_t number) {
        const std::string id = "c" + number_of(number);
        return R"({"role":"assistant","tool_calls":[)" + call(id) + "]}," + result(id);
      },
      "]}"));
  shapes.push_back(listed(
      "calls and results of one id", messages,
      [=](std::size_t) {
        return R"({"role":"assistant","tool_calls":[)" + call("c") + "]}," + result("c");
      },
      "]}"));
  shapes.push_back({"calls, and results in the other order", [=](std::size_t bytes) {
                      std::string calls, results;
                      for (std::size_t i = 0; calls.size() + results.size() < bytes; ++i) {
                        const std::string id = "c" + number_of(i);
                        calls += (i > 0 ? "," : "") + call(id);
                        results.insert(0, "," + result(id));
                        if (i % 1024 == 1023) break;
                      }
                      std::string text = answered + R"("tool_calls":[)" + calls + "]}" + results;
                      while (text.size() < bytes)
                        text += R"(,{"role":"assistant","tool_calls":[)" + calls + "]}" + results;
                      return text + "]}";
                    }});
  shapes.push_back(listed("functions as they were", messages,
                          R"({"role":"assistant","function_call":{"name":"f","arguments":"{}"}},)"
                          R"({"role":"function","name":"f","content":"r"})",
                          "]}"));
  std::string declared = kHead + R"("tools":[)";
  for (std::size_t i = 0; i < 2000; ++i)
    declared += R"({"type":"x_20250101","name":"n)" + number_of(i) + "\"},";
  declared += R"({"type":"web_search_20250305","name":"web_search"}],)";
  shapes.push_back(listed(
      "the provider's blocks beside many tools",
      declared + R"("messages":[{"role":"user","content":"q"},)"
                 R"({"role":"assistant","content":[)",
      [](std::size_t number) { return numbered(kServerParts[number % 4], number / 4); }, "]}]}"));
  shapes.push_back(listed(
      "references to many tools",
      declared + R"("messages":[{"role":"user","content":"q"},)"
                 R"({"role":"tool","tool_call_id":"c","content":[)",
      [](std::size_t number) { return numbered(kServerParts[3], number); }, "]}]}"));
  shapes.push_back(listed(
      "allowed tools",
      declared + kAsked + R"("tool_choice":{"type":"allowed_tools","allowed_tools":{"tools":[)",
      [](std::size_t number) { return R"({"type":"x","name":"n)" + number_of(number) + "\"}"; },
      "]}}}"));
  shapes.push_back(listed("ways to stop", kHead + kAsked + R"("stop":[)", "\"a\"", "]}"));
  return shapes;
}

std::vector<Shape> responses_requests() {
  std::vector<Shape> shapes;
  const std::string items = kHead + R"("input":[)";
  const std::string said = items + R"({"role":"user","content":[)";
  add_values(shapes, kHead + R"("input":)", "}");
  add_values(shapes, items + R"({"role":"user","content":)", "}]}");
  add_values(shapes, kHead + kInput + R"("instructions":)", "}");
  add_values(shapes, kHead + kInput + R"("metadata":)", "}");
  add_members(shapes, kHead + kInput, "input");
  add_tools(shapes, kHead + kInput);
  add_format(shapes, kHead + kInput + R"("text":{"format":{"type":"json_schema","schema":)", "}}}");
  shapes.push_back(listed("items", items, R"({"role":"user","content":"a"})", "]}"));
  shapes.push_back(listed("items of the developer", items + R"({"role":"user","content":"q"},)",
                          R"({"role":"developer","content":"a"})", "]}"));
  shapes.push_back(listed("parts", said, R"({"type":"input_text","text":"a"})", "]}]}"));
  shapes.push_back(
      listed("images", said, R"({"type":"input_image","image_url":"https://x/y.png"})", "]}]}"));
  shapes.push_back(listed(
      "items that are named", items,
      [](std::size_t number) { return R"({"id":"rs_)" + number_of(number) + "\"}"; }, "]}"));
  shapes.push_back(listed(
      "searches", items,
      [](std::size_t number) {
        return R"({"type":"web_search_call","id":"ws_)" + number_of(number) + "\"}";
      },
      "]}"));
  shapes.push_back(listed("items of other providers", items, R"({"type":"mcp_call"})", "]}"));
  shapes.push_back(listed("items that nobody knows", items, R"({"type":"x"})", "]}"));
  shapes.push_back(listed("updates", items, R"({"type":"configuration_update","text":{}})", "]}"));
  shapes.push_back(
      listed("thoughts of others", items, R"({"type":"reasoning","encrypted_content":"x"})", "]}"));
  shapes.push_back(listed(
      "more tools", items,
      [](std::size_t number) {
        return R"({"type":"additional_tools","tools":[{"type":"function","name":"f)" +
               number_of(number) + R"("}]})";
      },
      "]}"));
  const auto call = [](const std::string& id) {
    return R"({"type":"function_call","call_id":")" + id + R"(","name":"f","arguments":"{}"})";
  };
  const auto result = [](const std::string& id) {
    return R"({"type":"function_call_output","call_id":")" + id + R"(","output":"r"})";
  };
  shapes.push_back(listed(
      "calls", items, [=](std::size_t number) { return call("c" + number_of(number)); }, "]}"));
  shapes.push_back(listed(
      "calls of one id", items, [=](std::size_t) { return call("c"); }, "]}"));
  shapes.push_back(listed(
      "calls of one id that differ", items,
      [](std::size_t number) {
        return R"({"type":"function_call","call_id":"c","name":"f","arguments":"{\"a\":)" +
               number_of(number) + R"(}"})";
      },
      "]}"));
  shapes.push_back(listed(
      "results", items, [=](std::size_t number) { return result("c" + number_of(number)); }, "]}"));
  shapes.push_back(listed("results of nothing", items, R"({"type":"function_call_output"})", "]}"));
  shapes.push_back(listed("results that name a tool", items + call("c") + ",",
                          R"({"type":"function_call_output","name":"f","output":"r"})", "]}"));
  shapes.push_back(listed(
      "calls and results", items,
      [=](std::size_t number) {
        const std::string id = "c" + number_of(number);
        return call(id) + "," + result(id);
      },
      "]}"));
  shapes.push_back(listed(
      "calls and results that name a tool", items,
      [=](std::size_t number) {
        return call("c" + number_of(number)) +
               R"(,{"type":"function_call_output","name":"f","output":"r"})";
      },
      "]}"));
  shapes.push_back(listed(
      "calls and results of one response", items,
      [=](std::size_t number) {
        const std::string id = "c" + number_of(number);
        return R"({"id":"fc_kkkkkkkkkkkkkkkkkkkkkkkk_)" + number_of(number) +
               R"(","type":"function_call","call_id":")" + id +
               R"(","name":"f","arguments":"{}"},)" + result(id);
      },
      "]}"));
  shapes.push_back(listed("calls of a shell", items,
                          R"({"type":"shell_call","call_id":"c","action":{"commands":["ls"]}})",
                          "]}"));
  shapes.push_back(listed("results of a shell", items,
                          R"({"type":"shell_call_output","call_id":"c","output":[{"stdout":"a"}]})",
                          "]}"));
  shapes.push_back(listed(
      "namespaces", kHead + kInput + R"("tools":[)",
      [](std::size_t number) {
        return R"({"type":"namespace","name":"n)" + number_of(number) +
               R"(","tools":[{"type":"function","name":"f"}]})";
      },
      "]}"));
  shapes.push_back(listed("includes", kHead + kInput + R"("include":[)", "\"a\"", "]}"));
  return shapes;
}

std::vector<Shape> messages_requests() {
  std::vector<Shape> shapes;
  add_values(shapes, kHead + R"("messages":)", "}");
  add_members(shapes, kHead, "messages");
  shapes.push_back(listed("the model as a number", kHead, R"("model":1)", "}"));
  shapes.push_back(listed("the model with half a pair", kHead, R"("model":"\ud83d")", "}"));
  shapes.push_back(listed("streams", kHead, R"("stream":true)", "}"));
  return shapes;
}

std::vector<Shape> batches() {
  std::vector<Shape> shapes;
  const std::string head = R"({"requests":[)";
  shapes.push_back(listed("requests", head, R"({"custom_id":"a","params":{"model":"m"}})", "]}"));
  shapes.push_back(listed("requests of nothing", head, "{}", "]}"));
  shapes.push_back(
      listed("models in one request", head + R"({"params":{)", R"("model":"m")", "}}]}"));
  shapes.push_back(
      listed("models in escapes", head + R"({"params":{)", R"("model":"\u006d")", "}}]}"));
  shapes.push_back(
      listed("parameters again and again", head + "{", R"("params":{"model":"m"})", "}]}"));
  shapes.push_back(
      listed("lists again and again", "{", R"("requests":[{"params":{"model":"m"}}])", "}"));
  add_values(shapes, head + R"({"params":{"model":"m","messages":)", "}}]}");
  return shapes;
}

std::vector<Shape> values() {
  std::vector<Shape> shapes;
  add_values(shapes, "", "");
  add_values(shapes, R"({"type":"message","role":"user","content":)", "}");
  return shapes;
}

// --- Replies -------------------------------------------------------------------------------------

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

Shape streamed(const char* says, const std::string& before, Part part,
               const std::string& behind = stopped()) {
  return {says, [=](std::size_t bytes) {
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

Shape streamed(const char* says, const std::string& before, const std::string& part,
               const std::string& behind = stopped()) {
  return streamed(
      says, before, [part](std::size_t) { return part; }, behind);
}

// One delta that is as long as all of it.
Shape in_one(const char* says, const std::string& block, const std::string& before,
             const std::string& piece) {
  return {says, [=](std::size_t bytes) {
            std::string text;
            while (text.size() < bytes) text += piece;
            return streamed(says, started(block) + delta(before + text + "\""), "").make(1);
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
  shapes.push_back(in_one("one thought", thinking, R"("type":"thinking_delta","thinking":")", "a"));
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
  shapes.push_back(streamed("texts and thoughts", "",
                            started(text) + text_delta("a") + stopped() + started(thinking) +
                                delta(R"("type":"thinking_delta","thinking":"a")") + stopped(),
                            ""));
  shapes.push_back(streamed("thoughts that are sealed", "",
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
  shapes.push_back(streamed("pieces of a custom input that is none", started(call("c", "custom")),
                            input_delta("a")));
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
  const auto found = [](std::size_t number) {
    return started(R"({"type":"web_search_tool_result","tool_use_id":"s)" + number_of(number) +
                   R"(","content":[]})") +
           stopped();
  };
  shapes.push_back(streamed(
      "searches", "", [=](std::size_t number) { return search(number) + found(number); }, ""));
  shapes.push_back({"searches that wait for their results", [=](std::size_t bytes) {
                      std::string asked, told;
                      std::size_t number = 0;
                      for (; asked.size() + told.size() < bytes; ++number) {
                        asked += search(number);
                        told += found(number);
                      }
                      std::string reversed;
                      while (number > 0) reversed += found(--number);
                      return streamed("", asked, "", reversed).make(1);
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
