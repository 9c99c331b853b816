// Edits config.json so that the order of keys and unknown keys are preserved. A file that cannot be
// used, or that could not be used after the edit, is left alone. A symbolic link stays one. Edits
// at the same time wait for each other.
#pragma once

#include <string>

#include "base/error.hpp"
#include "config/config.hpp"

namespace ccproxy::config {

// Adds or changes one mapping. Fails with kConfiguration when `to` is not the name of a model but
// other JSON, such as {} or null.
[[nodiscard]] Result<void> set_model(const std::string& path, const std::string& from,
                                     const std::string& to);

// Removes one mapping. A default is written as null, so that it stays removed. Fails with kNotFound
// when there is no mapping of that name.
[[nodiscard]] Result<void> remove_model(const std::string& path, const std::string& name);

// Sets the key `name` (such as server.port, or modelMapping.NAME) to `text`: JSON, or a string
// where the key takes one. `null` removes the key. Fails with kInvalidRequest for an unknown key
// and with kConfiguration for a value that the key does not take.
[[nodiscard]] Result<void> set_value(const std::string& path, const std::string& name,
                                     const std::string& text);

// Fails with kInvalidRequest when there is a key of that name already.
[[nodiscard]] Result<void> add_api_key(const std::string& path, const NamedKey& key);
// Fails with kNotFound when there is no key of that name.
[[nodiscard]] Result<void> remove_api_key(const std::string& path, const std::string& name);

// Removes what a killed edit left, unless an edit is under way. To be called at the start.
void remove_left_overs(const std::string& path);

// Returns to the defaults: the file is renamed to `path`.bak, or `path`.bak.2 and so on where an
// earlier one exists. Returns the new name; "" when there was no file.
[[nodiscard]] Result<std::string> reset(const std::string& path);

}  // namespace ccproxy::config
