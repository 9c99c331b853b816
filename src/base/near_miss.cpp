#include "base/near_miss.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

#include "base/text.hpp"

namespace ccproxy {
namespace {

constexpr std::size_t kMaxSize = 64;
using Row = std::array<std::size_t, kMaxSize + 1>;

std::size_t max_distance(std::string_view word) { return 1 + word.size() / 5; }

std::string_view without_dashes(std::string_view word) {
  return word.substr(std::min(word.find_first_not_of('-'), word.size()));
}

// How many letters must be added, removed, replaced or swapped with their neighbour (optimal string
// alignment). Neither may be longer than kMaxSize.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  Row two_above{}, above{}, row{};
  for (std::size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, replaced});
      const bool is_swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (is_swapped) row[j] = std::min(row[j], two_above[j - 2] + 1);
    }
    two_above = above;
    above = row;
  }
  return above[b.size()];
}

}  // namespace

std::string nearest(std::string_view word, std::span<const std::string> known) {
  const std::string wanted = lowered(without_dashes(word));
  if (wanted.empty() || wanted.size() > kMaxSize) return {};
  std::size_t least = max_distance(wanted) + 1;
  std::string found;
  for (const std::string& candidate : known) {
    const std::string name = lowered(without_dashes(candidate));
    if (name.size() > kMaxSize) continue;
    const std::size_t distance = edit_distance(wanted, name);
    // Two words without a letter in common do not match, however short they are.
    if (distance >= least || distance >= std::max(wanted.size(), name.size())) continue;
    least = distance;
    found = candidate;
  }
  return found;
}

}  // namespace ccproxy
