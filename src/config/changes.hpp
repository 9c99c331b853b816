// The differences between two configurations, by the names of their keys.
#pragma once

#include <string>
#include <vector>

#include "config/config.hpp"

namespace ccproxy::config {

struct Changes {
  std::vector<std::string> live;  // a running server applies these
  std::vector<std::string> at_next_start;
};

[[nodiscard]] Changes changes_between(const Config& before, const Config& after);

// Returns `after`, with the values of `running` for the keys that a running server cannot change.
[[nodiscard]] Config merge_live(const Config& running, Config after);

}  // namespace ccproxy::config
