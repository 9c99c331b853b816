#include "config/file.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "base/file.hpp"
#include "config/keys.hpp"
#include "config/model_map.hpp"
#include "json/document.hpp"

namespace ccproxy::config {
namespace {

using json::Document;

constexpr int kIndent = 2;
constexpr mode_t kOthers = 077;

// The value at a dotted path of at most two parts; nullptr when it is not there or null.
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

bool is_known(std::string_view path) {
  return std::any_of(keys().begin(), keys().end(), [&](const Key& key) { return key.path == path; });
}

bool is_section(std::string_view name) {
  return std::any_of(keys().begin(), keys().end(), [&](const Key& key) {
    return key.path.starts_with(name) && key.path.substr(name.size()).starts_with('.');
  });
}

Result<void> check_sections(const Document& root, std::vector<std::string>& warnings) {
  for (const auto& [name, value] : root.items()) {
    if (is_known(name)) continue;
    if (!is_section(name)) {
      warnings.push_back(fmt::format("unknown key {}: it is kept, and has no effect", name));
      continue;
    }
    if (value.is_null()) continue;
    if (!value.is_object())
      return fail(ErrorKind::kConfiguration, fmt::format("{} must be an object", name));
    for (const auto& [inner, ignored] : value.items())
      if (!is_known(fmt::format("{}.{}", name, inner)))
        warnings.push_back(fmt::format("unknown key {}.{}: it is kept, and has no effect", name, inner));
  }
  return {};
}

// What an edit begins with: the file's document, or an empty one when there is no file.
Result<Document> document_of(const std::string& path) {
  auto text = read_file(path);
  if (!text && text.error().kind == ErrorKind::kNotFound) return Document::object();
  if (!text) return fail(text.error());
  auto document = json::parse_document(*text);
  if (!document || !document->is_object())
    return fail(ErrorKind::kConfiguration,
                fmt::format("{} is {}: mend it first, or put it aside with `ccproxy config reset`",
                            path, document ? "not a JSON object" : document.error().message));
  return document;
}

// Writes an edited document, unless it would no longer be a configuration.
Result<void> save(const std::string& path, const Document& document) {
  const std::string text = document.dump(kIndent) + "\n";
  if (auto checked = parse(text); !checked) return fail(checked.error());
  return replace_file(path, text);
}

void mend_mode(const std::string& path, Loaded& loaded) {
  struct stat facts {};
  if (loaded.config.api_keys.empty() || ::stat(path.c_str(), &facts) != 0) return;
  if ((facts.st_mode & kOthers) == 0) return;
  const bool mended = ::chmod(path.c_str(), 0600) == 0;
  loaded.warnings.push_back(
      fmt::format("{} holds keys and others could read it (mode {:o}){}", path,
                  facts.st_mode & 0777U, mended ? "; it is 0600 now" : "; make it 0600"));
}

}  // namespace

Config defaults() {
  Config config;
  config.model_mapping = default_mapping();
  return config;
}

Result<Loaded> parse(std::string_view text) {
  auto root = json::parse_document(text);
  if (!root) return fail(root.error());
  if (!root->is_object())
    return fail(ErrorKind::kConfiguration, "the configuration must be a JSON object");
  Loaded loaded{defaults(), {}};
  if (auto checked = check_sections(*root, loaded.warnings); !checked) return fail(checked.error());
  for (const Key& key : keys()) {
    const Document* value = value_at(*root, key.path);
    if (value != nullptr && !key.read(*value, loaded.config))
      return fail(ErrorKind::kConfiguration, fmt::format("{} must be: {}", key.path, key.takes));
  }
  return loaded;
}

Result<Loaded> load(const std::string& path) {
  auto text = read_file(path);
  if (!text && text.error().kind == ErrorKind::kNotFound) return Loaded{defaults(), {}};
  if (!text) return fail(ErrorKind::kConfiguration, text.error().message);
  auto loaded = parse(*text);
  if (!loaded)
    return fail(ErrorKind::kConfiguration, fmt::format("{}: {}", path, loaded.error().message));
  mend_mode(path, *loaded);
  return loaded;
}

Result<void> set_model(const std::string& path, const std::string& from, const std::string& to) {
  if (from.empty() || to.empty())
    return fail(ErrorKind::kConfiguration, "a model name cannot be empty");
  auto document = document_of(path);
  if (!document) return fail(document.error());
  Document& mapping = (*document)["modelMapping"];
  if (mapping.is_null()) mapping = Document::object();
  if (!mapping.is_object())
    return fail(ErrorKind::kConfiguration, "modelMapping must be an object");
  mapping[from] = to;
  return save(path, *document);
}

Result<void> remove_model(const std::string& path, const std::string& name) {
  auto document = document_of(path);
  if (!document) return fail(document.error());
  Document& mapping = (*document)["modelMapping"];
  if (mapping.is_null()) mapping = Document::object();
  if (!mapping.is_object())
    return fail(ErrorKind::kConfiguration, "modelMapping must be an object");
  const bool is_default = default_mapping().contains(name);
  const bool is_there = mapping.contains(name) ? !mapping[name].is_null() : is_default;
  if (!is_there)
    return fail(ErrorKind::kNotFound, fmt::format("there is no mapping for {}", name));
  if (is_default) {
    mapping[name] = nullptr;
  } else {
    mapping.erase(name);
  }
  return save(path, *document);
}

Result<std::string> reset(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return std::string();
  const std::string aside = path + ".bak";
  std::filesystem::rename(path, aside, error);
  if (error)
    return fail(ErrorKind::kIo, fmt::format("cannot put {} aside: {}", path, error.message()));
  return aside;
}

std::string show(const Config& config,
                 const std::function<std::string(const std::string&)>& served_by) {
  Document root = Document::object();
  for (const Key& key : keys()) {
    const auto dot = key.path.find('.');
    const std::string first(key.path.substr(0, dot));
    if (dot == std::string_view::npos) {
      root[first] = key.show(config);
    } else {
      root[first][std::string(key.path.substr(dot + 1))] = key.show(config);
    }
    if (key.path != "modelMapping" || !config.follow_retirements) continue;
    Document served = Document::object();
    for (const auto& [name, target] : config.model_mapping)
      if (const std::string by = served_by(target); by != target) served[name] = by;
    root["servedBy"] = served;
  }
  return root.dump(kIndent);
}

}  // namespace ccproxy::config
