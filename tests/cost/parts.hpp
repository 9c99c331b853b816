// What shapes are put together of: lists, texts without end, and members that any request may have.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/cost/shapes.hpp"

namespace ccproxy::test {

using Part = std::function<std::string(std::size_t number)>;

// `before`, as many parts as there is room for with commas between, `behind`.
[[nodiscard]] Shape listed(const char* says, std::string before, Part part, std::string behind);
[[nodiscard]] Shape listed(const char* says, std::string before, const char* part,
                           std::string behind);
// The same without commas.
[[nodiscard]] Shape filled(const char* says, std::string before, std::string_view piece,
                           std::string behind);

[[nodiscard]] std::string number_of(std::size_t number);
[[nodiscard]] std::string repeated(std::string_view piece, std::size_t times);

// Strings, members and nesting: what any JSON may have. `before` and `behind` stand around a value.
void add_values(std::vector<Shape>& shapes, const std::string& before, const std::string& behind);

// How requests begin, and what is asked in them.
inline const std::string kHead = R"({"model":"claude-sonnet-5","max_tokens":9,)";
inline const std::string kAsked = R"("messages":[{"role":"user","content":"q"}],)";
inline const std::string kInput = R"("input":"q",)";

// Members of a request whose list of messages is called `list`.
void add_members(std::vector<Shape>& shapes, const std::string& head, const char* list);
void add_tools(std::vector<Shape>& shapes, const std::string& head);
// A schema for the answer, between `before` and `behind`.
void add_format(std::vector<Shape>& shapes, const std::string& before, const std::string& behind);

}  // namespace ccproxy::test
