// Changes to config.json, made so that the order of keys and what is not known here stay as they
// are. A file that cannot be used, and one that could not be used after the edit, is left alone. A
// link stays one. Two edits at once wait for each other.
#pragma once

#include <string>

#include "base/error.hpp"
#include "config/config.hpp"

namespace ccproxy::config {

// Adds or changes one mapping. Fails with kConfiguration when `to` is no name of a model but JSON
// of another kind, such as {} or null.
[[nodiscard]] Result<void> set_model(const std::string& path, const std::string& from,
                                     const std::string& to);

// Removes one: a default is written as null, so that it stays removed. Fails with kNotFound when
// there is none of that name.
[[nodiscard]] Result<void> remove_model(const std::string& path, const std::string& name);

// Sets the key `name` (such as server.port, or modelMapping.NAME) to `text`: JSON, or a string
// where the key takes one. `null` takes it out. Fails with kInvalidRequest for a key that is not
// known, kConfiguration for a value that it does not take.
[[nodiscard]] Result<void> set_value(const std::string& path, const std::string& name,
                                     const std::string& text);

// Fails with kInvalidRequest when there is one of that name.
[[nodiscard]] Result<void> add_api_key(const std::string& path, const NamedKey& key);
// Fails with kNotFound when there is none of that name.
[[nodiscard]] Result<void> remove_api_key(const std::string& path, const std::string& name);

// Removes what an edit left that was killed, unless one is under way. For a start.
void remove_left_overs(const std::string& path);

// Back to the defaults: the file is put aside as `path`.bak, or `path`.bak.2 and so on where an
// earlier one stands there, which is returned; "" when there was none.
[[nodiscard]] Result<std::string> reset(const std::string& path);

}  // namespace ccproxy::config
