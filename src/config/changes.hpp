// What differs between two configurations, by the names of their keys.
#pragma once

#include <string>
#include <vector>

#include "config/config.hpp"

namespace ccproxy::config {

struct Changes {
  std::vector<std::string> live;  // a running server takes them up
  std::vector<std::string> at_next_start;
};

[[nodiscard]] Changes changes_between(const Config& before, const Config& after);

// `after`, but for what a running server cannot change: that stays as it is in `running`.
[[nodiscard]] Config merge_live(const Config& running, Config after);

}  // namespace ccproxy::config
