// The Files API of the simulated API: uploads are counted whole and kept as far as a bound allows,
// so that what was uploaded can be downloaded and compared.
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
    json::Document facts;  // as the API shows them
    std::string content;   // empty when it was too large to keep
    bool kept = true;
  };

  // Takes a multipart body, of which `body` may be the beginning and `total` bytes came in all.
  // Fails with kInvalidRequest when it has no part with a file.
  [[nodiscard]] Result<json::Document> upload(std::string id, std::string_view content_type,
                                              const std::string& body, std::uint64_t total);

  [[nodiscard]] json::Document list(std::string_view query) const;
  [[nodiscard]] const File* find(std::string_view id) const;  // until the next upload or removal
  bool remove(std::string_view id);

 private:
  void make_room();

  std::vector<File> files_;  // newest last
};

// A time as the API writes it (RFC 3339).
[[nodiscard]] std::string time_text(WallClock::time_point when);

}  // namespace ccproxy::mock
