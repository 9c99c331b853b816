// The version of this program, as CMake has set it.
#pragma once

#include <string_view>

namespace ccproxy {

// Such as "0.1.0".
[[nodiscard]] std::string_view version();

}  // namespace ccproxy
