// What a client tells of a tool's call, as the input that upstream wants: a JSON object. And which
// call a result answers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "dialect/request/block.hpp"
#include "json/outline.hpp"

namespace ccproxy::dialect {

// The text of a custom tool's call.
[[nodiscard]] std::string_view text_input_of(json::Value text, RequestArena& arena);

// The input of a call, a JSON object.
struct CallInput {
  std::string_view json;
  std::uint64_t meaning = 0;  // its json::value_hash, once somebody has asked for that
};

// A call as the client tells it: its id, the tool, and the input.
struct ClientCall {
  std::string_view id, name;
  CallInput input;
};

// The calls of one assistant turn. A client may use an id more than once; its results then belong
// to the calls in their order. The views must outlive it.
class OpenCalls {
 public:
  explicit OpenCalls(RequestArena& arena)
      : arena_(arena), by_client_(arena.memory()), emitted_(arena.memory()) {}

  // Arguments of a function, usually JSON in a string: the object as it is written, or something
  // that says what was there instead (rule A.2.2). `id` is that of the call.
  [[nodiscard]] CallInput input_of(json::Value arguments, std::string_view id);

  // True when the turn has that call already: the same id, name and input. Clients tell a call
  // twice, as a part of the content and beside it, or as an item that a response before has told.
  [[nodiscard]] bool has(ClientCall& call);
  // `upstream` is the id that goes up for the client's id.
  void add(ClientCall& call, std::string_view upstream);
  // The id upstream of the call that a result names. For a call that is not open the client's own
  // id, for a human to read.
  [[nodiscard]] std::string_view answered(std::string_view client);
  void clear();

 private:
  struct Open {
    ClientCall call{};  // the first
    std::string_view first{};
    std::vector<std::string_view> more{};
    std::size_t answered = 0;
    bool is_told = false;  // its calls are in emitted_
  };

  // The same number for calls that mean the same.
  [[nodiscard]] std::uint64_t number_of(ClientCall& call);
  [[nodiscard]] bool is_same(const ClientCall& a, const ClientCall& b);

  RequestArena& arena_;
  std::pmr::unordered_map<std::string_view, Open> by_client_;
  // Calls whose ids were used more than once, by their numbers; of several with one number, which
  // only somebody who reckons has, the first.
  std::pmr::unordered_map<std::uint64_t, ClientCall> emitted_;
  json::Outline scratch_;
};

}  // namespace ccproxy::dialect
