// Collects the content of a message from its events, so that it can be sent back unchanged to
// continue a paused turn. It knows how deltas extend a block. It refuses to know what a block
// means, so that it also collects unknown blocks and deltas.
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

  // The complete blocks as elements of a JSON array, `{...},{...}`; empty when there is none.
  // Except for the members that deltas have extended, they are as the upstream has written them.
  // The view is valid until the next event.
  [[nodiscard]] std::string_view blocks() const { return blocks_; }
  [[nodiscard]] bool empty() const { return blocks_.empty(); }
  // The number of complete blocks.
  [[nodiscard]] std::size_t count() const { return ends_.size(); }
  // The blocks with indexes from `first` up to `end`, which is not included.
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
  std::vector<Member> block_;  // the members of the open block
  std::string input_;          // of the open block, as far as it has arrived
  std::string blocks_;
  std::vector<std::size_t> ends_;  // where each block ends in blocks_
};

}  // namespace ccproxy::anthropic
