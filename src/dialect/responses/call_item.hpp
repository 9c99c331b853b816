// A call of one of the client's tools as an item of a response: upstream it is always a function's,
// the client sees it in the shape of the tool that it declared (rules B.3, B.5.3).
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "dialect/reply/custom_input.hpp"
#include "dialect/reply_plan.hpp"
#include "dialect/responses/events.hpp"
#include "dialect/responses/item.hpp"

namespace ccproxy::dialect {

// What is known when the call begins. Texts are parts of a JSON string, still escaped.
struct CallStart {
  std::string id;                // call_id
  std::string name;              // as the client knows it
  std::string tool_namespace{};  // of a tool in a namespace
  std::string input{};           // JSON, when there is some already
  ToolShape shape = ToolShape::kFunction;
};

class CallItem {
 public:
  CallItem(ItemRef place, CallStart start);

  void open(ResponseEvents& events, std::string& out);
  // A piece of the input's JSON, as part of a JSON string, still escaped.
  void emit(std::string_view partial, ResponseEvents& events, std::string& out);
  void close(ItemStatus status, ResponseEvents& events, std::string& out);

  [[nodiscard]] std::size_t index() const { return place_.index; }
  // As it stands in the output; once it is closed.
  [[nodiscard]] std::string take() { return std::move(json_); }

 private:
  // A function's and a custom tool's input is told as it comes; of the others there is no event for
  // a piece.
  [[nodiscard]] bool is_streamed() const {
    return start_.shape == ToolShape::kFunction || start_.shape == ToolShape::kCustom;
  }
  [[nodiscard]] bool is_custom() const { return start_.shape == ToolShape::kCustom; }
  void emit_streamed(std::string_view escaped, ResponseEvents& events, std::string& out);
  void emit_text(std::string_view json, ResponseEvents& events, std::string& out);
  void emit_missing(ResponseEvents& events, std::string& out);
  [[nodiscard]] std::string json_of(ItemStatus status) const;

  ItemRef place_;
  CallStart start_;
  std::string at_;
  bool has_input_ = false;  // a piece has come
  std::string input_;       // so far, as part of a JSON string, still escaped
  std::string json_;
  CustomInput custom_;
  std::string plain_, text_, escaped_;  // for what must be decoded on its way
};

}  // namespace ccproxy::dialect
