// data/models.json, as built into the program.
#pragma once

#include <string_view>

namespace ccproxy::anthropic {

extern const std::string_view kModelsJson;

}  // namespace ccproxy::anthropic
