// Parts of a message's content become blocks: text, images, files (rule A.2.1). It
// refuses to know turns, tools and who said it, but for what a role may not say.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "dialect/request/block.hpp"
#include "dialect/request/file_content.hpp"
#include "dialect/request/report.hpp"
#include "json/outline.hpp"

namespace ccproxy::dialect {

// What a request needs that names a file of the Files API.
inline constexpr std::string_view kFilesBeta = "files-api-2025-04-14";

// Where a part stands in the request. It becomes text only when something is wrong.
struct ParamPath {
  std::size_t message;
  std::ptrdiff_t part = -1;         // -1: the content as a whole
  const char* list = "messages";    // that the message stands in
  const char* content = "content";  // the member that holds the parts
  const char* file = ".file";       // the member of a part that holds a file; "": the part itself

  // messages[3].content[1] and what follows, such as ".image_url.url".
  [[nodiscard]] std::string param(std::string_view inside = {}) const;
};

// The breakpoint that `cache_control` or `prompt_cache_breakpoint` of a part, message, tool or call
// asks for.
[[nodiscard]] CacheControl cache_control_of(json::Value holder);
// The same for whoever has looked these two up.
[[nodiscard]] CacheControl cache_control_of(json::Value control, json::Value breakpoint);

class Content {
 public:
  // `betas` takes what an upstream feature needs. All must outlive it.
  Content(Report& report, RequestArena& arena, std::vector<std::string>& betas)
      : report_(report), arena_(arena), betas_(betas) {}

  // Appends the block of one part, or nothing for one that is empty. `allows_files`: images and
  // documents may stand here.
  void read_part(json::Value part, ParamPath place, bool allows_files, std::vector<Block>& out);

  // Appends a text block unless nobody could read a word of it.
  static void add_text(json::JsonText text, CacheControl cache_control, std::vector<Block>& out);

 private:
  // Images and files, in content_files.cpp.
  void read_image(json::Value part, ParamPath place, CacheControl cache_control,
                  std::vector<Block>& out);
  void read_file(json::Value part, ParamPath place, CacheControl cache_control,
                 std::vector<Block>& out);
  void read_source(json::Value part, const ParamPath& place, CacheControl cache_control,
                   std::vector<Block>& out);
  void add_image(const InlineData& data, const std::string& param, CacheControl cache_control,
                 std::vector<Block>& out);
  void add_file(const FileContent& file, Block block, std::vector<Block>& out);
  void add_document(const FileContent& file, const Block& block, const ParamPath& place,
                    std::vector<Block>& out);
  void refuse_image(const std::string& param);
  void refuse_file(FileContent::Kind kind, std::string_view name, const std::string& param);
  void add_file_id(std::string_view kind, std::string_view id, const ParamPath& place,
                   const Block& block, std::vector<Block>& out);
  void add_url(std::string_view kind, json::JsonText url, const Block& block,
               std::vector<Block>& out);
  void add_source(std::string_view kind, std::string_view source, const Block& block,
                  std::vector<Block>& out);
  void add_verbatim(json::Value part, CacheControl cache_control, std::vector<Block>& out);

  Report& report_;
  RequestArena& arena_;
  std::vector<std::string>& betas_;
};

// The object without what cache_control_of() reads, which a block keeps as its mark.
[[nodiscard]] std::string_view without_cache_control(json::Value object, RequestArena& arena);

}  // namespace ccproxy::dialect
