#include "tests/cost/parts.hpp"

namespace ccproxy::test {
namespace {

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
  const std::string user_parts = messages + R"({"role":"user","content":[)";
  const std::string assistant = messages + R"({"role":"user","content":"q"},{"role":"assistant",)";
  add_values(shapes, messages + R"({"role":"user","content":)", "}]}");
  add_values(shapes, kHead + kQuestion + R"("metadata":)", "}");
  add_values(shapes, assistant + R"("content":)", "}]}");
  add_members(shapes, kHead + kQuestion, "messages");
  add_tools(shapes, kHead + kQuestion);
  add_format(
      shapes,
      kHead + kQuestion + R"("response_format":{"type":"json_schema","json_schema":{"schema":)",
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
  shapes.push_back(listed("parts", user_parts, R"({"type":"text","text":"a"})", "]}]}"));
  shapes.push_back(listed("images", user_parts,
                          R"({"type":"image_url","image_url":{"url":"https://x/y.png"}})", "]}]}"));
  shapes.push_back(listed("images as data", user_parts,
                          R"({"type":"image_url","image_url":{"url":)"
                          R"("data:image/png;base64,iVBORw0KGgo="}})",
                          "]}]}"));
  shapes.push_back(listed("files", user_parts,
                          R"({"type":"file","file":{"file_data":"YQ==","filename":"a.txt"}})",
                          "]}]}"));
  shapes.push_back(filled("an image",
                          user_parts + R"({"type":"image_url","image_url":{"url":)"
                                       R"("data:image/png;base64,iVBORw0KGgo)",
                          "AAAA", R"(="}}]}]})"));
  shapes.push_back(filled("a file", user_parts + R"({"type":"file","file":{"file_data":")", "YWFh",
                          R"(","filename":"a.txt"}}]}]})"));
  shapes.push_back(listed("cache breakpoints", user_parts,
                          R"({"type":"text","text":"a","cache_control":{"type":)"
                          R"("ephemeral","ttl":"1h"}})",
                          "]}]}"));
  shapes.push_back(
      filled("tags that are opened", assistant + R"("content":")", "<think>", "\"}]}"));
  shapes.push_back(filled("tags", assistant + R"("content":")", "<think></think>", "\"}]}"));
  shapes.push_back(
      filled("tags in escapes", assistant + R"("content":")", "\\u003cthink>", "\"}]}"));
  shapes.push_back(listed("refusals", messages, R"({"role":"assistant","refusal":"a"})", "]}"));
  shapes.push_back(listed("signed thinking", assistant + R"("content":"a","thinking_blocks":[)",
                          R"({"type":"thinking","thinking":"t","signature":"s"})", "]}]}"));
  const auto call = [](const std::string& id) {
    return R"({"id":")" + id + R"(","type":"function","function":{"name":"f","arguments":"{}"}})";
  };
  const auto result = [](const std::string& id) {
    return R"({"role":"tool","tool_call_id":")" + id + R"(","content":"r"})";
  };
  shapes.push_back(listed(
      "calls", assistant + R"("tool_calls":[)",
      [=](std::size_t number) { return call("c" + number_of(number)); }, "]}]}"));
  shapes.push_back(listed(
      "calls of one id", assistant + R"("tool_calls":[)", [=](std::size_t) { return call("c"); },
      "]}]}"));
  shapes.push_back(listed(
      "calls of one id that differ", assistant + R"("tool_calls":[)",
      [](std::size_t number) {
        return R"({"id":"c","function":{"name":"f","arguments":"{\"a\":)" + number_of(number) +
               R"(}"}})";
      },
      "]}]}"));
  shapes.push_back(listed(
      "calls of ids to come", assistant + R"("tool_calls":[)",
      [=](std::size_t number) { return call(number % 2 == 0 ? "c" : "c_" + number_of(number)); },
      "]}]}"));
  shapes.push_back(listed("calls without an id", assistant + R"("tool_calls":[)",
                          R"({"function":{"name":"f","arguments":"{}"}})", "]}]}"));
  shapes.push_back(
      listed("calls whose arguments are escaped", assistant + R"("tool_calls":[)",
             R"({"id":"c","function":{"name":"f","arguments":"{\"\u0061\":\"\\n\"}"}})", "]}]}"));
  shapes.push_back(listed(
      "results of nothing", messages,
      [=](std::size_t number) { return result("c" + number_of(number)); }, "]}"));
  shapes.push_back(listed(
      "results of one call", assistant + R"("tool_calls":[)" + call("c") + "]},",
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
                      std::string text = assistant + R"("tool_calls":[)" + calls + "]}" + results;
                      while (text.size() < bytes)
                        text += R"(,{"role":"assistant","tool_calls":[)" + calls + "]}" + results;
                      return text + "]}";
                    }});
  shapes.push_back(listed("legacy functions", messages,
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
      declared + kQuestion + R"("tool_choice":{"type":"allowed_tools","allowed_tools":{"tools":[)",
      [](std::size_t number) { return R"({"type":"x","name":"n)" + number_of(number) + "\"}"; },
      "]}}}"));
  shapes.push_back(listed("stop sequences", kHead + kQuestion + R"("stop":[)", "\"a\"", "]}"));
  return shapes;
}

}  // namespace ccproxy::test
