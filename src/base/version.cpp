#include "base/version.hpp"

namespace ccproxy {

std::string_view version() { return CCPROXY_VERSION; }

}  // namespace ccproxy
