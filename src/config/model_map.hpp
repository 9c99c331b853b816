// Maps the name that a client uses for a model to the one that is sent. Pure functions; they refuse
// to know which models exist.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace ccproxy::config {

using ModelMapping = std::map<std::string, std::string>;

// The documented defaults. Their targets stay as documented even after they have retired, since
// retirements are followed later. A target that is the bare name of a line (`sonnet`) stands for
// the newest model of that line, here and in a person's own mapping.
[[nodiscard]] const ModelMapping& default_mapping();

// Returns the row for the model name `requested`: that of exactly this name, else that of the
// pattern with the most literal characters (`*` stands for any characters; of equals the first by
// name). Returns nullptr when there is none: then the name is sent as it is.
[[nodiscard]] const ModelMapping::value_type* find_mapping(const ModelMapping& mapping,
                                                           std::string_view requested);

// Whether the row is one of the documented defaults.
[[nodiscard]] bool is_default(const ModelMapping::value_type& row);

// Whether `text` matches `pattern`. The time is at most proportional to the product of their
// lengths.
[[nodiscard]] bool fits_pattern(std::string_view pattern, std::string_view text);

}  // namespace ccproxy::config
