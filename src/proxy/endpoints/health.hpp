// GET /health: answers in any state.
#pragma once

#include <string>
#include <string_view>

#include "proxy/state/worker_state.hpp"

namespace ccproxy::proxy {

// For whoever has not shown a known Host or key: nothing but that it runs.
inline constexpr std::string_view kBareHealth = R"({"status":"ok"})";

[[nodiscard]] std::string health(const Shared& shared);

}  // namespace ccproxy::proxy
