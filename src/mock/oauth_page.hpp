// What the simulated authorization server reads from addresses, and the pages it shows to a person.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "mock/reply.hpp"

namespace ccproxy::mock {

using Parameters = std::map<std::string, std::string>;

// Of a query, with or without its question mark; of a repeated one the last.
[[nodiscard]] Parameters parameters_of(std::string_view query);

[[nodiscard]] Reply page(int status, std::string_view title, const std::string& body);
[[nodiscard]] Reply redirect(const std::string& to);

}  // namespace ccproxy::mock
