// What the provider's errors mean for a person who uses a Claude account through another program.
// The texts can change, so they serve for hints only: nothing is decided by them.
#pragma once

#include <string_view>

namespace ccproxy::anthropic {

struct Refusal {
  std::string_view token;    // for x-ccproxy-warning
  std::string_view meaning;  // one sentence; "" when nothing is known about this error
  bool is_final = false;     // the provider's policy says no: never sent again in any shape
};

// `body` is an error's body as it came, perhaps cut. A token of "" means an error like any other.
[[nodiscard]] Refusal refusal_of(int status, std::string_view body);

}  // namespace ccproxy::anthropic
