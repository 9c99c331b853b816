// The input of a tool call as upstream takes it, a JSON object, and which call of a turn a result
// belongs to (rule A.2.2).
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

// The input of a call of a custom tool, which takes text: {"input":"..."}.
[[nodiscard]] std::string_view text_input_of(json::Value text, RequestArena& arena);

// The input of a call, a JSON object.
struct CallInput {
  std::string_view json;
  std::uint64_t hash = 0;  // json::value_hash of it; 0 until it is needed
};

// A call as the client wrote it.
struct ClientCall {
  std::string_view id, name;
  CallInput input;
};

// The calls of one assistant turn. A client may use an id more than once; its results then belong
// to the calls in their order. The views must outlive the object.
class OpenCalls {
 public:
  explicit OpenCalls(RequestArena& arena)
      : arena_(arena), by_client_(arena.memory()), repeated_(arena.memory()) {}

  // The arguments of a function, usually JSON in a string, as the input of its call: the object as
  // the client wrote it; {"value":...} for JSON of another type, {"_raw":"..."} for text that is no
  // JSON. `id` is the client's id of the call.
  [[nodiscard]] CallInput input_of(json::Value arguments, std::string_view id);

  // True when the turn has the call already: the same id, name and input. Clients repeat calls, as
  // a part of the content and beside it, or as an item of an earlier response. Sets the hash of the
  // input where it is needed.
  [[nodiscard]] bool has(ClientCall& call);
  // Adds a call that goes up under the id `upstream`. Sets the hash of the input where it is
  // needed.
  void add(ClientCall& call, std::string_view upstream);
  // The id upstream of the call that the next result for the client's id `client` belongs to. For
  // an id that no call has, the id itself, so that a person can read it; "(none)" for an empty one.
  [[nodiscard]] std::string_view take_result_id(std::string_view client);
  void clear();

 private:
  // The calls of one id of the client's.
  struct Open {
    ClientCall call{};                     // the first
    std::string_view first{};              // its id upstream
    std::vector<std::string_view> more{};  // ids upstream of the others
    std::size_t results = 0;               // that have been read
    bool is_repeated = false;              // the calls are in repeated_
  };

  // The same hash for calls with the same id, name and input.
  [[nodiscard]] std::uint64_t hash_of(ClientCall& call);
  [[nodiscard]] bool is_same(const ClientCall& a, const ClientCall& b);

  RequestArena& arena_;
  std::pmr::unordered_map<std::string_view, Open> by_client_;  // by the client's id
  // Calls whose id was used more than once, by their hashes. Of several with the same hash, which
  // only an attacker would send, it has the first.
  std::pmr::unordered_map<std::uint64_t, ClientCall> repeated_;
  json::Outline scratch_;
};

}  // namespace ccproxy::dialect
