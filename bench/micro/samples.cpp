#include "micro/samples.hpp"

#include <fmt/format.h>

namespace ccproxy::bench {
namespace {

constexpr const char* kSource =
    R"(int main(int argc, char** argv) {\n  std::vector<std::string> args(argv + 1, argv + argc);\n  for (const auto& arg : args) {\n    std::cout << \"argument: \" << arg << \"\\n\";\n  }\n  return 0;\n}\n)";

std::string tool(int number) {
  return fmt::format(
      R"({{"type":"function","function":{{"name":"tool_{}","description":"Reads, writes or searches files of the project that is open. Use it when you need to know what is there.","parameters":{{"type":"object","properties":{{"path":{{"type":"string","description":"The path, relative to the root of the project."}},"pattern":{{"type":"string","description":"What to look for."}},"limit":{{"type":"integer","minimum":1,"maximum":1000}},"recursive":{{"type":"boolean"}}}},"required":["path"],"additionalProperties":false}}}}}})",
      number);
}

// Returns one step of an agent: a text, a call and its result.
std::string step(int number) {
  static const std::string source = [] {
    std::string file;
    while (file.size() < 2000) file += kSource;
    return file;
  }();
  return fmt::format(
      R"(,{{"role":"assistant","content":"Let me look at file {0}.","tool_calls":[{{"id":"call_{0}","type":"function","function":{{"name":"tool_{1}","arguments":"{{\"path\": \"src/file_{0}.cpp\", \"limit\": 200}}"}}}}]}},{{"role":"tool","tool_call_id":"call_{0}","content":"{2}"}})",
      number, number % 20, source);
}

std::string around(std::string_view content) {
  return fmt::format(
      R"({{"model":"claude-sonnet-5","stream":true,"messages":[{{"role":"user","content":{}}}]}})",
      content);
}

}  // namespace

std::string agent_request(std::size_t bytes) {
  std::string body =
      R"({"model":"claude-sonnet-5","stream":true,"stream_options":{"include_usage":true},"tools":[)";
  for (int i = 0; i < 20; ++i) body.append(i == 0 ? "" : ",").append(tool(i));
  body += R"(],"messages":[{"role":"system","content":")";
  while (body.size() < bytes / 4) body += "You are a careful programmer. Answer with code.\\n";
  body += R"("},{"role":"user","content":"Find the bug, please."})";
  for (int i = 0; body.size() < bytes; ++i) body += step(i);
  return body + "]}";
}

std::string text_request(std::size_t bytes) { return around('"' + std::string(bytes, 'x') + '"'); }

std::string image_request(std::size_t bytes) {
  std::string picture = "iVBORw0KGgo";  // as a PNG begins
  picture.append(bytes / 4 * 4 - picture.size(), 'A');
  return around(R"([{"type":"image_url","image_url":{"url":"data:image/png;base64,)" + picture +
                "\"}}]");
}

std::string messages_request(std::size_t bytes, std::size_t count) {
  const std::string text(bytes / count, 'x');
  std::string body = R"({"model":"claude-sonnet-5","messages":[{"role":"user","content":"begin"})";
  for (std::size_t i = 1; i < count; ++i)
    body +=
        fmt::format(R"(,{{"role":"{}","content":"{}"}})", i % 2 == 1 ? "assistant" : "user", text);
  return body + "]}";
}

std::string tools_request(std::size_t bytes, std::size_t count) {
  const std::string text(bytes / count, 'x');
  std::string body =
      R"({"model":"claude-sonnet-5","messages":[{"role":"user","content":"Hi"}],"tools":[)";
  for (std::size_t i = 0; i < count; ++i)
    body += fmt::format(
        R"({}{{"type":"function","function":{{"name":"t{}","parameters":{{"type":"object","description":"{}"}}}}}})",
        i == 0 ? "" : ",", i, text);
  return body + "]}";
}

std::string escapes_request(std::size_t bytes) {
  std::string text;
  while (text.size() < bytes) text += "\\n\\\"";
  return around('"' + text + '"');
}

}  // namespace ccproxy::bench
