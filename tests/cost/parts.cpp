#include "tests/cost/parts.hpp"

#include <array>
#include <utility>

namespace ccproxy::test {
namespace {

// Returns a name that shares its length and its first, middle and last character with `name`: a
// lookup that compares only some characters takes it for the same.
std::string name_like(std::string name, std::size_t number) {
  for (std::size_t at = 1; at + 1 < name.size(); ++at) {
    if (at == name.size() / 2) continue;
    name[at] = static_cast<char>('0' + number % 10);
    number /= 10;
  }
  return name;
}

}  // namespace

Shape listed(const char* name, std::string before, Part part, std::string behind) {
  return {name, [before = std::move(before), part = std::move(part),
                 behind = std::move(behind)](std::size_t bytes) {
            std::string text = before;
            for (std::size_t number = 0; text.size() + behind.size() < bytes; ++number) {
              if (number > 0) text += ',';
              text += part(number);
            }
            return text + behind;
          }};
}

Shape listed(const char* name, std::string before, const char* part, std::string behind) {
  return listed(
      name, std::move(before), [part](std::size_t) { return std::string(part); },
      std::move(behind));
}

Shape filled(const char* name, std::string before, std::string_view piece, std::string behind) {
  return {name, [before = std::move(before), piece = std::string(piece),
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

void add_members(std::vector<Shape>& shapes, const std::string& head, const char* list) {
  shapes.push_back(listed("the model again and again", head, R"("model":"claude-sonnet-5")", "}"));
  shapes.push_back(listed("the model in escapes", head, R"("model":"claude-sonnet-\u0035")", "}"));
  shapes.push_back(listed(
      "the list again and again", head,
      [list](std::size_t) { return std::string("\"") + list + "\":[]"; }, "}"));
  shapes.push_back(listed(
      "members that nobody knows", head,
      [](std::size_t number) { return "\"x" + number_of(number) + "\":1"; }, "}"));
  shapes.push_back(listed(
      "members that look like others", head,
      [](std::size_t number) {
        constexpr std::array<const char*, 6> kNames = {"messages", "max_tokens", "metadata",
                                                       "input",    "tools",      "tool_choice"};
        return '"' + name_like(kNames[number % kNames.size()], number / kNames.size()) + "\":1";
      },
      "}"));
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

}  // namespace ccproxy::test
