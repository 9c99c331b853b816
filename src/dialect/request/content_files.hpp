// The parts of a message's content that are images and files become blocks (rule A.2.1). What a
// file is is decided by its bytes, not by the name or the media type that the client gives it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dialect/request/block.hpp"
#include "dialect/request/file_content.hpp"
#include "dialect/request/param_path.hpp"
#include "dialect/request/report.hpp"
#include "json/outline.hpp"

namespace ccproxy::dialect {

// The anthropic-beta value of a request that names a file of the Files API.
inline constexpr std::string_view kFilesBeta = "files-api-2025-04-14";

class ContentFiles {
 public:
  // `betas` gains kFilesBeta where a file is named by its id. All must outlive the object.
  ContentFiles(Report& report, RequestArena& arena, std::vector<std::string>& betas)
      : report_(report), arena_(arena), betas_(betas) {}

  // Each appends the block of `part` to `out`, or refuses it through the report. `path` is the
  // place of the part.

  // `image_url` of Chat Completions, `input_image` of Responses.
  void read_image(json::Value part, ParamPath path, CacheControl cache_control,
                  std::vector<Block>& out);
  // `file` of Chat Completions, `input_file` of Responses.
  void read_file(json::Value part, ParamPath path, CacheControl cache_control,
                 std::vector<Block>& out);
  // `image`, `document` and `search_result` of the Messages API.
  void read_source(json::Value part, const ParamPath& path, CacheControl cache_control,
                   std::vector<Block>& out);

 private:
  void add_image(const InlineData& data, const std::string& param, CacheControl cache_control,
                 std::vector<Block>& out);
  // `block` has the members of a document beside its content.
  void add_file(const FileContent& file, Block block, std::vector<Block>& out);
  void add_document(const FileContent& file, const Block& block, const ParamPath& path,
                    std::vector<Block>& out);
  void add_file_id(std::string_view kind, std::string_view id, const ParamPath& path,
                   const Block& block, std::vector<Block>& out);
  void add_url(std::string_view kind, json::JsonText url, const Block& block,
               std::vector<Block>& out);
  void add_source(std::string_view kind, std::string_view source, const Block& block,
                  std::vector<Block>& out);
  void add_verbatim(json::Value part, CacheControl cache_control, std::vector<Block>& out);
  void refuse_image(const std::string& param);
  void refuse_file(FileContent::Kind kind, std::string_view name, const std::string& param);

  Report& report_;
  RequestArena& arena_;
  std::vector<std::string>& betas_;
};

}  // namespace ccproxy::dialect
