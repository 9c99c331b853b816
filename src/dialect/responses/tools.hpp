// The tools of a Responses request: namespaces, tools that its clients run by themselves, and tools
// that come with the input (rule B.3). All others are read by RequestTools.
#pragma once

#include "dialect/request/tools.hpp"
#include "json/outline.hpp"

namespace ccproxy::dialect {

class ResponsesTools {
 public:
  // Tools are added to `tools`. All must outlive the object.
  ResponsesTools(RequestTools& tools, Report& report, RequestArena& arena)
      : tools_(tools), report_(report), arena_(arena) {}

  // Reads `tools` and the items of the input that bring tools. Errors go to the report.
  void read(json::Value request);

 private:
  void read_tool(json::Value tool, const ToolPath& path);
  void read_namespace(json::Value tool_namespace, const ToolPath& path);
  // Adds a tool that clients run by themselves, for the model as a function.
  void add_builtin(std::string_view name, ToolShape shape, std::string_view description,
                   std::string_view schema, const ToolPath& path);

  RequestTools& tools_;
  Report& report_;
  RequestArena& arena_;
};

}  // namespace ccproxy::dialect
