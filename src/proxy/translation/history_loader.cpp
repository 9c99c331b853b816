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
constexpr std::size_t kNoBound = std::numeric_limits<std::size_t>::max();  // the budget has one
constexpr std::size_t kMaxItems = 10'000;

// What one request may still take from the store; all of it is held until the request is decoded.
class Budget {
 public:
  Budget(MemoryReservation& hold, std::size_t megabytes)
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

dialect::HistoryTurn past_turn(const store::StoredTurn& stored) {
  dialect::HistoryTurn turn;
  turn.id = stored.response.id;
  for (const store::StoredItem& item : stored.input) append_element(turn.input, item.json);
  dialect::StoredOutput& answer = turn.answer;
  for (const store::StoredItem& item : stored.output) {
    append_element(answer.blocks, item.blocks);
    append_element(answer.items, item.json);
  }
  answer.family = stored.response.family;
  answer.account = stored.response.account;
  answer.is_cut = stored.response.status == store::Status::kIncomplete;
  return turn;
}

// A summary stands for all that was before it, its own question included.
bool is_summary(const store::StoredTurn& stored) {
  return !stored.output.empty() && stored.output.back().id.starts_with("cmp_");
}

dialect::HistoryTurn summary_turn(const store::StoredTurn& stored) {
  dialect::HistoryTurn turn;
  turn.id = stored.response.id;
  turn.answer.items = stored.output.back().json;
  return turn;
}

Result<void> find_turns(const store::Responses& kept, const std::string& scope,
                        const std::string& previous, Budget& budget, dialect::History& history) {
  if (previous.empty()) return {};
  const auto room = [&](std::size_t size) { return budget.take(size); };
  auto turns = kept.turns(scope, previous, kMaxTurns, kNoBound, room);
  if (!turns && turns.error().kind == ErrorKind::kNotFound) return {};
  if (!turns) return fail(turns.error());
  for (store::StoredTurn& stored : *turns) {
    const store::StoredTurn turn = std::move(stored);  // goes as soon as it was copied
    if (is_summary(turn)) history.turns.clear();
    history.turns.push_back(is_summary(turn) ? summary_turn(turn) : past_turn(turn));
  }
  return {};
}

// Inputs before this one may only have named items, too.
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

// Those that are asked for are counted, whether they are there or not.
Result<std::unordered_set<std::string>> each_once(std::vector<std::string> ids) {
  std::unordered_set<std::string> all;
  for (std::string& id : ids) {
    all.insert(std::move(id));
    if (all.size() > kMaxItems)
      return fail({ErrorKind::kTooLarge,
                   fmt::format("the request refers to more than {} items that are kept", kMaxItems),
                   "input"});
  }
  return all;
}

Result<void> find_items(const store::Responses& kept, const std::string& scope,
                        const std::unordered_set<std::string>& ids, Budget& budget,
                        dialect::History& history) {
  // The item stands in its answer, too.
  const auto room = [&](std::size_t size) { return budget.take(2 * size); };
  for (const std::string& id : ids) {
    auto found = kept.item(scope, id, room);
    if (!found) return fail(found.error());
    if (!*found) continue;
    store::FoundItem& item = **found;
    dialect::StoredOutput answer{.blocks = std::move(item.item.blocks), .items = item.item.json};
    answer.family = std::move(item.family);
    answer.account = std::move(item.account);
    history.items.emplace(
        id, dialect::StoredInputItem{std::move(item.item.json), item.is_output, std::move(answer)});
  }
  return {};
}

}  // namespace

Task<Result<dialect::History>> load_history(net::Runtime& runtime,
                                            std::shared_ptr<store::Archive> archive,
                                            std::string scope, dialect::References references,
                                            std::shared_ptr<MemoryReservation> hold,
                                            std::size_t most_megabytes) {
  std::function<Result<dialect::History>(const store::Responses&)> question =
      [scope = std::move(scope), asked = std::move(references), hold = std::move(hold),
       most_megabytes](const store::Responses& kept) -> Result<dialect::History> {
    dialect::History history;
    Budget budget(*hold, most_megabytes);
    std::vector<std::string> ids = asked.items;
    if (auto turns = find_turns(kept, scope, asked.previous, budget, history); !turns)
      return fail(turns.error());
    add_references_of(history, ids);
    const auto once = each_once(std::move(ids));
    if (!once) return fail(once.error());
    if (auto items = find_items(kept, scope, *once, budget, history); !items)
      return fail(items.error());
    return history;
  };
  co_return co_await query<dialect::History>(runtime, std::move(archive), std::move(question));
}

}  // namespace ccproxy::proxy
