// The items of a Responses input as they are stored and listed, each with an id and the members
// that the API always gives; and what the input refers to.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/text_list.hpp"
#include "dialect/history.hpp"
#include "dialect/request/input_item.hpp"
#include "json/outline.hpp"

namespace ccproxy::dialect {

// What a request refers to in the store.
[[nodiscard]] References references_of(json::Value request);

// Appends the ids of the stored items that a list of items refers to.
void append_references(json::Value items, std::vector<std::string>& ids);

// The items of a request's input as they are stored, and their ids.
struct InputItems {
  TextList ids, items;
};

// The items of a request's input. Those without an id get one made of `key`.
[[nodiscard]] InputItems input_items_of(json::Value request, const std::string& key);

// A stored item as the API lists it: with the members that it always gives, such as the status and
// the detail of an image. `item` is JSON; other text is returned as it is.
[[nodiscard]] std::string listed_item(std::string_view item);
// The same for a caller with no use for more than `max` bytes: the result may be cut off, but is
// then longer than `max`.
[[nodiscard]] std::string listed_item(const Item& item, std::size_t max);
// An item of a request, a message of the user, as it will be listed once it is stored. `index` is
// its place in the input; an item without an id gets one made of that and `key`.
[[nodiscard]] std::string listed_item(const Item& item, const std::string& key, std::size_t index,
                                      std::size_t max);

}  // namespace ccproxy::dialect
