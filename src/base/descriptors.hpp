// The limit of the system on the files and connections that this process may have open.
#pragma once

#include <cstddef>

namespace ccproxy {

// Raises the soft limit to `wanted`, or to the hard limit where that is lower; never lowers it.
// Returns how many files may be open now.
[[nodiscard]] std::size_t raise_open_file_limit(std::size_t wanted);

}  // namespace ccproxy
