#include "config/file.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <utility>

#include "base/file.hpp"
#include "base/text.hpp"
#include "config/environment.hpp"
#include "config/keys.hpp"
#include "config/model_map.hpp"
#include "json/document.hpp"
#include "json/reader.hpp"

namespace ccproxy::config {
namespace {

using json::Document;

constexpr int kIndent = 2;
constexpr mode_t kOthers = 077;

// Returns the value at a dotted path of at most two parts; nullptr when it is missing or null.
const Document* value_at(const Document& root, std::string_view path) {
  const Document* value = &root;
  while (!path.empty()) {
    const auto dot = path.find('.');
    const std::string part(path.substr(0, dot));
    if (!value->is_object() || !value->contains(part)) return nullptr;
    value = &(*value)[part];
    path = dot == std::string_view::npos ? "" : path.substr(dot + 1);
  }
  return value->is_null() ? nullptr : value;
}

// A dot inside a name separates nothing: {"server.port": 1} is an unknown key.
bool is_known(std::string_view name) {
  return std::any_of(keys().begin(), keys().end(), [&](const Key& key) {
    return key.path == name && name.find('.') == std::string_view::npos;
  });
}

bool is_known_in(std::string_view section, std::string_view name) {
  const std::string path = fmt::format("{}.{}", section, name);
  return std::any_of(keys().begin(), keys().end(),
                     [&](const Key& key) { return key.path == path; });
}

bool is_section(std::string_view name) {
  return std::any_of(keys().begin(), keys().end(), [&](const Key& key) {
    return key.path.starts_with(name) && key.path.substr(name.size()).starts_with('.');
  });
}

// Formats the names that lead to a value, and what must stand there.
Wrong wrong_at(std::string_view path, Wrong wrong) {
  std::vector<std::string> way;
  while (!path.empty()) way.emplace_back(take_item(path, '.'));
  way.insert(way.end(), wrong.inside.begin(), wrong.inside.end());
  return {std::move(way), std::move(wrong.must_be)};
}

// Returns the line on which the value at `way` begins; for an item of a list, the line of the list.
std::size_t line_of(std::string_view text, const std::vector<std::string>& way) {
  std::string padded(text);
  padded.append(json::kPadding, ' ');
  std::string_view span(padded.data(), text.size());
  json::Reader reader;
  for (const std::string& name : way) {
    std::string_view found;
    const auto walked = reader.members(span, [&](const json::Member& member) {
      if (member.key == name) found = member.value;
    });
    if (!walked || found.empty()) break;
    span = found;
  }
  const auto before = padded.begin() + (span.data() - padded.data());
  return 1 + static_cast<std::size_t>(std::count(padded.begin(), before, '\n'));
}

Error refusal(std::string_view text, const Wrong& wrong) {
  std::string place;
  for (const std::string& name : wrong.inside)
    place += (place.empty() || name.starts_with('[') ? "" : ".") + name;
  return {ErrorKind::kConfiguration,
          fmt::format("line {}: {} must be: {}", line_of(text, wrong.inside), place, wrong.must_be),
          place};
}

// Reads a document as far as it is usable, and collects what is wrong with the rest.
struct Reading {
  Loaded loaded;
  std::vector<Wrong> wrong;
};

void read_names(const Document& root, Reading& reading) {
  auto& warnings = reading.loaded.warnings;
  for (const auto& [name, value] : root.items()) {
    if (is_known(name)) continue;
    if (!is_section(name)) {
      warnings.push_back(fmt::format("unknown key {}: it is kept, and has no effect", name));
      continue;
    }
    if (value.is_null()) continue;
    if (!value.is_object()) {
      reading.wrong.push_back({{name}, "object"});
      continue;
    }
    for (const auto& [inner, ignored] : value.items())
      if (!is_known_in(name, inner))
        warnings.push_back(
            fmt::format("unknown key {}.{}: it is kept, and has no effect", name, inner));
  }
}

Reading read(const Document& root) {
  Reading reading{{defaults(), {}}, {}};
  read_names(root, reading);
  for (const Key& key : keys()) {
    const Document* value = value_at(root, key.path);
    if (value == nullptr) continue;
    if (auto wrong = key.read(*value, reading.loaded.config))
      reading.wrong.push_back(wrong_at(key.path, std::move(*wrong)));
  }
  return reading;
}

// Parses strict JSON whose root is an object.
Result<Document> read_object(std::string_view text) {
  auto document = json::parse_document(text);
  if (document && !document->is_object())
    return fail(ErrorKind::kConfiguration, "the configuration must be a JSON object");
  return document;
}

void fix_permissions(const std::string& path, Loaded& loaded) {
  struct stat facts {};
  if (loaded.config.api_keys.empty() || ::stat(path.c_str(), &facts) != 0) return;
  if (!S_ISREG(facts.st_mode) || (facts.st_mode & kOthers) == 0) return;
  const bool mended = ::chmod(path.c_str(), 0600) == 0;
  loaded.warnings.push_back(fmt::format("{} holds keys and others could read it (mode {:o}){}",
                                        path, facts.st_mode & 0777U,
                                        mended ? "; it is 0600 now" : "; make it 0600"));
}

}  // namespace

Config defaults() {
  Config config;
  config.model_mapping = default_mapping();
  return config;
}

Result<Loaded> parse(std::string_view text) {
  const auto root = read_object(text);
  if (!root) return fail(root.error());
  Reading reading = read(*root);
  if (!reading.wrong.empty()) return fail(refusal(text, reading.wrong.front()));
  return std::move(reading.loaded);
}

Checked check(std::string_view text) {
  const auto root = read_object(text);
  if (!root) return {{root.error()}, {}};
  Reading reading = read(*root);
  std::stable_sort(reading.wrong.begin(), reading.wrong.end(), [&](const Wrong& a, const Wrong& b) {
    return line_of(text, a.inside) < line_of(text, b.inside);
  });
  Checked checked{{}, std::move(reading.loaded.warnings)};
  for (const Wrong& wrong : reading.wrong) checked.errors.push_back(refusal(text, wrong));
  return checked;
}

Result<void> resolve_paths(Config& config, const std::string& folder, const std::string& home) {
  const std::pair<const char*, std::string&> paths[] = {
      {"server.socket", config.server.socket},
      {"upstream.caFile", config.upstream.ca_file},
      {"log.file", config.log.file}};
  for (const auto& [key, path] : paths) {
    if (path.empty() || path.starts_with('/')) continue;
    const bool is_home = path == "~" || path.starts_with("~/");
    if (is_home && home.empty())
      return fail(Error{ErrorKind::kConfiguration,
                        fmt::format("{}: ~ stands for no folder, because HOME is not set", key),
                        key});
    path = is_home ? home + path.substr(1) : fmt::format("{}/{}", folder, path);
  }
  return {};
}

Result<Loaded> load(const std::string& path) {
  auto text = read_file(path);
  if (!text && text.error().kind == ErrorKind::kNotFound) return Loaded{defaults(), {}};
  if (!text) return fail(ErrorKind::kConfiguration, text.error().message);
  auto loaded = parse(*text);
  if (!loaded) {
    Error error = std::move(loaded.error());
    error.message = fmt::format("{}: {}", path, error.message);
    return fail(std::move(error));
  }
  const std::string folder = std::filesystem::absolute(path).parent_path().string();
  if (auto resolved = resolve_paths(loaded->config, folder, read_environment().home); !resolved) {
    resolved.error().message.insert(0, path + ": ");
    return fail(std::move(resolved.error()));
  }
  fix_permissions(path, *loaded);
  return loaded;
}

std::string show(const Config& config,
                 const std::function<std::string(const std::string&)>& served_by,
                 const std::map<std::string, std::string>& prices) {
  Document root = Document::object();
  for (const Key& key : keys()) {
    const auto dot = key.path.find('.');
    const std::string first(key.path.substr(0, dot));
    if (dot == std::string_view::npos) {
      root[first] = key.show(config);
    } else {
      root[first][std::string(key.path.substr(dot + 1))] = key.show(config);
    }
    if (key.path != "modelMapping") continue;
    for (const auto& [name, target] : config.model_mapping)
      if (const std::string by = served_by(target); by != target) root["servedBy"][name] = by;
    for (const auto& [model, about] : prices) root["prices"][model] = about;
  }
  return root.dump(kIndent, ' ', false, Document::error_handler_t::replace);
}

}  // namespace ccproxy::config
