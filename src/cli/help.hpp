// A page of help for a terminal of 80 columns. This file refuses to know which commands there are.
#pragma once

#include <string>
#include <vector>

namespace ccproxy::cli {

struct HelpRow {
  std::string name;   // such as "-p, --port N"
  std::string about;  // a sentence
};

struct HelpPage {
  std::string usage;  // such as "ccproxy start [FLAGS]"
  std::string about;
  std::vector<HelpRow> arguments{}, commands{}, flags{};
  std::string examples{};  // lines, each a command
};

// Returns the page, with all lines within 80 columns except the examples, which stand as they are.
[[nodiscard]] std::string text_of(const HelpPage& page);

}  // namespace ccproxy::cli
