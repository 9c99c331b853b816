#include "dialect/responses/kept_messages.hpp"

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include "dialect/responses/input_items.hpp"

namespace ccproxy::dialect {
namespace {

using json::Value;

constexpr std::size_t kMaxKept = 80'000;  // bytes of messages beside a summary

// Takes items from the last to the first, until one of the user's has no room.
class Keeper {
 public:
  Keeper(const History* history, const std::string& key) : history_(history), key_(key) {}

  [[nodiscard]] bool is_full() const { return is_full_; }

  // An item of the request, and its place there.
  void take_given(const Item& item, std::size_t index) {
    if (item.is_reference()) return take_named(item);
    if (item.is_of_user()) add(listed_item(item, key_, index, room()));
  }

  // One that was kept.
  void take_kept(std::string_view json) {
    if (!scratch_.read(json, 3, json::Outline::kMaxKeptDepth)) return;
    const Item item(scratch_.root());
    if (item.is_of_user()) add(listed_item(item, room()));
  }

  void take_turn(const HistoryTurn& turn) {
    json::Outline outline;
    const std::string list = "[" + turn.input + "]";
    if (!outline.read(list, 2, json::Outline::kMaxKeptDepth)) return;
    const auto items = outline.root().children();
    const std::vector<Value> all(items.begin(), items.end());
    for (std::size_t i = all.size(); i-- > 0 && !is_full_;) {
      const Item item(all[i]);
      if (item.is_reference())
        take_named(item);
      else if (item.is_of_user())
        take_kept(item.value.raw());
    }
  }

  [[nodiscard]] std::string kept() const {
    std::string list;
    list.reserve(bytes_);
    for (auto item = kept_.rbegin(); item != kept_.rend(); ++item) {
      if (!list.empty()) list += ',';
      list += *item;
    }
    return list;
  }

 private:
  // What the item stands for that only names another.
  void take_named(const Item& item) {
    if (history_ == nullptr) return;
    const auto named = history_->items.find(item.id.decoded());
    if (named != history_->items.end() && !named->second.is_output) take_kept(named->second.json);
  }

  [[nodiscard]] std::size_t room() const { return kMaxKept - std::min(bytes_, kMaxKept); }

  void add(std::string listed) {
    const std::size_t comma = kept_.empty() ? 0 : 1;
    is_full_ = listed.size() > room();
    if (is_full_) return;
    bytes_ += listed.size() + comma;
    kept_.push_back(std::move(listed));
  }

  const History* history_;
  const std::string& key_;
  json::Outline scratch_;          // of the kept item that is looked at
  std::vector<std::string> kept_;  // the last item first
  std::size_t bytes_ = 0;          // of them, with commas between
  bool is_full_ = false;
};

}  // namespace

std::string messages_to_keep(Value request, const History* history, const std::string& key) {
  Keeper keeper(history, key);
  const auto input = request["input"].children();
  const std::vector<Value> given(input.begin(), input.end());
  if (request["input"].is_string()) keeper.take_kept(input_items_of(request, key).items[0]);
  for (std::size_t i = given.size(); i-- > 0 && !keeper.is_full();)
    keeper.take_given(Item(given[i]), i);
  if (history == nullptr) return keeper.kept();
  for (std::size_t i = history->turns.size(); i-- > 0 && !keeper.is_full();)
    keeper.take_turn(history->turns[i]);
  return keeper.kept();
}

}  // namespace ccproxy::dialect
