#include "dialect/responses/stored_items.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace ccproxy::dialect {
namespace {

using json::Value;

constexpr std::size_t kMaxReferencedBytes = std::size_t{64} << 20;

}  // namespace

const StoredInputItem* StoredItems::find(const std::string& id) const {
  if (history_ == nullptr) return nullptr;
  const auto found = history_->items.find(id);
  return found == history_->items.end() ? nullptr : &found->second;
}

Value StoredItems::parse(const std::string& elements) {
  json::Outline& outline = outlines_.emplace_back();
  const std::string_view list = arena_.store("[" + elements + "]");
  if (outline.read(list, json::Outline::kListed, json::Outline::kMaxComposedDepth))
    return outline.root();
  report_.warn("item_dropped", "input");
  return {};
}

bool StoredItems::is_incomplete(const StoredInputItem& item) {
  const Value::Range items = parse(item.json).children();
  return std::any_of(items.begin(), items.end(), [](Value element) {
    return element["status"].text().escaped == "incomplete";
  });
}

bool StoredItems::has_room_for(const StoredInputItem& item) {
  referenced_bytes_ += item.json.size() + item.output.blocks.size();
  if (referenced_bytes_ <= kMaxReferencedBytes) return true;
  report_.refuse("input", "invalid_value",
                 fmt::format("The items that the input names have more than {} MiB together.",
                             kMaxReferencedBytes >> 20U));
  return false;
}

}  // namespace ccproxy::dialect
