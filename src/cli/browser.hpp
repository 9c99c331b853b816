// The person's web browser.
#pragma once

#include <string>

namespace ccproxy::cli {

// True when one can be opened that the person sees: $BROWSER names one, or this is a desktop and
// not a session from elsewhere (SSH).
[[nodiscard]] bool has_browser();

// Opens it at `url`, without a shell and without waiting. False when it could not be started.
[[nodiscard]] bool open_browser(const std::string& url);

}  // namespace ccproxy::cli
