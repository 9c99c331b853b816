// The person's web browser.
#pragma once

#include <string>
#include <vector>

namespace ccproxy::cli {

// Returns the program and arguments that open `url` where the person sees it: those of $BROWSER (a
// program with or without arguments, or several between colons, of which the first that exists
// counts), or else the desktop's, unless this is an SSH session. Empty when there is none.
[[nodiscard]] std::vector<std::string> browser_command(const std::string& url);
[[nodiscard]] bool has_browser();

// Opens `url` in it, without a shell and without waiting. Returns false when it could not be
// started.
[[nodiscard]] bool open_browser(const std::string& url);

}  // namespace ccproxy::cli
