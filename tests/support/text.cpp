#include "support/text.hpp"

#include <fstream>
#include <iterator>
#include <stdexcept>

namespace ccproxy::test {

std::string file_text(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::size_t count_in(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++count;
  return count;
}

void replace_all(std::string& text, std::string_view old, std::string_view with) {
  for (auto at = text.find(old); at != std::string::npos; at = text.find(old, at + with.size()))
    text.replace(at, old.size(), with);
}

std::uint16_t port_in(const std::string& text) {
  constexpr std::string_view kAddress = "http://127.0.0.1:";
  const auto at = text.find(kAddress);
  if (at == std::string::npos) throw std::runtime_error("no address in:\n" + text);
  return static_cast<std::uint16_t>(std::stoul(text.substr(at + kAddress.size())));
}

}  // namespace ccproxy::test
