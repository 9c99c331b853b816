#include "dialect/request/param_path.hpp"

#include <fmt/format.h>

namespace ccproxy::dialect {

std::string ParamPath::param(std::string_view inside) const {
  if (part < 0) return fmt::format("{}[{}].{}{}", list, message, content, inside);
  return fmt::format("{}[{}].{}[{}]{}", list, message, content, part, inside);
}

}  // namespace ccproxy::dialect
