#include "dialect/kept_messages.hpp"

#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

namespace ccproxy::dialect {
namespace {

using json::Value;

constexpr std::size_t kMostKept = 80'000;  // bytes of messages beside a summary

// Takes items from the last to the first, until one of the user's has no room.
class Keeper {
 public:
  explicit Keeper(const Past* past) : past_(past) {}

  void take(std::string_view item) {
    if (is_full_ || !is_of_user(item)) return;
    const std::string listed = listed_item(item);
    is_full_ = kept_.size() + listed.size() > kMostKept;
    if (!is_full_) kept_ = kept_.empty() ? listed : listed + "," + kept_;
  }

  // What the item stands for, when it only names another.
  void take_named(Value item) {
    if (!is_reference(item) || past_ == nullptr) return take(item.raw());
    const auto named = past_->items.find(item["id"].decoded());
    if (named != past_->items.end() && !named->second.is_output) take(named->second.json);
  }

  void take_turn(const PastTurn& turn) {
    if (is_full_) return;
    json::Outline outline;
    const std::string list = "[" + turn.input + "]";
    if (!outline.read(list, 3, json::Outline::kMostKeptDepth)) return;
    const auto items = outline.root().children();
    const std::vector<Value> all(items.begin(), items.end());
    for (auto item = all.rbegin(); item != all.rend(); ++item) take_named(*item);
  }

  [[nodiscard]] std::string kept() { return std::move(kept_); }

 private:
  bool is_of_user(std::string_view item) {
    if (!item_.read(item, 1, json::Outline::kMostKeptDepth)) return false;
    const std::string_view type = item_.root()["type"].text().escaped;
    return item_.root()["role"].text().escaped == "user" && (type.empty() || type == "message");
  }

  const Past* past_;
  json::Outline item_;  // of the one that is looked at
  std::string kept_;
  bool is_full_ = false;
};

}  // namespace

std::string messages_to_keep(Value request, const Past* past, const std::string& key) {
  Keeper keeper(past);
  const auto input = request["input"].children();
  const std::vector<Value> given(input.begin(), input.end());
  const std::vector<InputItem> items = input_items_of(request, key);  // one for each, or of a text
  for (std::size_t i = items.size(); i-- > 0;) {
    if (i < given.size() && is_reference(given[i]))
      keeper.take_named(given[i]);
    else
      keeper.take(items[i].json);
  }
  if (past != nullptr)
    for (auto turn = past->turns.rbegin(); turn != past->turns.rend(); ++turn)
      keeper.take_turn(*turn);
  return keeper.kept();
}

}  // namespace ccproxy::dialect
