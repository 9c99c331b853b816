// The models that names stand for, with what they cost: shown wherever a person chooses. This file
// refuses to know how it is printed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "anthropic/models.hpp"
#include "base/error.hpp"
#include "base/timestamp.hpp"
#include "config/config.hpp"
#include "config/environment.hpp"

namespace ccproxy::cli {

// Returns the built-in model table, or the one that the environment names instead.
[[nodiscard]] Result<anthropic::ModelTable> load_models(const config::Environment& environment);

// Returns the id that is requested for the target of a mapping.
[[nodiscard]] std::string served_by(const anthropic::ModelTable& models,
                                    const config::Config& config, std::string_view target);

struct ModelInUse {
  std::string id;
  std::vector<std::string> names;  // of the mapping, patterns too, and "defaultModel"
  std::string about;               // its price, a cheaper model, and when it retires
};

// Returns one row for each id that serves a name of the mapping, in the order of their first names.
[[nodiscard]] std::vector<ModelInUse> models_in_use(const anthropic::ModelTable& models,
                                                    const config::Config& config, Instant now);

}  // namespace ccproxy::cli
