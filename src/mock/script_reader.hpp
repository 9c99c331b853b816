// Reading a script's JSON strictly: every value knows its place, so that a complaint can name it.
// The first complaint stays; reading goes on with defaults, and the caller looks once at the end.
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
#include "mock/answer.hpp"

namespace ccproxy::mock {

class Place {
 public:
  // The document and `complaint` must outlive it.
  Place(const json::Document& node, std::string path, std::string& complaint)
      : node_(node), path_(std::move(path)), complaint_(complaint) {}

  [[nodiscard]] const json::Document& node() const { return node_; }

  // Complains about this place: "replies[1].times WHAT".
  void refuse(std::string_view what) const;
  // Complains unless this is an object that has no other keys than these.
  void knows(std::initializer_list<std::string_view> keys) const;

  // The member, when it stands there.
  [[nodiscard]] std::optional<Place> at(std::string_view key) const;
  void each(FunctionRef<void(const Place&)> visit) const;  // of a list

  [[nodiscard]] std::string text() const;
  [[nodiscard]] std::string text_or_json() const;  // a string as it is, all else as JSON text
  [[nodiscard]] std::int64_t count() const;        // 0 or more
  [[nodiscard]] json::Document object() const;
  [[nodiscard]] std::vector<std::string> texts() const;
  // {"name": "value", ...}, or [["name", "value"], ...] where a name stands twice.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> pairs() const;

  // Members, with what counts where they are missing.
  [[nodiscard]] std::string text(std::string_view key, std::string_view otherwise) const;
  [[nodiscard]] std::int64_t count(std::string_view key, std::int64_t otherwise) const;
  [[nodiscard]] std::optional<bool> flag(std::string_view key) const;

 private:
  const json::Document& node_;
  std::string path_;
  std::string& complaint_;
};

// Appends the block, or blocks, that one entry of a script's `blocks` stands for.
void append_blocks(const Place& place, std::vector<Block>& content);

}  // namespace ccproxy::mock
