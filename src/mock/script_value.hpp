// Strict reading of JSON that a person has written: every value knows its path, so that an error
// can name it. Only the first error is stored; reading goes on with defaults, so that the caller
// checks once, at the end.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/function_ref.hpp"
#include "json/document.hpp"
#include "mock/message.hpp"

namespace ccproxy::mock {

class ScriptValue {
 public:
  // `node` and `error` must outlive the value.
  ScriptValue(const json::Document& node, std::string path, std::string& error)
      : node_(node), path_(std::move(path)), error_(error) {}

  [[nodiscard]] const json::Document& node() const { return node_; }

  // Stores an error about this value, such as "replies[1].times MESSAGE", unless one is stored
  // already.
  void report(std::string_view message) const;
  // Reports an error unless this is an object without other keys than `keys`.
  void allow_keys(std::initializer_list<std::string_view> keys) const;

  // Returns the member; nullopt when it is absent or this is no object.
  [[nodiscard]] std::optional<ScriptValue> member(std::string_view key) const;
  void for_each(FunctionRef<void(const ScriptValue&)> visit) const;  // of a list

  [[nodiscard]] std::string text() const;
  [[nodiscard]] std::string text_or_json() const;  // a string as it is, anything else as JSON text
  [[nodiscard]] std::int64_t count() const;        // 0 or more
  [[nodiscard]] json::Document object() const;
  [[nodiscard]] std::vector<std::string> strings() const;
  // Reads {"name": "value", ...}, or [["name", "value"], ...] where a name may occur twice.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> pairs() const;

  // Read a member; `fallback` is its value when it is absent.
  [[nodiscard]] std::string text(std::string_view key, std::string_view fallback) const;
  [[nodiscard]] std::int64_t count(std::string_view key, std::int64_t fallback) const;
  [[nodiscard]] std::optional<bool> flag(std::string_view key) const;

 private:
  const json::Document& node_;
  std::string path_;
  std::string& error_;
};

// Appends the block or blocks of one entry of a script's `blocks`.
void append_blocks(const ScriptValue& value, std::vector<Block>& content);

}  // namespace ccproxy::mock
