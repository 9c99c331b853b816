// Parts of a message's content become blocks (rule A.2.1). It refuses to know turns and the calls
// and thinking that only an assistant's message has.
#pragma once

#include <string>
#include <vector>

#include "dialect/request/block.hpp"
#include "dialect/request/content_files.hpp"
#include "dialect/request/param_path.hpp"
#include "dialect/request/report.hpp"
#include "json/outline.hpp"

namespace ccproxy::dialect {

class Content {
 public:
  // `betas` gains the anthropic-beta values that a part needs. All must outlive the object.
  Content(Report& report, RequestArena& arena, std::vector<std::string>& betas)
      : report_(report), arena_(arena), files_(report, arena, betas) {}

  // Appends the block of one part, or nothing for an empty one. Images and documents are refused
  // unless `allows_files`. Errors go to the report.
  void read_part(json::Value part, ParamPath path, bool allows_files, std::vector<Block>& out);

  // Appends a text block, unless the text is blank: upstream refuses blank texts.
  static void add_text(json::JsonText text, CacheControl cache_control, std::vector<Block>& out);

 private:
  Report& report_;
  RequestArena& arena_;
  ContentFiles files_;
};

}  // namespace ccproxy::dialect
