// A hash table of rows with names, made when the program is compiled. It is for names that a
// request may have hundreds of thousands of: members, types of items and parts.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ccproxy::dialect {

// `Row` must have a `name` that is not empty. Several rows may have the same.
template <typename Row, std::size_t kRows>
class NameTable {
 public:
  constexpr explicit NameTable(const std::array<Row, kRows>& rows) : rows_(rows) {
    slots_.fill(kEmpty);
    for (std::size_t row = 0; row < kRows; ++row) {
      std::size_t slot = slot_of(rows[row].name);
      while (slots_[slot] != kEmpty) slot = (slot + 1) % kSlots;
      slots_[slot] = static_cast<std::uint8_t>(row);
    }
  }

  // The first row of that name for which `fits` is true; nullptr without.
  template <typename Fits>
  [[nodiscard]] constexpr const Row* find(std::string_view name, const Fits& fits) const {
    if (name.empty()) return nullptr;
    for (std::size_t slot = slot_of(name); slots_[slot] != kEmpty; slot = (slot + 1) % kSlots) {
      const Row& row = rows_[slots_[slot]];
      if (row.name == name && fits(row)) return &row;
    }
    return nullptr;
  }

  [[nodiscard]] constexpr const Row* find(std::string_view name) const {
    return find(name, [](const Row&) { return true; });
  }

 private:
  static constexpr std::uint8_t kEmpty = 255;
  static_assert(kRows < kEmpty);
  static constexpr std::size_t kSlots = std::bit_ceil(4 * kRows);

  // The hash takes what is quick to compute of a name: its length and three of its bytes.
  static constexpr std::size_t slot_of(std::string_view name) {
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(name[at]); };
    return (name.size() * 67 + byte(0) * 31U + byte(name.size() - 1) * 7U + byte(name.size() / 2)) %
           kSlots;
  }

  std::array<Row, kRows> rows_;
  std::array<std::uint8_t, kSlots> slots_{};
};

}  // namespace ccproxy::dialect
