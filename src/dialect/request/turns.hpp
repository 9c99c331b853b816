// The rules that upstream makes for a list of messages, and how a history that breaks them is put
// in order (rules A.2, A.2.3 to A.2.6). It knows turns and blocks, and of a dialect only
// what to call a message that something is wrong with.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "dialect/request/block.hpp"
#include "dialect/request/report.hpp"

namespace ccproxy::dialect {

class Turns {
 public:
  // `list` is the field of the request that the messages stand in.
  Turns(RequestArena& arena, std::string_view list) : arena_(arena), list_(list) {}

  // There will be about so many.
  void expect(std::size_t turns) { turns_.reserve(turns); }

  // The number that messages of a response before this one have instead of an index. The view must
  // outlive this.
  [[nodiscard]] std::uint32_t add_response(std::string_view id);

  // Adds the blocks to the last turn when the role is the same, else begins one. Without blocks
  // nothing happens, so neighbours of what was empty grow together.
  void add(Role role, std::uint32_t message, std::span<const Block> blocks);

  // Turns without blocks go, and neighbours of one role become one.
  void join();

  // Late system messages: each stays where it is when `may_stay` and upstream allows its place,
  // else it becomes a reminder among the user's text.
  void place_system(bool may_stay);

  // Puts the results of each assistant turn right behind it in the order of its calls, makes up
  // those that are missing, and tells those that nobody asked for as text.
  void pair_results(Report& report);

  // The first turn is the user's, and the last one is not the assistant's unless `may_prefill`.
  void complete_ends(bool may_prefill);

  // True when the last assistant turn calls tools and does not begin with thinking.
  [[nodiscard]] bool last_call_lacks_thought() const;

  // Reports something of the message of that number, by the name that its client knows.
  void warn(std::string_view token, std::uint32_t message, Report& report) const;

  [[nodiscard]] std::vector<Turn>& all() { return turns_; }
  [[nodiscard]] const std::vector<Turn>& all() const { return turns_; }

 private:
  [[nodiscard]] Turn& begin(Role role, std::uint32_t message);
  [[nodiscard]] bool is_paired(std::size_t index) const;
  void answer_calls(Turn& answers, std::vector<Block>& out, Report& report);
  void emit_orphan(const Block& result, std::vector<Block>& out, Report& report);

  RequestArena& arena_;
  std::string_view list_;
  std::vector<std::string_view> responses_;  // their ids
  std::vector<Turn> turns_;
};

}  // namespace ccproxy::dialect
