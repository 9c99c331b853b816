// Makes names of tools that upstream takes, ^[a-zA-Z0-9_-]{1,128}$ (rule A.4.3), and ids of their
// calls (rule A.2.2). Valid names stay; what the others become depends on the request alone, so
// that a conversation has the same names in each of its requests.
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

  // Makes room for the names of so many tools.
  void reserve_names(std::size_t tools) {
    names_.reserve(tools);
    taken_.reserve(tools);
  }

  // Keeps a name from the tools of the client.
  void reserve(std::string_view name) { taken_.insert(name); }

  // Announces a tool of the request by the client's name. Returns the name upstream where it is the
  // same, else an empty one. All tools must be announced before upstream() is called, so that valid
  // names come first. `client` must outlive the object.
  std::string_view announce(std::string_view client);

  // The name upstream of the client's tool. Tools that only the history calls need not be
  // announced.
  [[nodiscard]] std::string_view upstream(std::string_view client);

 private:
  [[nodiscard]] std::string_view replacement(std::string_view client);

  RequestArena& arena_;
  std::pmr::unordered_map<std::string_view, std::string_view> names_;  // client to upstream
  std::pmr::unordered_set<std::string_view> taken_;
};

// True for a name, or an id of a call, that upstream takes.
[[nodiscard]] bool is_tool_name(std::string_view name);

// Ids of tool calls: ^[a-zA-Z0-9_-]+$, each once in a request.
class CallIds {
 public:
  explicit CallIds(RequestArena& arena)
      : arena_(arena), taken_(arena.memory()), repeats_(arena.memory()) {}

  // The id to send for a call, made of the client's, or of `fallback` where that is empty. `client`
  // must outlive the object.
  [[nodiscard]] std::string_view assign(std::string_view client, std::string_view fallback);

 private:
  RequestArena& arena_;
  std::pmr::unordered_set<std::string_view> taken_;
  std::pmr::unordered_map<std::string_view, std::size_t> repeats_;
};

// An id for a call that came without one: the index of its message or item, and its place in that.
[[nodiscard]] std::string call_id_at(std::size_t message, std::size_t position);

}  // namespace ccproxy::dialect
