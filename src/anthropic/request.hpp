// Reads what routing needs to know about a Messages request or a batch of them, and makes the only
// change to it: the model's name is replaced in place. All other bytes stay as they were sent.
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
  std::optional<std::string> model;  // of several the last one, as in most JSON parsers
  std::vector<TextRange> models;     // every top-level "model" string, with its quotes
  bool stream = false;
};

// Reads `body`, which must have json::kPadding readable bytes behind it. Fails with kInvalidRequest
// when it is not a JSON object: the caller then passes it on unchanged, so that the upstream
// reports what is wrong.
[[nodiscard]] Result<RequestFacts> read_facts(json::Reader& reader, std::string_view body);

// Replaces every range of `facts.models` by `model` as a JSON string.
void replace_model(std::string& body, const RequestFacts& facts, std::string_view model);

// The model's name in one request of a batch.
struct BatchModel {
  TextRange range;  // with its quotes
  std::string name;
};

// Returns every "model" string of `requests[].params`, in order. `body` must have json::kPadding
// readable bytes behind it. Fails with kInvalidRequest as read_facts() does.
[[nodiscard]] Result<std::vector<BatchModel>> read_batch_models(std::string_view body);

// Returns a copy of `body` in which the text at each range is replaced by the name beside it.
[[nodiscard]] std::string with_models(std::string_view body, const std::vector<BatchModel>& models);

}  // namespace ccproxy::anthropic
