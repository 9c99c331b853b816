// What routing needs to know of a Messages request, or of a batch of them, and the one change that
// may be made to it: the model's name, replaced where it stands. Every other byte stays as it came.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "json/reader.hpp"

namespace ccproxy::anthropic {

struct TextRange {
  std::size_t at, size;
};

struct RequestFacts {
  std::optional<std::string> model;  // the last one, as JSON readers take it
  std::vector<TextRange> models;     // every top-level "model" string, with its quotes
  bool stream = false;
};

// Reads `body`, which has json::kPadding readable bytes behind it. Fails with kInvalidRequest when
// it is not a JSON object: then it is passed on as it is, and the upstream says what is wrong.
[[nodiscard]] Result<RequestFacts> read_facts(json::Reader& reader, std::string_view body);

// Replaces every range of `facts.models` by `model` as a JSON string.
void replace_model(std::string& body, const RequestFacts& facts, std::string_view model);

// A model's name in one request of a batch.
struct BatchModel {
  TextRange range;  // with its quotes
  std::string name;
};

// Every "model" string of `requests[].params`, in the order they stand. `body` has json::kPadding
// readable bytes behind it. Fails with kInvalidRequest as read_facts() does.
[[nodiscard]] Result<std::vector<BatchModel>> read_batch_models(std::string_view body);

// A copy of `body` in which each of `models` has the name that stands beside it now.
[[nodiscard]] std::string with_models(std::string_view body, const std::vector<BatchModel>& models);

}  // namespace ccproxy::anthropic
