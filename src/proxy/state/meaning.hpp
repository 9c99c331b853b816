// What a name of a model stands for: by the mapping, or because it is only written another way than
// the provider's. Pure; it refuses to know which models have retired.
#pragma once

#include <string>
#include <string_view>

#include "anthropic/models.hpp"
#include "config/model_map.hpp"

namespace ccproxy::proxy {

struct Meaning {
  std::string target;       // the id that is meant
  bool is_default = false;  // a row of the built-in mapping says so
};

// What one row of the mapping stands for: its target, or the newest model where that is the bare
// name of a line. A person's target is taken as it is written otherwise.
[[nodiscard]] Meaning meaning_of(const anthropic::ModelTable& models,
                                 const config::ModelMapping::value_type& row);

// The mapping's row of that name; without one the id that the name spells, or the name itself.
[[nodiscard]] Meaning meaning_of(const anthropic::ModelTable& models,
                                 const config::ModelMapping& mapping, std::string_view asked);

}  // namespace ccproxy::proxy
