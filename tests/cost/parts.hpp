// The parts that shapes consist of: lists, texts without end, and members that any request may
// have.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/cost/shapes.hpp"

namespace ccproxy::test {

using Part = std::function<std::string(std::size_t number)>;

// Returns the shape of `before`, as many parts as there is room for with commas between them,
// `behind`.
[[nodiscard]] Shape listed(const char* name, std::string before, Part part, std::string behind);
[[nodiscard]] Shape listed(const char* name, std::string before, const char* part,
                           std::string behind);
// The same without commas; `piece` is repeated.
[[nodiscard]] Shape filled(const char* name, std::string before, std::string_view piece,
                           std::string behind);

[[nodiscard]] std::string number_of(std::size_t number);
[[nodiscard]] std::string repeated(std::string_view piece, std::size_t times);

// Adds strings, members and nesting, which any JSON may have. `before` and `behind` enclose the
// value.
void add_values(std::vector<Shape>& shapes, const std::string& before, const std::string& behind);

// The beginning of a request, and its question in Chat Completions and in Responses.
inline const std::string kHead = R"({"model":"claude-sonnet-5","max_tokens":9,)";
inline const std::string kQuestion = R"("messages":[{"role":"user","content":"q"}],)";
inline const std::string kInput = R"("input":"q",)";

// Adds members of a request whose list of messages is called `list`.
void add_members(std::vector<Shape>& shapes, const std::string& head, const char* list);
void add_tools(std::vector<Shape>& shapes, const std::string& head);
// Adds a schema for the reply between `before` and `behind`.
void add_format(std::vector<Shape>& shapes, const std::string& before, const std::string& behind);

}  // namespace ccproxy::test
