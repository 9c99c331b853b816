#include "proxy/translation/history_loader.hpp"

#include <fmt/format.h>

#include <limits>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "dialect/responses/input_items.hpp"
#include "json/outline.hpp"
#include "proxy/door/request_body.hpp"
#include "proxy/state/archive_future.hpp"

namespace ccproxy::proxy {
namespace {

constexpr std::size_t kMaxTurns = 10'000;
constexpr std::size_t kMaxItems = 10'000;
constexpr std::size_t kUnlimited = std::numeric_limits<std::size_t>::max();  // the budget limits

// How much one request may still load. All of it is held until the request is decoded.
class LoadBudget {
 public:
  LoadBudget(MemoryReservation& hold, std::size_t megabytes)
      : hold_(hold), megabytes_(megabytes), left_(megabytes << 20) {}

  [[nodiscard]] Result<void> take(std::size_t size) {
    if (size > left_)
      return fail(
          ErrorKind::kTooLarge,
          fmt::format("the conversation that the request continues, or refers to, takes more "
                      "than {} MiB (store.maxConversationMegabytes)",
                      megabytes_));
    if (!hold_.grow(size)) return too_much_memory_held();
    left_ -= size;
    return {};
  }

 private:
  MemoryReservation& hold_;
  std::size_t megabytes_, left_;
};

void append_element(std::string& list, std::string_view element) {
  if (element.empty()) return;
  if (!list.empty()) list += ',';
  list += element;
}

dialect::HistoryTurn history_turn(const store::StoredTurn& stored) {
  dialect::HistoryTurn turn;
  turn.id = stored.response.id;
  for (const store::StoredItem& item : stored.input) append_element(turn.input, item.json);
  dialect::StoredOutput& output = turn.output;
  for (const store::StoredItem& item : stored.output) {
    append_element(output.blocks, item.blocks);
    append_element(output.items, item.json);
  }
  output.family = stored.response.family;
  output.account = stored.response.account;
  output.is_incomplete = stored.response.status == store::Status::kIncomplete;
  return turn;
}

bool is_summary(const store::StoredTurn& stored) {
  return !stored.output.empty() && stored.output.back().id.starts_with("cmp_");
}

// The summary alone: it covers the input of its own turn, too.
dialect::HistoryTurn summary_turn(const store::StoredTurn& stored) {
  dialect::HistoryTurn turn;
  turn.id = stored.response.id;
  turn.output.items = stored.output.back().json;
  return turn;
}

Result<void> find_turns(const store::Responses& responses, const std::string& scope,
                        const std::string& previous, LoadBudget& budget,
                        dialect::History& history) {
  if (previous.empty()) return {};
  const auto room = [&](std::size_t size) { return budget.take(size); };
  auto turns = responses.turns(scope, previous, kMaxTurns, kUnlimited, room);
  if (!turns && turns.error().kind == ErrorKind::kNotFound) return {};
  if (!turns) return fail(turns.error());
  for (store::StoredTurn& stored : *turns) {
    const store::StoredTurn turn = std::move(stored);  // freed as soon as it is copied
    if (is_summary(turn)) history.turns.clear();
    history.turns.push_back(is_summary(turn) ? summary_turn(turn) : history_turn(turn));
  }
  return {};
}

// Earlier inputs may have named items by their ids, too.
void add_references_of(const dialect::History& history, std::vector<std::string>& ids) {
  for (const dialect::HistoryTurn& turn : history.turns) {
    if (turn.input.find("item_reference") == std::string::npos &&
        turn.input.find("web_search_call") == std::string::npos)
      continue;
    json::Outline outline;
    const std::string list = "[" + turn.input + "]";
    if (outline.read(list, 2)) dialect::append_references(outline.root(), ids);
  }
}

// Each id once. The limit counts ids of items that do not exist, too.
Result<std::unordered_set<std::string>> unique_ids(std::vector<std::string> ids) {
  std::unordered_set<std::string> unique;
  for (std::string& id : ids) {
    unique.insert(std::move(id));
    if (unique.size() > kMaxItems)
      return fail({ErrorKind::kTooLarge,
                   fmt::format("the request refers to more than {} items that are kept", kMaxItems),
                   "input"});
  }
  return unique;
}

Result<void> find_items(const store::Responses& responses, const std::string& scope,
                        const std::unordered_set<std::string>& ids, LoadBudget& budget,
                        dialect::History& history) {
  // An item is copied into the output that it is the only item of.
  const auto room = [&](std::size_t size) { return budget.take(2 * size); };
  for (const std::string& id : ids) {
    auto found = responses.item(scope, id, room);
    if (!found) return fail(found.error());
    if (!*found) continue;
    store::FoundItem& item = **found;
    dialect::StoredOutput output{.blocks = std::move(item.item.blocks), .items = item.item.json};
    output.family = std::move(item.family);
    output.account = std::move(item.account);
    history.items.emplace(
        id, dialect::StoredInputItem{std::move(item.item.json), item.is_output, std::move(output)});
  }
  return {};
}

}  // namespace

Task<Result<dialect::History>> load_history(net::Runtime& runtime,
                                            std::shared_ptr<store::Archive> archive,
                                            std::string scope, dialect::References references,
                                            std::shared_ptr<MemoryReservation> hold,
                                            std::size_t max_megabytes) {
  std::function<Result<dialect::History>(const store::Responses&)> find =
      [scope = std::move(scope), references = std::move(references), hold = std::move(hold),
       max_megabytes](const store::Responses& responses) -> Result<dialect::History> {
    dialect::History history;
    LoadBudget budget(*hold, max_megabytes);
    std::vector<std::string> ids = references.items;
    if (auto turns = find_turns(responses, scope, references.previous, budget, history); !turns)
      return fail(turns.error());
    add_references_of(history, ids);
    const auto unique = unique_ids(std::move(ids));
    if (!unique) return fail(unique.error());
    if (auto items = find_items(responses, scope, *unique, budget, history); !items)
      return fail(items.error());
    return history;
  };
  co_return co_await query<dialect::History>(runtime, std::move(archive), std::move(find));
}

}  // namespace ccproxy::proxy
