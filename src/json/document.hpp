// JSON as a tree that keeps the order of keys, for files that a person edits and for the simulated
// upstream's scripts. On the request path only where two texts that differ may mean the same:
// json/reader, json/outline and json/writer are for the rest.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace ccproxy::json {

using Document = nlohmann::ordered_json;

// Parses strictly. Fails with kConfiguration; the message names line and column.
[[nodiscard]] Result<Document> parse_document(std::string_view text);

// A number that is the same for texts that mean the same, whatever the order of members, blanks and
// the way numbers are written. Others may have it too. 0 for what is no JSON.
[[nodiscard]] std::uint64_t value_hash(std::string_view text);

// True when both texts are JSON and mean the same: the order of members, blanks and the way numbers
// are written do not count. False for what nests deeper than a request may.
[[nodiscard]] bool same_value(std::string_view a, std::string_view b);

// One text for all texts that mean the same in that sense, to look values up by; it is not JSON
// itself. Of a text with a number beyond all bounds, and of one that cannot be read, only white
// space between tokens does not count.
[[nodiscard]] std::string canonical_value(std::string_view text);

}  // namespace ccproxy::json
