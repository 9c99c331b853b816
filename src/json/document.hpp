// JSON as a tree that keeps the order of keys, for files that users edit and for the scripts of the
// simulated upstream. The request path uses json/reader, json/outline and json/writer, and of this
// file only the functions that compare values.
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

// A hash of the value of a JSON text. The order of members, white space and the notation of numbers
// do not change it. 0 for text that is not JSON.
[[nodiscard]] std::uint64_t value_hash(std::string_view text);

// True when both texts are JSON and have the same value in that sense. False for text that nests
// deeper than a request may.
[[nodiscard]] bool same_value(std::string_view a, std::string_view b);

// A text that is the same for all texts with the same value in that sense, as a key for look-ups.
// It is not JSON. For text that is not JSON, or has a number that is too large, it is the text
// without white space between tokens.
[[nodiscard]] std::string canonical_value(std::string_view text);

}  // namespace ccproxy::json
