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
  SearchItem(ItemRef place, bool shows_sources)
      : place_(std::move(place)), shows_sources_(shows_sources) {}

  void open(ResponseEvents& events, std::string& out);
  // Pieces of the input's JSON.
  void take_input(json::JsonText partial) { json::append_decoded(input_, partial); }
  void end_input(ResponseEvents& events, std::string& out);
  // `block` is the block with the result; closes the item.
  void take_result(json::Value block, ResponseEvents& events, std::string& out);
  // No result will come.
  void give_up(ResponseEvents& events, std::string& out);

  // As it stands in the output; once it is closed.
  [[nodiscard]] std::string take() { return std::move(json_); }

 private:
  void close(ItemStatus status, std::string_view sources, ResponseEvents& events, std::string& out);

  ItemRef place_;
  bool shows_sources_;
  std::string input_;
  std::string query_ = "\"\"";  // JSON
  std::string json_;
};

}  // namespace ccproxy::dialect
