// The place of a value in the client's request, as the `param` of an error names it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ccproxy::dialect {

// The place of the content of a message, or of a part of it. It is only made into text where
// something is wrong with the part, since a request may have hundreds of thousands of them.
struct ParamPath {
  std::size_t message;              // index in `list`
  std::ptrdiff_t part = -1;         // index among the parts; -1: the content as a whole
  const char* list = "messages";    // the field that the message is an element of
  const char* content = "content";  // the member that holds the parts
  const char* file = ".file";       // the member of a part that holds a file; "": the part itself

  // `messages[3].content[1]` followed by `inside`, such as ".image_url.url".
  [[nodiscard]] std::string param(std::string_view inside = {}) const;
};

}  // namespace ccproxy::dialect
