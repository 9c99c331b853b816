#include "anthropic/request.hpp"

#include <utility>

#include "json/writer.hpp"

namespace ccproxy::anthropic {
namespace {

// Copies a text from front to back with replacements, so that each byte is moved once.
class Rewriter {
 public:
  explicit Rewriter(std::string_view text) : text_(text) {
    out_.reserve(text.size() + json::kPadding);
  }

  void replace(const TextRange& range, std::string_view by) {
    out_.append(text_.substr(at_, range.at - at_)).append(by);
    at_ = range.at + range.size;
  }

  [[nodiscard]] std::string finish() {
    out_.append(text_.substr(at_));
    return std::move(out_);
  }

 private:
  std::string_view text_;
  std::string out_;
  std::size_t at_ = 0;  // how much of the text was copied
};

// Shorter objects are not parsed: they have no model, and a batch may have hundreds of thousands.
constexpr std::string_view kMinRequest = R"({"params":{"model":""}})";

}  // namespace

Result<RequestFacts> read_facts(json::Reader& reader, std::string_view body) {
  RequestFacts facts;
  auto walked = reader.members(body, [&](const json::Member& member) {
    if (member.key == "stream") {
      facts.stream = member.value == "true";
    } else if (member.key == "model") {
      auto name = json::string_of(member.value);
      if (!name) return;  // it is not a string, which the upstream refuses
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
  if (facts.models.size() == 1) {  // nearly always; then at most the rest of the body is moved
    body.replace(facts.models.front().at, facts.models.front().size, quoted);
    return;
  }
  Rewriter rewriter(body);
  for (const TextRange& range : facts.models) rewriter.replace(range, quoted);
  body = rewriter.finish();
}

Result<std::vector<BatchModel>> read_batch_models(std::string_view body) {
  std::vector<BatchModel> models;
  json::Reader batch, requests, request, params;
  Result<void> inner;
  const auto note_first_error = [&inner](Result<void> walked) {
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
      note_first_error(params.members(member.value, of_params));
  };
  auto walked = batch.members(body, [&](const json::Member& member) {
    if (member.key != "requests" || !member.value.starts_with('[')) return;
    note_first_error(requests.elements(member.value, [&](std::string_view each) {
      if (each.starts_with('{') && each.size() >= kMinRequest.size())
        note_first_error(request.members(each, of_request));
    }));
  });
  if (!walked) return fail(walked.error());
  if (!inner) return fail(inner.error());
  return models;
}

std::string with_models(std::string_view body, const std::vector<BatchModel>& models) {
  Rewriter rewriter(body);
  std::string quoted;
  for (const BatchModel& model : models) {
    quoted.clear();
    json::append_quoted(quoted, model.name);
    rewriter.replace(model.range, quoted);
  }
  return rewriter.finish();
}

}  // namespace ccproxy::anthropic
