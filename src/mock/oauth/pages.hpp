// What a person sees in the browser while signing in at the simulated authorization server. Every
// text that came with the request is escaped.
#pragma once

#include <string_view>

#include "mock/reply.hpp"

namespace ccproxy::mock {

// Who asks for what, and two links: `target` (path and query of this request) with the decision.
[[nodiscard]] Reply consent_page(std::string_view client_id, std::string_view scope,
                                 std::string_view redirect_uri, std::string_view target);

// The text that goes back to the program by hand.
[[nodiscard]] Reply code_page(std::string_view code_and_state);

// What was wrong with the request.
[[nodiscard]] Reply refusal_page(int status, std::string_view what);

}  // namespace ccproxy::mock
