#include "proxy/response_past.hpp"

#include <string_view>
#include <utility>
#include <vector>

#include "json/outline.hpp"
#include "proxy/response_store.hpp"

namespace ccproxy::proxy {
namespace {

constexpr std::size_t kMostTurns = 10'000;
constexpr std::size_t kMostBytes = std::size_t{256} << 20;
constexpr std::size_t kMostItems = 10'000;

void append_element(std::string& list, std::string_view element) {
  if (element.empty()) return;
  if (!list.empty()) list += ',';
  list += element;
}

dialect::PastTurn past_turn(const store::StoredTurn& stored) {
  dialect::PastTurn turn;
  turn.id = stored.response.id;
  for (const store::StoredItem& item : stored.input) append_element(turn.input, item.json);
  dialect::PastAnswer& answer = turn.answer;
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

dialect::PastTurn summary_turn(const store::StoredTurn& stored) {
  dialect::PastTurn turn;
  turn.id = stored.response.id;
  turn.answer.items = stored.output.back().json;
  return turn;
}

Result<void> find_turns(const store::Responses& kept, const std::string& scope,
                        const std::string& previous, dialect::Past& past) {
  if (previous.empty()) return {};
  const auto turns = kept.turns(scope, previous, kMostTurns, kMostBytes);
  if (!turns && turns.error().kind == ErrorKind::kNotFound) return {};
  if (!turns) return fail(turns.error());
  for (const store::StoredTurn& turn : *turns) {
    if (is_summary(turn)) past.turns.clear();
    past.turns.push_back(is_summary(turn) ? summary_turn(turn) : past_turn(turn));
  }
  return {};
}

// Inputs before this one may only have named items, too.
void add_references_of(const dialect::Past& past, std::vector<std::string>& ids) {
  for (const dialect::PastTurn& turn : past.turns) {
    if (turn.input.find("item_reference") == std::string::npos &&
        turn.input.find("web_search_call") == std::string::npos)
      continue;
    json::Outline outline;
    const std::string list = "[" + turn.input + "]";
    if (outline.read(list, 2)) dialect::append_references(outline.root(), ids);
  }
}

Result<void> find_items(const store::Responses& kept, const std::string& scope,
                        const std::vector<std::string>& ids, dialect::Past& past) {
  for (const std::string& id : ids) {
    if (past.items.size() == kMostItems) break;
    if (past.items.contains(id)) continue;
    auto found = kept.item(scope, id);
    if (!found) return fail(found.error());
    if (!*found) continue;
    store::FoundItem& item = **found;
    dialect::PastAnswer answer{.blocks = std::move(item.item.blocks), .items = item.item.json};
    answer.family = std::move(item.family);
    answer.account = std::move(item.account);
    past.items.emplace(
        id, dialect::PastItem{std::move(item.item.json), item.is_output, std::move(answer)});
  }
  return {};
}

}  // namespace

Task<Result<dialect::Past>> fetch_past(net::Runtime& runtime,
                                       std::shared_ptr<store::Archive> archive, std::string scope,
                                       dialect::References references) {
  std::function<Result<dialect::Past>(const store::Responses&)> question =
      [scope = std::move(scope),
       asked = std::move(references)](const store::Responses& kept) -> Result<dialect::Past> {
    dialect::Past past;
    std::vector<std::string> ids = asked.items;
    if (auto turns = find_turns(kept, scope, asked.previous, past); !turns)
      return fail(turns.error());
    add_references_of(past, ids);
    if (auto items = find_items(kept, scope, ids, past); !items) return fail(items.error());
    return past;
  };
  co_return co_await look<dialect::Past>(runtime, std::move(archive), std::move(question));
}

}  // namespace ccproxy::proxy
