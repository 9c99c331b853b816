// The kinds of rows of the table of keys: each reads a value of the file into one field of a Config
// and shows it again. This file refuses to know which keys there are.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/keys.hpp"

namespace ccproxy::config {

// The names that the values of a choice have in the file.
template <class T>
using Names = std::vector<std::pair<std::string_view, T>>;

// A row whose value is one field. `place` finds the field in a Config, constant or not; `read` puts
// a value into it or returns false; `shown` converts it back to JSON.
Key row(std::string path, std::string takes, std::string about, auto place, auto read, auto shown) {
  auto read_value = [place, read, takes](const json::Document& value,
                                         Config& config) -> std::optional<Wrong> {
    if (read(value, place(config))) return std::nullopt;
    return Wrong{{}, takes};
  };
  auto show = [place, shown](const Config& config) { return json::Document(shown(place(config))); };
  return {std::move(path), std::move(takes), std::move(about), std::move(read_value),
          std::move(show)};
}

// Returns a function that finds a field of a Config, or of one of its parts.
template <class T>
auto field(T Config::*member) {
  return [=](auto& config) -> auto& { return config.*member; };
}

template <class Part, class T>
auto field(Part Config::*part, T Part::*member) {
  return [=](auto& config) -> auto& { return config.*part.*member; };
}

inline constexpr auto kAsItIs = [](const auto& value) { return value; };

// Returns the integer `value` if it is one from `least` to `most`.
inline std::optional<std::uint64_t> integer_in(const json::Document& value, std::uint64_t least,
                                               std::uint64_t most) {
  if (!value.is_number_unsigned()) return std::nullopt;
  const auto number = value.get<std::uint64_t>();
  if (number < least || number > most) return std::nullopt;
  return number;
}

Key integer(std::string path, std::uint64_t least, std::uint64_t most, std::string about,
            auto place) {
  return row(
      std::move(path), fmt::format("integer from {} to {}", least, most), std::move(about), place,
      [=]<class T>(const json::Document& value, T& into) {
        const auto number = integer_in(value, least, most);
        if (number) into = static_cast<T>(*number);
        return number.has_value();
      },
      kAsItIs);
}

Key duration(std::string path, std::uint64_t least, std::string about, auto place) {
  constexpr std::uint64_t kDay = 86'400;
  return row(
      std::move(path), fmt::format("seconds, an integer from {} to {}", least, kDay),
      std::move(about), place,
      [=](const json::Document& value, seconds& into) {
        const auto number = integer_in(value, least, kDay);
        if (number) into = seconds(*number);
        return number.has_value();
      },
      [](seconds value) { return value.count(); });
}

Key flag(std::string path, std::string about, auto place) {
  return row(
      std::move(path), "true or false", std::move(about), place,
      [](const json::Document& value, bool& into) {
        if (value.is_boolean()) into = value.get<bool>();
        return value.is_boolean();
      },
      kAsItIs);
}

// A number, or null, which is stored as zero.
Key number_or_null(std::string path, std::uint64_t most, std::string about, auto place) {
  return row(
      std::move(path), fmt::format("integer from 1 to {}, or null", most), std::move(about), place,
      [=](const json::Document& value, std::int64_t& into) {
        const auto number = integer_in(value, 1, most);
        if (number || value.is_null()) into = static_cast<std::int64_t>(number.value_or(0));
        return number || value.is_null();
      },
      [](std::int64_t value) { return value == 0 ? json::Document() : json::Document(value); });
}

Key text(std::string path, std::string takes, std::string about, auto place) {
  return row(
      std::move(path), std::move(takes), std::move(about), place,
      [](const json::Document& value, std::string& into) {
        if (value.is_string()) into = value.get<std::string>();
        return value.is_string();
      },
      kAsItIs);
}

Key filled_text(std::string path, std::string takes, std::string about, auto place) {
  return row(
      std::move(path), std::move(takes), std::move(about), place,
      [](const json::Document& value, std::string& into) {
        if (!value.is_string() || value == "") return false;
        into = value.get<std::string>();
        return true;
      },
      kAsItIs);
}

Key texts(std::string path, std::string about, auto place) {
  return row(
      std::move(path), "list of strings", std::move(about), place,
      [](const json::Document& value, std::vector<std::string>& into) {
        const auto is_text = [](const json::Document& item) { return item.is_string(); };
        if (!value.is_array() || !std::all_of(value.begin(), value.end(), is_text)) return false;
        into = value.get<std::vector<std::string>>();
        return true;
      },
      kAsItIs);
}

template <class T>
Key choice(std::string path, const Names<T>& names, std::string about, auto place) {
  std::string takes;
  for (const auto& [name, meaning] : names)
    takes += fmt::format("{}{}",
                         takes.empty()                    ? ""
                         : meaning == names.back().second ? " or "
                                                          : ", ",
                         name);
  return row(
      std::move(path), std::move(takes), std::move(about), place,
      [names](const json::Document& value, T& into) {
        for (const auto& [name, meaning] : names) {
          if (value != name) continue;
          into = meaning;
          return true;
        }
        return false;
      },
      [names](T value) {
        const auto is_meant = [value](const auto& entry) { return entry.second == value; };
        return std::string(std::find_if(names.begin(), names.end(), is_meant)->first);
      });
}

}  // namespace ccproxy::config
