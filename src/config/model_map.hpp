// From the name a client uses for a model to the one that is sent. Pure; it refuses to know which
// models exist.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace ccproxy::config {

using ModelMapping = std::map<std::string, std::string>;

// The documented defaults. Their targets stay as documented even where they have retired since:
// retirements are followed afterwards.
[[nodiscard]] const ModelMapping& default_mapping();

// An exact name first, then the pattern with the most literal characters (`*` stands for any run;
// of equals the first by name), then `asked` as it is.
[[nodiscard]] std::string map_model(const ModelMapping& mapping, std::string_view asked);

// True when `text` fits `pattern`. Time is at most the product of their lengths.
[[nodiscard]] bool fits_pattern(std::string_view pattern, std::string_view text);

}  // namespace ccproxy::config
