// Which inputs a function takes, as far as the first level of its schema says. Used where a call in
// the history names a function and a tool of the provider's at once.
#pragma once

#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace ccproxy::dialect {

class InputShape {
 public:
  // The schema of an object, as JSON.
  explicit InputShape(std::string_view schema);

  // True when the input, a JSON object, has all that is required and nothing that is unknown.
  [[nodiscard]] bool fits(std::string_view input) const;

 private:
  std::unordered_set<std::string> properties_;
  std::vector<std::string> required_;
};

}  // namespace ccproxy::dialect
