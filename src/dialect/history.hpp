// Holds what a Responses request refers to instead of repeating it: earlier responses and items.
// The caller of the decoder loads them from the store, and the decoder puts them in their place.
// Plain values.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

namespace ccproxy::dialect {

// Output of the model.
struct StoredOutput {
  // Upstream's blocks, elements of a JSON array; empty when they were not stored.
  std::string blocks;
  std::string items{};  // the same output as the client got it, elements of a JSON array
  std::string family{}, account{};  // of the model and the credential, which thinking is bound to
  bool is_incomplete = false;       // the last block is not complete
};

// An earlier response.
struct HistoryTurn {
  std::string input;  // items, elements of a JSON array
  StoredOutput output;
  std::string id{};  // of the response
};

// An item that the request refers to by its id.
struct StoredInputItem {
  std::string json;
  bool is_output = false;
  StoredOutput output{};  // of an output item: that item alone
};

struct History {
  std::vector<HistoryTurn> turns{};                          // the oldest first
  std::unordered_map<std::string, StoredInputItem> items{};  // by id
};

// What a request refers to, to be loaded from the store.
struct References {
  std::string previous{};            // previous_response_id; empty without
  std::vector<std::string> items{};  // ids
};

}  // namespace ccproxy::dialect
