// The pages that a user sees in the browser while signing in at the simulated authorization server.
// Text that comes from the request is escaped.
#pragma once

#include <string_view>

#include "mock/reply.hpp"

namespace ccproxy::mock {

// Shows which client asks for which scope, and a link for each decision. `target` is the path and
// query of the request.
[[nodiscard]] Reply consent_page(std::string_view client_id, std::string_view scope,
                                 std::string_view redirect_uri, std::string_view target);

// Shows the text that the user pastes into the program.
[[nodiscard]] Reply code_page(std::string_view code_and_state);

// Shows what is wrong with the request.
[[nodiscard]] Reply refusal_page(int status, std::string_view what);

}  // namespace ccproxy::mock
