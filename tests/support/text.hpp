// Text that tests read and search: files, logs, printed addresses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace ccproxy::test {

// Returns the content of a file; "" when it cannot be read.
[[nodiscard]] std::string file_text(const std::string& path);

// Returns how often `part` occurs in `text`.
[[nodiscard]] std::size_t count_in(std::string_view text, std::string_view part);

// Replaces every `old` in `text`.
void replace_all(std::string& text, std::string_view old, std::string_view with);

// Returns the port of the first http://127.0.0.1 address in `text`. Throws without one.
[[nodiscard]] std::uint16_t port_in(const std::string& text);

}  // namespace ccproxy::test
