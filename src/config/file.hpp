// Reads and checks config.json. It refuses to know flags, and of the environment all but HOME.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "config/config.hpp"

namespace ccproxy::config {

struct Loaded {
  Config config;
  std::vector<std::string> warnings;  // unknown keys, and a file mode that was changed
};

// The configuration without a file.
[[nodiscard]] Config defaults();

// Loads the file; a missing one means the defaults. Fails with kConfiguration for a text that is
// not JSON (naming line and column), or a value that a key does not take (naming its line and the
// key's path, which is also in `param`). A file with apiKeys that others can read is made readable
// by its owner only. Paths in it are resolved.
[[nodiscard]] Result<Loaded> load(const std::string& path);

// Makes the paths of a configuration absolute: `~` stands for `home`, and a relative path begins at
// `folder`, that of the file. Fails with kConfiguration for a `~` when `home` is empty.
[[nodiscard]] Result<void> resolve_paths(Config& config, const std::string& folder,
                                         const std::string& home);

// Parses the text of such a file; paths are left as they are.
[[nodiscard]] Result<Loaded> parse(std::string_view text);

// All errors in a text, by line; load() and parse() stop at the first.
struct Checked {
  std::vector<Error> errors;
  std::vector<std::string> warnings;
};
[[nodiscard]] Checked check(std::string_view text);

// Returns the configuration in use as indented JSON, with secrets hidden. "servedBy" holds the
// names of the mapping whose target `served_by` replaces, with its result; "prices" holds the texts
// of `prices`, if there are any.
[[nodiscard]] std::string show(const Config& config,
                               const std::function<std::string(const std::string&)>& served_by,
                               const std::map<std::string, std::string>& prices = {});

}  // namespace ccproxy::config
