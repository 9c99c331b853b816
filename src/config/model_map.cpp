#include "config/model_map.hpp"

#include <algorithm>

namespace ccproxy::config {
namespace {

std::size_t literal_characters(std::string_view pattern) {
  return pattern.size() - static_cast<std::size_t>(std::count(pattern.begin(), pattern.end(), '*'));
}

}  // namespace

const ModelMapping& default_mapping() {
  static const ModelMapping mapping = {
      {"gpt-4", "claude-sonnet-4-20250514"},
      {"gpt-4-turbo", "claude-sonnet-4-20250514"},
      {"gpt-4o", "claude-sonnet-4-20250514"},
      {"gpt-4o-mini", "claude-3-5-haiku-20241022"},
      {"gpt-3.5-turbo", "claude-3-5-haiku-20241022"},
      {"claude-3-sonnet", "claude-sonnet-4-20250514"},
      {"claude-3-opus", "claude-opus-4-20250514"},
      {"claude-3.5-sonnet", "claude-3-5-sonnet-20241022"},
      {"claude-3.5-haiku", "claude-3-5-haiku-20241022"},
      {"claude-4-sonnet", "claude-sonnet-4-20250514"},
      {"claude-4-opus", "claude-opus-4-20250514"},
      {"fable", "fable"},
      {"haiku", "haiku"},
      {"opus", "opus"},
      {"sonnet", "sonnet"},
  };
  return mapping;
}

bool fits_pattern(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0;
  std::size_t star = std::string_view::npos, resume = 0;  // the last `*`, and where its match began
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

const ModelMapping::value_type* find_mapping(const ModelMapping& mapping,
                                             std::string_view requested) {
  if (const auto exact = mapping.find(std::string(requested)); exact != mapping.end())
    return &*exact;
  const ModelMapping::value_type* best = nullptr;
  for (const auto& row : mapping) {
    if (row.first.find('*') == std::string::npos || !fits_pattern(row.first, requested)) continue;
    if (best == nullptr || literal_characters(row.first) > literal_characters(best->first))
      best = &row;
  }
  return best;
}

bool is_default(const ModelMapping::value_type& row) {
  const auto ours = default_mapping().find(row.first);
  return ours != default_mapping().end() && ours->second == row.second;
}

}  // namespace ccproxy::config
