#include "config/edit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <system_error>
#include <utility>

#include "base/file.hpp"
#include "base/file_lock.hpp"
#include "config/file.hpp"
#include "config/keys.hpp"
#include "config/model_map.hpp"
#include "json/document.hpp"
#include "json/reader.hpp"
#include "json/writer.hpp"

namespace ccproxy::config {
namespace {

using json::Document;

constexpr int kIndent = 2;
constexpr std::chrono::seconds kLockLimit{5};
constexpr std::string_view kMappingPath = "modelMapping.";

// Arguments may hold any bytes, but JSON only UTF-8.
bool is_utf8(const std::string& text) {
  std::string quoted;
  json::append_quoted(quoted, text);
  return json::string_of(quoted) == text;
}

// Returns the file's document, or an empty one when there is no file.
Result<Document> document_of(const std::string& path) {
  auto text = read_file(path);
  if (!text && text.error().kind == ErrorKind::kNotFound) return Document::object();
  if (!text) return fail(text.error());
  auto document = json::parse_document(*text);
  if (document && !document->is_object())
    document = fail(ErrorKind::kConfiguration, "the configuration must be a JSON object");
  if (!document)
    return fail(
        ErrorKind::kConfiguration,
        fmt::format("{} is left as it is: {}; mend it, or put it aside with `ccproxy config "
                    "reset`",
                    path, document.error().message));
  return document;
}

// Returns the object of that name in `root`, created where there is none.
Result<Document*> object_in(Document& document, const std::string& name, const std::string& path) {
  Document& object = document[name];
  if (object.is_null()) object = Document::object();
  if (!object.is_object())
    return fail(ErrorKind::kConfiguration,
                fmt::format("{} is left as it is: {} must be an object", path, name));
  return &object;
}

// Writes an edited document, unless it would no longer be a valid configuration.
Result<void> save(const std::string& path, const Document& document) {
  const std::string text = document.dump(kIndent) + "\n";
  if (auto checked = parse(text); !checked) {
    auto before = load(path);  // an error in the old file names lines that a person can find
    return fail(before ? std::move(checked.error()) : std::move(before.error()));
  }
  return replace_file(link_target(path), text);
}

// A killed writer never reported success: its leftovers are removed, since they may hold keys.
void remove_left_overs_of(const std::string& path) {
  std::error_code ignored;
  for (const std::string& each : leftover_files_of(path)) std::filesystem::remove(each, ignored);
}

// Reads, changes and writes under a lock, so that no edit is lost.
Result<void> edit(const std::string& path, const std::function<Result<void>(Document&)>& change) {
  auto lock = FileLock::wait(path + ".lock", kLockLimit);
  if (!lock) return fail(lock.error());
  remove_left_overs_of(path);
  auto document = document_of(path);
  if (!document) return fail(document.error());
  if (auto changed = change(*document); !changed) return changed;
  return save(path, *document);
}

// Returns the place of a key of at most two parts, created where it does not exist.
Result<Document*> place_of(Document& root, const std::string& key, const std::string& path) {
  const auto dot = key.find('.');
  if (dot == std::string::npos) return &root[key];
  auto section = object_in(root, key.substr(0, dot), path);
  if (!section) return section;
  return &(**section)[key.substr(dot + 1)];
}

void erase_at(Document& root, const std::string& key) {
  const auto dot = key.find('.');
  if (dot == std::string::npos) {
    root.erase(key);
  } else if (const auto section = root.find(key.substr(0, dot));
             section != root.end() && section->is_object()) {
    section->erase(key.substr(dot + 1));
  }
}

// Returns what `text` means for a key: JSON, or the text itself where the key takes a string. An
// object or a list is never taken as text.
Result<Document> meant(const Key& key, const std::string& text) {
  Config scratch = defaults();
  auto value = json::parse_document(text);
  if (value && value->is_null()) return value;
  const bool may_be_text = !(value && value->is_structured()) && is_utf8(text);
  std::optional<Wrong> wrong = Wrong{{}, key.takes};
  if (value) wrong = key.read(*value, scratch);
  if (!wrong) return value;
  if (may_be_text && !key.read(Document(text), scratch)) return Document(text);
  std::string place = key.path;
  for (const std::string& name : wrong->inside) place += (name.starts_with('[') ? "" : ".") + name;
  return fail(Error{ErrorKind::kConfiguration, fmt::format("{} must be: {}", place, wrong->must_be),
                    place});
}

// Returns the model that `text` names, as a JSON string or bare. Other JSON, or an attempt at it,
// names no model: the upstream alone would find out about a mapping to "{}" or "null".
Result<std::string> model_in(const std::string& name, const std::string& text) {
  auto value = json::parse_document(text);
  std::string model = value && value->is_string() ? value->get<std::string>() : text;
  const bool is_other_json = value && !value->is_string();
  const bool is_name =
      !model.empty() && std::string_view("{[\"").find(model.front()) == std::string_view::npos;
  if (is_name && !is_other_json && is_utf8(model)) return model;
  return fail(Error{ErrorKind::kConfiguration,
                    fmt::format("modelMapping.{} must be: model name (UTF-8 text that is no other "
                                "JSON); `ccproxy config remove-model {}` removes a mapping",
                                name, name),
                    fmt::format("modelMapping.{}", name)});
}

// Returns the list of proxy keys in a document, created where there is none.
Result<Document*> api_keys_of(Document& document) {
  Document& keys = document["apiKeys"];
  if (keys.is_null()) keys = Document::array();
  if (!keys.is_array())
    return fail(ErrorKind::kConfiguration, "the file is left as it is: apiKeys must be a list");
  return &keys;
}

bool has_name(const Document& key, const std::string& name) {
  return key.is_object() && key.contains("name") && key["name"] == name;
}

}  // namespace

void remove_left_overs(const std::string& path) {
  if (leftover_files_of(path).empty()) return;
  const auto lock = FileLock::try_now(path + ".lock");
  if (lock && *lock) remove_left_overs_of(path);
}

Result<void> set_model(const std::string& path, const std::string& from, const std::string& to) {
  if (from.empty() || !is_utf8(from))
    return fail(ErrorKind::kConfiguration, "a name must be UTF-8 text and not empty");
  auto model = model_in(from, to);
  if (!model) return fail(model.error());
  return edit(path, [&](Document& document) -> Result<void> {
    auto mapping = object_in(document, "modelMapping", path);
    if (!mapping) return fail(mapping.error());
    (**mapping)[from] = *model;
    return {};
  });
}

Result<void> remove_model(const std::string& path, const std::string& name) {
  return edit(path, [&](Document& document) -> Result<void> {
    auto found = object_in(document, "modelMapping", path);
    if (!found) return fail(found.error());
    Document& mapping = **found;
    const bool is_default = default_mapping().contains(name);
    const bool is_there = mapping.contains(name) ? !mapping[name].is_null() : is_default;
    if (!is_there)
      return fail(ErrorKind::kNotFound, fmt::format("there is no mapping for {}", name));
    if (is_default) {
      mapping[name] = nullptr;
    } else {
      mapping.erase(name);
    }
    return {};
  });
}

Result<void> set_value(const std::string& path, const std::string& name, const std::string& text) {
  if (name.starts_with(kMappingPath)) {
    const std::string model = name.substr(kMappingPath.size());
    const auto value = json::parse_document(text);
    if (value && value->is_null()) return remove_model(path, model);
    return set_model(path, model, text);
  }
  const Key* key = find_key(name);
  if (key == nullptr) return fail(unknown_key(name));
  auto value = meant(*key, text);
  if (!value) return fail(value.error());
  return edit(path, [&](Document& document) -> Result<void> {
    if (value->is_null()) {
      erase_at(document, name);
      return {};
    }
    auto place = place_of(document, name, path);
    if (!place) return fail(place.error());
    **place = *value;
    return {};
  });
}

Result<void> add_api_key(const std::string& path, const NamedKey& key) {
  return edit(path, [&](Document& document) -> Result<void> {
    auto keys = api_keys_of(document);
    if (!keys) return fail(keys.error());
    const auto is_same = [&](const Document& each) { return has_name(each, key.name); };
    if (std::any_of((*keys)->begin(), (*keys)->end(), is_same))
      return fail(ErrorKind::kInvalidRequest,
                  fmt::format("there is a key of the name {} already", key.name));
    (*keys)->push_back({{"name", key.name}, {"key", key.key}});
    return {};
  });
}

Result<void> remove_api_key(const std::string& path, const std::string& name) {
  return edit(path, [&](Document& document) -> Result<void> {
    auto keys = api_keys_of(document);
    if (!keys) return fail(keys.error());
    const auto found = std::find_if((*keys)->begin(), (*keys)->end(),
                                    [&](const Document& each) { return has_name(each, name); });
    if (found == (*keys)->end())
      return fail(ErrorKind::kNotFound, fmt::format("there is no key of the name {}", name));
    (*keys)->erase(found);
    if ((*keys)->empty()) document.erase("apiKeys");
    return {};
  });
}

Result<std::string> reset(const std::string& path) {
  auto lock = FileLock::wait(path + ".lock", kLockLimit);
  if (!lock) return fail(lock.error());
  remove_left_overs_of(path);
  auto aside = back_up_file(path);
  if (!aside && aside.error().kind == ErrorKind::kNotFound) return std::string();
  if (!aside) return aside;
  std::error_code error;
  if (std::filesystem::is_symlink(path, error)) {  // the link and its target stay
    if (auto emptied = replace_file(link_target(path), "{}\n"); !emptied)
      return fail(emptied.error());
  } else if (!std::filesystem::remove(path, error) || error) {
    return fail(ErrorKind::kIo, fmt::format("cannot remove {}: {}", path, error.message()));
  }
  return aside;
}

}  // namespace ccproxy::config
