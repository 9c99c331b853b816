// How many files and connections the system lets this process have open.
#pragma once

#include <cstddef>

namespace ccproxy {

// Raises the soft limit to `wanted`, as far as the hard one lets it; never lowers it. What may be
// open then.
[[nodiscard]] std::size_t raise_open_files(std::size_t wanted);

}  // namespace ccproxy
