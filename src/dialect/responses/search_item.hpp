// A web search that the provider ran, as an item of a response.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "dialect/responses/events.hpp"
#include "dialect/responses/item.hpp"
#include "json/outline.hpp"
#include "json/text.hpp"

namespace ccproxy::dialect {

class SearchItem {
 public:
  // With `shows_sources` the item lists the pages that were found.
  SearchItem(ItemRef ref, bool shows_sources)
      : ref_(std::move(ref)), shows_sources_(shows_sources) {}

  void open(ResponseEvents& events, std::string& out);
  // Takes a piece of the input's JSON.
  void take_input(json::JsonText partial) { json::append_decoded(input_, partial); }
  void end_input(ResponseEvents& events, std::string& out);
  // Closes the item; `block` is the web_search_tool_result block.
  void take_result(json::Value block, ResponseEvents& events, std::string& out);
  // Closes the item as failed: no result will come.
  void give_up(ResponseEvents& events, std::string& out);

  // Moves out the item's JSON as the output has it. Call it once, after the item was closed.
  [[nodiscard]] std::string take() { return std::move(json_); }

 private:
  void close(ItemStatus status, std::string_view sources, ResponseEvents& events, std::string& out);

  ItemRef ref_;
  bool shows_sources_;
  std::string input_;
  std::string query_ = "\"\"";  // JSON
  std::string json_;
};

}  // namespace ccproxy::dialect
