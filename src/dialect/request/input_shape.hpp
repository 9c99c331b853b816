// The inputs that a function takes, by the first level of its schema. It tells calls of a function
// from calls of a tool of the provider's with the same name.
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

  // True when the input, a JSON object, has all required members and no unknown ones.
  [[nodiscard]] bool fits(std::string_view input) const;

 private:
  std::unordered_set<std::string> properties_;
  std::vector<std::string> required_;
};

}  // namespace ccproxy::dialect
