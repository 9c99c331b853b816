// The Files API of the simulated API. It counts all bytes of an upload and stores them up to a
// limit, so that a test can download and compare them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "json/document.hpp"

namespace ccproxy::mock {

class Files {
 public:
  struct File {
    json::Document facts;  // the file object of the API
    std::string content;   // empty when it was too large to store
    bool is_stored = true;
  };

  // Stores a multipart body. `body` may be only its beginning; `total` is the number of bytes
  // received. Fails with kInvalidRequest when no part has a file.
  [[nodiscard]] Result<json::Document> upload(std::string id, std::string_view content_type,
                                              const std::string& body, std::uint64_t total);

  [[nodiscard]] json::Document list(std::string_view query) const;
  // Returns null for an unknown id. The file is valid until the next upload or removal.
  [[nodiscard]] const File* find(std::string_view id) const;
  bool remove(std::string_view id);

 private:
  void drop_oldest();

  std::vector<File> files_;  // oldest first
};

// Formats a time as the API does (RFC 3339).
[[nodiscard]] std::string time_text(WallClock::time_point when);

}  // namespace ccproxy::mock
