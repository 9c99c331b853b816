// The models that names stand for, with what they cost: told wherever a person chooses. It refuses
// to know how it is printed.
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

// The table of the program, or the one that the environment names instead.
[[nodiscard]] Result<anthropic::ModelTable> load_models(const config::Environment& environment);

// The id that is asked for the target of a mapping.
[[nodiscard]] std::string served_by(const anthropic::ModelTable& models,
                                    const config::Config& config, std::string_view target);

struct ModelInUse {
  std::string id;
  std::vector<std::string> names;  // of the mapping, patterns too, and "defaultModel"
  std::string about;               // its price, what costs less, and when it retires
};

// One for each id that a name of the mapping is served by, in the order of their first names.
[[nodiscard]] std::vector<ModelInUse> models_in_use(const anthropic::ModelTable& models,
                                                    const config::Config& config, Instant now);

}  // namespace ccproxy::cli
