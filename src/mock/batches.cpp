#include "mock/batches.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "mock/files.hpp"
#include "mock/models.hpp"

namespace ccproxy::mock {
namespace {

using json::Document;

constexpr std::size_t kMaxBatches = 100;

tl::unexpected<Error> invalid(std::string message) {
  return fail(ErrorKind::kInvalidRequest, std::move(message));
}

Result<std::vector<Batches::Item>> items_of(std::string_view body) {
  auto document = json::parse_document(body);
  if (!document) return invalid("The request body is not valid JSON: " + document.error().message);
  if (!document->is_object() || !document->contains("requests"))
    return invalid("requests: Field required");
  const Document& requests = (*document)["requests"];
  if (!requests.is_array() || requests.empty())
    return invalid("requests: at least one request is required");
  std::vector<Batches::Item> items;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const Document& request = requests[i];
    const bool is_whole = request.is_object() && request.contains("custom_id") &&
                          request["custom_id"].is_string() && request.contains("params");
    if (!is_whole) return invalid(fmt::format("requests.{}: custom_id and params are required", i));
    items.push_back({request["custom_id"].get<std::string>(), request["params"]});
  }
  return items;
}

}  // namespace

Result<Document> Batches::create(std::string id, std::string_view body) {
  auto items = items_of(body);
  if (!items) return fail(items.error());
  Batch batch;
  const auto now = WallClock::now();
  batch.facts = {{"id", std::move(id)},
                 {"type", "message_batch"},
                 {"processing_status", "in_progress"},
                 {"request_counts",
                  {{"processing", items->size()},
                   {"succeeded", 0},
                   {"errored", 0},
                   {"canceled", 0},
                   {"expired", 0}}},
                 {"ended_at", nullptr},
                 {"created_at", time_text(now)},
                 {"expires_at", time_text(now + std::chrono::hours(24))},
                 {"archived_at", nullptr},
                 {"cancel_initiated_at", nullptr},
                 {"results_url", nullptr}};
  batch.items = std::move(*items);
  if (batches_.size() >= kMaxBatches) batches_.erase(batches_.begin());
  batches_.push_back(std::move(batch));
  return batches_.back().facts;
}

void Batches::end(Batch& batch, std::string_view base_url) {
  batch.ended = true;
  for (Item& item : batch.items) item.canceled = batch.canceled;
  Document& counts = batch.facts["request_counts"];
  counts["processing"] = 0;
  counts[batch.canceled ? "canceled" : "succeeded"] = batch.items.size();
  batch.facts["processing_status"] = "ended";
  batch.facts["ended_at"] = time_text(WallClock::now());
  batch.facts["results_url"] = fmt::format("{}/v1/messages/batches/{}/results", base_url,
                                           batch.facts["id"].get<std::string>());
}

std::optional<Document> Batches::show(std::string_view id, std::string_view base_url) {
  Batch* batch = find(id);
  if (batch == nullptr) return std::nullopt;
  if (!batch->ended) end(*batch, base_url);
  return batch->facts;
}

Document Batches::list(std::string_view query) const {
  std::vector<Document> newest_first;
  for (auto batch = batches_.rbegin(); batch != batches_.rend(); ++batch)
    newest_first.push_back(batch->facts);
  return page_of(newest_first, query);
}

std::optional<Document> Batches::cancel(std::string_view id) {
  Batch* batch = find(id);
  if (batch == nullptr) return std::nullopt;
  if (!batch->ended) {
    batch->canceled = true;
    batch->facts["processing_status"] = "canceling";
    batch->facts["cancel_initiated_at"] = time_text(WallClock::now());
  }
  return batch->facts;
}

bool Batches::remove(std::string_view id) {
  return std::erase_if(batches_, [&](const Batch& batch) {
           return batch.facts["id"].get<std::string>() == id;
         }) > 0;
}

const std::vector<Batches::Item>* Batches::items(std::string_view id) const {
  for (const Batch& batch : batches_)
    if (batch.facts["id"].get<std::string>() == id) return batch.ended ? &batch.items : nullptr;
  return nullptr;
}

Batches::Batch* Batches::find(std::string_view id) {
  const auto found = std::find_if(batches_.begin(), batches_.end(), [&](const Batch& batch) {
    return batch.facts["id"].get<std::string>() == id;
  });
  return found == batches_.end() ? nullptr : &*found;
}

}  // namespace ccproxy::mock
