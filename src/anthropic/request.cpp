#include "anthropic/request.hpp"

#include <utility>

#include "json/writer.hpp"

namespace ccproxy::anthropic {

Result<RequestFacts> read_facts(json::Reader& reader, std::string_view body) {
  RequestFacts facts;
  auto walked = reader.members(body, [&](const json::Member& member) {
    if (member.key == "stream") {
      facts.stream = member.value == "true";
    } else if (member.key == "model") {
      auto name = json::string_of(member.value);
      if (!name) return;  // not a string: the upstream's to refuse
      facts.model = std::move(name);
      facts.models.push_back(
          {static_cast<std::size_t>(member.value.data() - body.data()), member.value.size()});
    }
  });
  if (!walked) return fail(walked.error());
  return facts;
}

void replace_model(std::string& body, const RequestFacts& facts, std::string_view model) {
  std::string quoted;
  json::append_quoted(quoted, model);
  for (auto range = facts.models.rbegin(); range != facts.models.rend(); ++range)
    body.replace(range->at, range->size, quoted);  // from the back, so that earlier ranges hold
}

Result<std::vector<BatchModel>> read_batch_models(std::string_view body) {
  std::vector<BatchModel> models;
  json::Reader batch, requests, request, params;
  Result<void> inner;
  const auto keep_first = [&inner](Result<void> walked) {
    if (inner && !walked) inner = std::move(walked);
  };
  const auto of_params = [&](const json::Member& member) {
    if (member.key != "model") return;
    if (auto name = json::string_of(member.value))
      models.push_back(
          {{static_cast<std::size_t>(member.value.data() - body.data()), member.value.size()},
           std::move(*name)});
  };
  const auto of_request = [&](const json::Member& member) {
    if (member.key == "params" && member.value.starts_with('{'))
      keep_first(params.members(member.value, of_params));
  };
  auto walked = batch.members(body, [&](const json::Member& member) {
    if (member.key != "requests" || !member.value.starts_with('[')) return;
    keep_first(requests.elements(member.value, [&](std::string_view each) {
      if (each.starts_with('{')) keep_first(request.members(each, of_request));
    }));
  });
  if (!walked) return fail(walked.error());
  if (!inner) return fail(inner.error());
  return models;
}

std::string with_models(std::string_view body, const std::vector<BatchModel>& models) {
  std::string text;
  text.reserve(body.size() + json::kPadding);
  std::size_t at = 0;
  for (const BatchModel& model : models) {
    text.append(body.substr(at, model.range.at - at));
    json::append_quoted(text, model.name);
    at = model.range.at + model.range.size;
  }
  text.append(body.substr(at));
  return text;
}

}  // namespace ccproxy::anthropic
