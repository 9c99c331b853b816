// Names of tools as upstream takes them, ^[a-zA-Z0-9_-]{1,128}$, and back (rule A.4.3).
// Names that are valid stay; which of the others becomes what depends on the request alone.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "dialect/reply_plan.hpp"
#include "dialect/request/block.hpp"

namespace ccproxy::dialect {

class ToolNames {
 public:
  explicit ToolNames(RequestArena& arena)
      : arena_(arena), names_(arena.memory()), taken_(arena.memory()) {}

  // There will be about so many.
  void expect(std::size_t tools) {
    names_.reserve(tools);
    taken_.reserve(tools);
  }

  // A name that no tool of the client's may have upstream.
  void reserve(std::string_view name) { taken_.insert(name); }

  // Announces a tool of the request. All are announced before the first is asked for, so that valid
  // names come first. The views must outlive this. Returns what it is called upstream where its
  // name stays, else nothing yet.
  std::string_view announce(std::string_view client);

  // What the tool is called upstream; names in the history need not be announced.
  [[nodiscard]] std::string_view upstream(std::string_view client);

 private:
  [[nodiscard]] std::string_view mended(std::string_view client);

  RequestArena& arena_;
  std::pmr::unordered_map<std::string_view, std::string_view> names_;  // client to upstream
  std::pmr::unordered_set<std::string_view> taken_;
};

[[nodiscard]] bool is_tool_name(std::string_view name);

// Identifiers of tool calls, ^[a-zA-Z0-9_-]+$ and each once in a request (rule A.2.2).
class CallIds {
 public:
  explicit CallIds(RequestArena& arena)
      : arena_(arena), taken_(arena.memory()), repeats_(arena.memory()) {}

  // The id to send for a call; `fallback` where the client's is empty.
  [[nodiscard]] std::string_view assign(std::string_view client, std::string_view fallback);

 private:
  RequestArena& arena_;
  std::pmr::unordered_set<std::string_view> taken_;
  std::pmr::unordered_map<std::string_view, std::size_t> repeats_;
};

// The id of a call that has none: the message or item it came in, and its place there.
[[nodiscard]] std::string made_call_id(std::size_t message, std::size_t position);

}  // namespace ccproxy::dialect
