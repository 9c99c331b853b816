// Whole files: read, and replaced so that a crash or a full disk leaves the old one or the new
// one, never half of either. It refuses to know what is in them.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace ccproxy {

// The bytes of a file. Fails with kNotFound when there is none, kTooLarge above `limit` bytes,
// kIo otherwise. The message names the path: it is for the person at this machine, not a client.
[[nodiscard]] Result<std::string> read_file(const std::string& path,
                                            std::size_t limit = std::size_t{16} << 20);

// Writes a temporary file beside `path` with mode 0600, syncs it, renames it over `path` and syncs
// the folder. A folder that is missing is made with mode 0700. On failure the old file is intact.
[[nodiscard]] Result<void> replace_file(const std::string& path, std::string_view bytes);

}  // namespace ccproxy
