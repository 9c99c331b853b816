// Gathers the content of a message from its events, so that it can be sent back as it was: a paused
// turn goes on from there. It knows how deltas make a block, not what a block means: blocks and
// deltas that nobody knows yet are kept too.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "anthropic/event.hpp"

namespace ccproxy::anthropic {

class Transcript {
 public:
  // Takes the events of one message, or of several one after another.
  void on(const MessageEvent& event);

  // The blocks that are complete, as elements of a JSON array: `{...},{...}`; empty without one.
  // Members stand as upstream wrote them, but for those that deltas have filled.
  [[nodiscard]] std::string_view blocks() const { return blocks_; }
  [[nodiscard]] bool empty() const { return blocks_.empty(); }
  // How many they are, and those from `first` until before `end`, as elements of a JSON array.
  [[nodiscard]] std::size_t count() const { return ends_.size(); }
  [[nodiscard]] std::string_view blocks(std::size_t first, std::size_t end) const;

  void clear() { *this = Transcript(); }

 private:
  struct Member {
    std::string key;
    std::string value;  // JSON
  };

  void take(const BlockStart& start);
  void take(const TextDelta& delta) { extend("text", delta.text); }
  void take(const ThinkingDelta& delta) { extend("thinking", delta.text); }
  void take(const SignatureDelta& delta) { extend("signature", delta.signature); }
  void take(const InputJsonDelta& delta);
  void take(const CitationDelta& delta);
  void take(const OtherDelta& delta);
  void take(const BlockStop& stop);
  void take(const auto&) {}

  Member& member(std::string_view key, std::string_view otherwise);
  void extend(std::string_view key, JsonText text);
  [[nodiscard]] std::string input_as_json() const;

  json::Reader reader_;
  bool is_open_ = false;
  std::vector<Member> block_;  // of the open one
  std::string input_;          // its pieces so far
  std::string blocks_;
  std::vector<std::size_t> ends_;  // of each, in blocks_
};

}  // namespace ccproxy::anthropic
