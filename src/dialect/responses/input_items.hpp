// The items of a Responses input as they are kept and listed: what they refer to, and each with an
// id and the members that the API always gives.
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

[[nodiscard]] References references_of(json::Value request);

// Appends the ids that a list of items refers to.
void append_references(json::Value items, std::vector<std::string>& ids);

// The items of a request's input as they are kept, and the id that each is kept and listed under.
struct InputItems {
  TextList ids, items;
};

// The input of a request as the items of a list; those without an id get one made of `key`.
[[nodiscard]] InputItems input_items_of(json::Value request, const std::string& key);
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
