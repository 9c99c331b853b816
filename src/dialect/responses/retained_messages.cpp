#include "dialect/responses/retained_messages.hpp"

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include "dialect/responses/input_items.hpp"

namespace ccproxy::dialect {
namespace {

using json::Value;

constexpr std::size_t kMaxBytes = 80'000;  // of the messages beside a summary

// Collects the user's messages from the last item to the first, until one has no room.
class MessageCollector {
 public:
  MessageCollector(const History* history, const std::string& key) : history_(history), key_(key) {}

  [[nodiscard]] bool is_full() const { return is_full_; }

  // Takes an item of the request. `index` is its place in the input.
  void take(const Item& item, std::size_t index) {
    if (item.is_reference()) return take_referenced(item);
    if (item.is_of_user()) add(listed_item(item, key_, index, room()));
  }

  // Takes an item that the store has returned.
  void take_stored(std::string_view json) {
    if (!scratch_.read(json, 3, json::Outline::kMaxComposedDepth)) return;
    const Item item(scratch_.root());
    if (item.is_of_user()) add(listed_item(item, room()));
  }

  void take_turn(const HistoryTurn& turn) {
    json::Outline outline;
    const std::string list = "[" + turn.input + "]";
    if (!outline.read(list, 2, json::Outline::kMaxComposedDepth)) return;
    const auto items = outline.root().children();
    const std::vector<Value> all(items.begin(), items.end());
    for (std::size_t i = all.size(); i-- > 0 && !is_full_;) {
      const Item item(all[i]);
      if (item.is_reference())
        take_referenced(item);
      else if (item.is_of_user())
        take_stored(item.value.raw());
    }
  }

  [[nodiscard]] std::string list() const {
    std::string json;
    json.reserve(bytes_);
    for (auto item = messages_.rbegin(); item != messages_.rend(); ++item) {
      if (!json.empty()) json += ',';
      json += *item;
    }
    return json;
  }

 private:
  // Takes the stored item that a reference means.
  void take_referenced(const Item& item) {
    if (history_ == nullptr) return;
    const auto found = history_->items.find(item.id.decoded());
    if (found != history_->items.end() && !found->second.is_output) take_stored(found->second.json);
  }

  [[nodiscard]] std::size_t room() const { return kMaxBytes - std::min(bytes_, kMaxBytes); }

  void add(std::string listed) {
    const std::size_t comma = messages_.empty() ? 0 : 1;
    is_full_ = listed.size() > room();
    if (is_full_) return;
    bytes_ += listed.size() + comma;
    messages_.push_back(std::move(listed));
  }

  const History* history_;
  const std::string& key_;
  json::Outline scratch_;              // of the stored item that is read
  std::vector<std::string> messages_;  // the last message first
  std::size_t bytes_ = 0;              // of them, with commas between
  bool is_full_ = false;
};

}  // namespace

std::string retained_messages(Value request, const History* history, const std::string& key) {
  MessageCollector collector(history, key);
  const auto input = request["input"].children();
  const std::vector<Value> items(input.begin(), input.end());
  if (request["input"].is_string()) collector.take_stored(input_items_of(request, key).items[0]);
  for (std::size_t i = items.size(); i-- > 0 && !collector.is_full();)
    collector.take(Item(items[i]), i);
  if (history == nullptr) return collector.list();
  for (std::size_t i = history->turns.size(); i-- > 0 && !collector.is_full();)
    collector.take_turn(history->turns[i]);
  return collector.list();
}

}  // namespace ccproxy::dialect
