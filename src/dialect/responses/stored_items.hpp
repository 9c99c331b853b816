// Gives the reader of a Responses input what the store has returned for the request: items
// by id, and their JSON as values. It refuses to know what an item becomes.
#pragma once

#include <cstddef>
#include <deque>
#include <string>

#include "dialect/history.hpp"
#include "dialect/request/block.hpp"
#include "dialect/request/report.hpp"
#include "json/outline.hpp"

namespace ccproxy::dialect {

class StoredItems {
 public:
  // `history` is nullptr when nothing is stored. All must outlive the object.
  StoredItems(const History* history, RequestArena& arena, Report& report)
      : history_(history), arena_(arena), report_(report) {}

  // The item of that id; nullptr when it is not stored.
  [[nodiscard]] const StoredInputItem* find(const std::string& id) const;

  // A list of `elements`, JSON values with commas between. The value lives as long as the object.
  // Absent, with a warning, when it cannot be read.
  [[nodiscard]] json::Value parse(const std::string& elements);

  // True for output that was cut off: its status is `incomplete`.
  [[nodiscard]] bool is_incomplete(const StoredInputItem& item);

  // Counts the bytes of an item that the input refers to. Refuses the request, and returns false,
  // when all of them together have too many: a short input can refer to a long item many times.
  [[nodiscard]] bool has_room_for(const StoredInputItem& item);

 private:
  const History* history_;
  RequestArena& arena_;
  Report& report_;
  std::deque<json::Outline> outlines_;
  std::size_t referenced_bytes_ = 0;
};

}  // namespace ccproxy::dialect
