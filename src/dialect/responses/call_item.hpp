// A call of one of the client's tools as an item of a response. Upstream every tool is a function;
// the client sees the call in the shape of the tool that it declared (rules B.3, B.5.3).
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "dialect/reply/streamed_input.hpp"
#include "dialect/reply_plan.hpp"
#include "dialect/responses/events.hpp"
#include "dialect/responses/item.hpp"

namespace ccproxy::dialect {

// What is known when the call begins. `id`, `name` and `tool_namespace` are parts of a JSON string,
// still escaped.
struct CallStart {
  std::string id;                // call_id
  std::string name;              // as the client knows it
  std::string tool_namespace{};  // empty for a tool outside of one
  std::string input{};           // JSON that the start event brought; empty without
  ToolShape shape = ToolShape::kFunction;
};

class CallItem {
 public:
  CallItem(ItemRef ref, CallStart start);

  void open(ResponseEvents& events, std::string& out);
  // Takes a piece of the input's JSON, as part of a JSON string, still escaped.
  void emit_input(std::string_view partial, ResponseEvents& events, std::string& out);
  void close(ItemStatus status, ResponseEvents& events, std::string& out);

  [[nodiscard]] std::size_t index() const { return ref_.index; }
  // Moves out the item's JSON as the output has it. Call it once, after close().
  [[nodiscard]] std::string take() { return std::move(json_); }

 private:
  // The input of functions and custom tools is emitted as it comes. For the other shapes Responses
  // has no event for a piece.
  [[nodiscard]] bool is_streamed() const {
    return start_.shape == ToolShape::kFunction || start_.shape == ToolShape::kCustom;
  }
  [[nodiscard]] bool is_custom() const { return start_.shape == ToolShape::kCustom; }
  void pass_input(std::string_view escaped, ResponseEvents& events, std::string& out);
  [[nodiscard]] std::string json_of(ItemStatus status) const;

  ItemRef ref_;
  CallStart start_;
  std::string input_members_;  // of the events about the input
  StreamedInput stream_;
  std::string input_;  // so far, as part of a JSON string, still escaped
  std::string json_;
};

}  // namespace ccproxy::dialect
