// The person's web browser.
#pragma once

#include <string>
#include <vector>

namespace ccproxy::cli {

// The program and arguments that open `url` where the person sees it: what $BROWSER says (a
// program with or without arguments, or several between colons, of which the first that exists
// counts), else the desktop's own, unless this is a session from elsewhere (SSH). Empty when there
// is none.
[[nodiscard]] std::vector<std::string> browser_command(const std::string& url);
[[nodiscard]] bool has_browser();

// Opens it at `url`, without a shell and without waiting. False when it could not be started.
[[nodiscard]] bool open_browser(const std::string& url);

}  // namespace ccproxy::cli
