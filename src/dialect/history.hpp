// What a Responses request refers to instead of saying it again: responses before it, and items of
// them. Whoever keeps them fetches what is named; the decoder puts it in its place.
// Plain values.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

namespace ccproxy::dialect {

// What the model said, as it said it.
struct StoredOutput {
  std::string blocks;   // elements of a JSON array, upstream's; empty when they were not kept
  std::string items{};  // the same as the client was told, elements of a JSON array
  std::string family{}, account{};  // who may be sent its signed thinking
  bool is_cut = false;              // its last block is not complete
};

struct HistoryTurn {
  std::string input;  // items, elements of a JSON array
  StoredOutput answer;
  std::string id{};  // of the response
};

struct StoredInputItem {
  std::string json;
  bool is_output = false;
  StoredOutput answer{};  // the item alone; of output
};

struct History {
  std::vector<HistoryTurn> turns{};  // the oldest first
  std::unordered_map<std::string, StoredInputItem> items{};
};

struct References {
  std::string previous{};            // previous_response_id; empty without
  std::vector<std::string> items{};  // ids
};

}  // namespace ccproxy::dialect
