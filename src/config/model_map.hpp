// From the name a client uses for a model to the one that is sent. Pure; it refuses to know which
// models exist.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace ccproxy::config {

using ModelMapping = std::map<std::string, std::string>;

// The documented defaults. Their targets stay as documented even where they have retired since:
// retirements are followed afterwards. A target that is the bare name of a line (`sonnet`) stands
// for the newest model of that line, here and in a mapping of the person's own.
[[nodiscard]] const ModelMapping& default_mapping();

// The row that says what `asked` stands for: that of exactly this name, else that of the pattern
// with the most literal characters (`*` stands for any run; of equals the first by name). nullptr
// when there is none: the name is meant as it is.
[[nodiscard]] const ModelMapping::value_type* find_mapping(const ModelMapping& mapping,
                                                           std::string_view asked);

// True for a row that says what the documented defaults say.
[[nodiscard]] bool is_default(const ModelMapping::value_type& row);

// True when `text` fits `pattern`. Time is at most the product of their lengths.
[[nodiscard]] bool fits_pattern(std::string_view pattern, std::string_view text);

}  // namespace ccproxy::config
