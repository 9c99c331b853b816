#include "tests/cost/parts.hpp"

namespace ccproxy::test {

std::vector<Shape> responses_requests() {
  std::vector<Shape> shapes;
  const std::string items = kHead + R"("input":[)";
  const std::string user_parts = items + R"({"role":"user","content":[)";
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
  shapes.push_back(listed("parts", user_parts, R"({"type":"input_text","text":"a"})", "]}]}"));
  shapes.push_back(listed("images", user_parts,
                          R"({"type":"input_image","image_url":"https://x/y.png"})", "]}]}"));
  shapes.push_back(listed(
      "item references", items,
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
  shapes.push_back(listed("reasoning of other programs", items,
                          R"({"type":"reasoning","encrypted_content":"x"})", "]}"));
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

}  // namespace ccproxy::test
