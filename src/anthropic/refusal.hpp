// Explains the provider's errors to users whose requests the provider refuses because of their
// account or their credential. It recognizes them by their messages, which may change.
#pragma once

#include <string_view>

namespace ccproxy::anthropic {

struct Refusal {
  std::string_view token;    // for x-ccproxy-warning; "" for any other error
  std::string_view meaning;  // a sentence for the user; "" for any other error
  bool is_final = false;     // the provider's policy forbids the request: it must not be sent again
};

// `body` is the body of an error and may be truncated.
[[nodiscard]] Refusal refusal_of(int status, std::string_view body);

}  // namespace ccproxy::anthropic
