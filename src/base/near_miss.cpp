#include "base/near_miss.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

#include "base/text.hpp"

namespace ccproxy {
namespace {

constexpr std::size_t kLongest = 64;
using Row = std::array<std::size_t, kLongest + 1>;

std::size_t most_faults(std::string_view word) { return 1 + word.size() / 5; }

std::string_view without_dashes(std::string_view word) {
  return word.substr(std::min(word.find_first_not_of('-'), word.size()));
}

// How many letters must be added, taken away, replaced or swapped with their neighbour (optimal
// string alignment). Both are at most kLongest long.
std::size_t faults_between(std::string_view a, std::string_view b) {
  Row two_before{}, before{}, now{};
  for (std::size_t j = 0; j <= b.size(); ++j) before[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    now[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = before[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      now[j] = std::min({before[j] + 1, now[j - 1] + 1, replaced});
      const bool is_swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (is_swapped) now[j] = std::min(now[j], two_before[j - 2] + 1);
    }
    two_before = before;
    before = now;
  }
  return before[b.size()];
}

}  // namespace

std::string nearest(std::string_view word, std::span<const std::string> known) {
  const std::string wanted = lowered(without_dashes(word));
  if (wanted.empty() || wanted.size() > kLongest) return {};
  std::size_t least = most_faults(wanted) + 1;
  std::string found;
  for (const std::string& each : known) {
    const std::string name = lowered(without_dashes(each));
    if (name.size() > kLongest) continue;
    const std::size_t faults = faults_between(wanted, name);
    // A word of which nothing is left is no near miss.
    if (faults >= least || faults >= std::max(wanted.size(), name.size())) continue;
    least = faults;
    found = each;
  }
  return found;
}

}  // namespace ccproxy
