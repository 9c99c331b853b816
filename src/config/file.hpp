// config.json, read and checked. It refuses to know flags, and of the environment all but HOME.
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
  std::vector<std::string> warnings;  // unknown keys, a file mode that was mended
};

// What the program has without a file.
[[nodiscard]] Config defaults();

// A missing file means the defaults. Fails with kConfiguration: not JSON (with line and column), or
// a value that a key does not take (with its line and the key's path, which `param` holds). A file
// that holds apiKeys and can be read by others is made readable by its owner only. Paths in it are
// resolved.
[[nodiscard]] Result<Loaded> load(const std::string& path);

// Makes the paths of a configuration absolute: `~` is `home`, and what is relative stands in
// `folder`, that of the file, wherever the program was started. Fails with kConfiguration for a `~`
// when `home` is "".
[[nodiscard]] Result<void> resolve_paths(Config& config, const std::string& folder,
                                         const std::string& home);

// The same for a text.
[[nodiscard]] Result<Loaded> parse(std::string_view text);

// Everything that is wrong with a text, by line; load and parse stop at the first.
struct Checked {
  std::vector<Error> wrong;
  std::vector<std::string> warnings;
};
[[nodiscard]] Checked check(std::string_view text);

// The configuration in use as indented JSON, secrets hidden. Under "servedBy" stand the names
// of the mapping whose target `served_by` replaces, with what it says; under "prices" what `prices`
// says of each model, where there is any.
[[nodiscard]] std::string show(const Config& config,
                               const std::function<std::string(const std::string&)>& served_by,
                               const std::map<std::string, std::string>& prices = {});

}  // namespace ccproxy::config
