// What every item of a response has: an id and an index in the output, which all of its events
// name.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ccproxy::dialect {

enum class ItemStatus { kInProgress, kCompleted, kIncomplete, kFailed };

[[nodiscard]] constexpr std::string_view status_name(ItemStatus status) {
  switch (status) {
    case ItemStatus::kInProgress: return "in_progress";
    case ItemStatus::kCompleted: return "completed";
    case ItemStatus::kIncomplete: return "incomplete";
    case ItemStatus::kFailed: break;
  }
  return "failed";
}

// Identifies an item in the events about it.
struct ItemRef {
  std::string id;
  std::size_t index = 0;  // in the output

  // Returns the members that an event about a part of the item begins with, after a comma.
  [[nodiscard]] std::string reference() const {
    return R"(,"item_id":")" + id + R"(","output_index":)" + std::to_string(index);
  }
  // Returns the members of an event about the whole item, up to the item's JSON, after a comma.
  [[nodiscard]] std::string item_member() const {
    return R"(,"output_index":)" + std::to_string(index) + R"(,"item":)";
  }
};

}  // namespace ccproxy::dialect
