#include "proxy/model_rewrite.hpp"

#include <unordered_map>
#include <utility>

#include "anthropic/request.hpp"
#include "proxy/state/model_resolver.hpp"

namespace ccproxy::proxy {
namespace {

void replace_model(RequestBody& body, const anthropic::RequestFacts& facts,
                   std::string_view model) {
  std::string& text = body.text();
  anthropic::replace_model(text, facts, model);
  text.reserve(text.size() + json::kPadding);  // it may be read once more
}

}  // namespace

Task<Result<bool>> ModelRewrite::map(RequestBody& body) {
  bool is_changed = false;
  const auto map = [this, &body, &is_changed](Parsers with) -> Result<void> {
    auto facts = anthropic::read_facts(with.reader, body.text());
    if (!facts || !facts->model) return {};
    const std::string model =
        ModelResolver(worker_.shared).resolve(config_, *facts->model, receipt_);
    is_changed = model != *facts->model;
    if (is_changed) replace_model(body, *facts, model);
    return {};
  };
  auto mapped = co_await offload(worker_, client_, body.text().size(), map);
  if (!mapped) co_return fail(mapped.error());
  co_return is_changed;
}

Task<Result<void>> ModelRewrite::replace(RequestBody& body, std::string model) {
  const auto replace = [&body, &model](Parsers with) -> Result<void> {
    if (auto facts = anthropic::read_facts(with.reader, body.text()))
      replace_model(body, *facts, model);
    return {};
  };
  co_return co_await offload(worker_, client_, body.text().size(), replace);
}

Task<Result<void>> ModelRewrite::map_batch(RequestBody& body, MemoryReservation& hold) {
  const auto map = [this, &body, &hold](Parsers) { return map_batch_now(body, hold); };
  co_return co_await offload(worker_, client_, body.sent.size(), map);
}

Result<void> ModelRewrite::map_batch_now(RequestBody& body, MemoryReservation& hold) {
  auto models = anthropic::read_batch_models(body.sent);
  if (!models) return {};
  bool is_changed = false;
  std::unordered_map<std::string, std::string> served_by;  // most requests name the same model
  for (anthropic::BatchModel& model : *models) {
    const auto [known, is_new] = served_by.try_emplace(model.name);
    if (is_new)
      known->second = ModelResolver(worker_.shared).resolve(config_, model.name, receipt_);
    std::string name = known->second;
    is_changed = is_changed || name != model.name;
    model.name = std::move(name);
  }
  receipt_.model_requested.clear();  // there may be many
  receipt_.model_sent.clear();
  if (!is_changed) return {};
  if (!hold.grow(body.sent.size())) return too_much_memory_held();  // for a moment there are two
  body.sent = anthropic::with_models(body.sent, *models);
  return {};
}

}  // namespace ccproxy::proxy
