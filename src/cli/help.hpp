// A page of help, as it is read in a terminal of 80 columns. It refuses to know which commands
// there are.
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

// The page with all lines within 80 columns, but for examples, which stand as they are.
[[nodiscard]] std::string text_of(const HelpPage& page);

}  // namespace ccproxy::cli
