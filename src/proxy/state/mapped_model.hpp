// Which id a client's name for a model means: by the configured mapping, or because the name is
// only another spelling of an id. Pure; it refuses to know which models have retired.
#pragma once

#include <string>
#include <string_view>

#include "anthropic/models.hpp"
#include "config/model_map.hpp"

namespace ccproxy::proxy {

struct MappedModel {
  std::string target;       // the id
  bool is_default = false;  // it comes from a row of the built-in mapping
};

// The target of one row of the mapping. The bare name of a line of models, such as `opus`, means
// its newest model; every other target is taken as it is written.
[[nodiscard]] MappedModel map_model_name(const anthropic::ModelTable& models,
                                         const config::ModelMapping::value_type& row);

// The target of the row for `name`; where there is none, the id that `name` spells, or `name`
// itself.
[[nodiscard]] MappedModel map_model_name(const anthropic::ModelTable& models,
                                         const config::ModelMapping& mapping,
                                         std::string_view name);

}  // namespace ccproxy::proxy
