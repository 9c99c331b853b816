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

  [[nodiscard]] bool is_full() const { return is_full_; }

  void take(std::string_view item) {
    if (is_full_ || !item_.read(item, 1, json::Outline::kMostKeptDepth)) return;
    if (!is_of_user(item_.root())) return;
    std::string listed = listed_item(item);
    const std::size_t comma = kept_.empty() ? 0 : 1;
    is_full_ = bytes_ + listed.size() > kMostKept;
    if (is_full_) return;
    bytes_ += listed.size() + comma;
    kept_.push_back(std::move(listed));
  }

  static bool is_of_user(Value item) {
    const std::string_view type = item["type"].text().escaped;
    return item["role"].text().escaped == "user" && (type.empty() || type == "message");
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
  const Past* past_;
  json::Outline item_;             // of the one that is looked at
  std::vector<std::string> kept_;  // the last item first
  std::size_t bytes_ = 0;          // of them, with commas between
  bool is_full_ = false;
};

}  // namespace

std::string messages_to_keep(Value request, const Past* past, const std::string& key) {
  Keeper keeper(past);
  const auto input = request["input"].children();
  const std::vector<Value> given(input.begin(), input.end());
  if (request["input"].is_string())
    for (const InputItem& item : input_items_of(request, key)) keeper.take(item.json);
  for (std::size_t i = given.size(); i-- > 0 && !keeper.is_full();) {
    if (is_reference(given[i]))
      keeper.take_named(given[i]);
    else if (Keeper::is_of_user(given[i]))
      keeper.take(input_item_of(given[i], key, i).json);
  }
  if (past != nullptr)
    for (auto turn = past->turns.rbegin(); turn != past->turns.rend(); ++turn)
      keeper.take_turn(*turn);
  return keeper.kept();
}

}  // namespace ccproxy::dialect
