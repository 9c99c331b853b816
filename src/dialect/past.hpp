// What a Responses request refers to instead of saying it again: responses before it, and items of
// them. Whoever keeps them fetches what references_of() names; the decoder puts it in its place.
// Plain values.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "dialect/input_item.hpp"
#include "json/outline.hpp"

namespace ccproxy::dialect {

// What the model said, as it said it.
struct PastAnswer {
  std::string blocks;   // elements of a JSON array, upstream's; empty when they were not kept
  std::string items{};  // the same as the client was told, elements of a JSON array
  std::string family{}, account{};  // who may be sent its signed thinking
  bool is_cut = false;              // its last block is not complete
};

struct PastTurn {
  std::string input;  // items, elements of a JSON array
  PastAnswer answer;
  std::string id{};  // of the response
};

struct PastItem {
  std::string json;
  bool is_output = false;
  PastAnswer answer{};  // the item alone; of output
};

struct Past {
  std::vector<PastTurn> turns{};  // the oldest first
  std::unordered_map<std::string, PastItem> items{};
};

struct References {
  std::string previous{};            // previous_response_id; empty without
  std::vector<std::string> items{};  // ids
};

[[nodiscard]] References references_of(json::Value request);

// Appends the ids that a list of items refers to.
void append_references(json::Value items, std::vector<std::string>& ids);

// True when the request wants to run in the background.
[[nodiscard]] bool is_background(json::Value request);

// An item of a request's input, with the id that it is kept and listed under.
struct InputItem {
  std::string id, json;
};

// The input of a request as the items of a list; those without an id get one made of `key`.
[[nodiscard]] std::vector<InputItem> input_items_of(json::Value request, const std::string& key);
// An item of the input as the API lists it: with the members that it always gives, such as the
// status and the detail of an image. `item` is JSON; what is none comes back as it is.
[[nodiscard]] std::string listed_item(std::string_view item);
// The same for who has no use for more than `most` bytes: what comes back may then be cut, but is
// longer than that.
[[nodiscard]] std::string listed_item(const Item& item, std::size_t most);
// An item of a request, a message of the user's, as it is listed once it is kept.
[[nodiscard]] std::string listed_item(const Item& item, const std::string& key, std::size_t index,
                                      std::size_t most);

}  // namespace ccproxy::dialect
