// The turns of a conversation, put in the order that upstream demands of a list of messages (rules
// A.2, A.2.3 to A.2.6). It knows turns and blocks, and nothing of a dialect but the name of the
// field that its messages stand in.
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
  // `list` is the field of the request that the messages stand in. Both must outlive the object.
  Turns(RequestArena& arena, std::string_view list) : arena_(arena), list_(list) {}

  // Makes room for so many turns.
  void reserve(std::size_t turns) { turns_.reserve(turns); }

  // Returns the number that messages of an earlier response have instead of their index. `id` must
  // outlive the object.
  [[nodiscard]] std::uint32_t add_response(std::string_view id);

  // Adds the blocks to the last turn when the role is the same, else begins a turn. `message` is
  // the number of the message: its index, or that of add_response(). Without blocks nothing
  // happens, so that the neighbours of an empty message become one turn.
  void add(Role role, std::uint32_t message, std::span<const Block> blocks);

  // Removes turns without blocks, and joins neighbours of one role.
  void join();

  // Leaves each system turn where it is when `may_stay` and upstream allows its place; else makes
  // it a reminder among the user's text.
  void place_system(bool may_stay);

  // Puts the results of each assistant turn right behind it in the order of its calls. Missing
  // results are made up, and those without a call become text; both are reported.
  void pair_results(Report& report);

  // Makes the first turn the user's, and the last one too, unless it is the assistant's and
  // `may_prefill`.
  void complete_ends(bool may_prefill);

  // True when the last assistant turn calls tools and does not begin with thinking.
  [[nodiscard]] bool last_call_lacks_thinking() const;

  // Warns of something in the message of that number, under the `param` that the client knows.
  void warn(std::string_view token, std::uint32_t message, Report& report) const;

  [[nodiscard]] std::vector<Turn>& all() { return turns_; }
  [[nodiscard]] const std::vector<Turn>& all() const { return turns_; }

 private:
  [[nodiscard]] Turn& begin(Role role, std::uint32_t message);
  [[nodiscard]] bool is_paired(std::size_t index) const;
  void append_results(Turn& results, std::vector<Block>& out, Report& report);
  void append_orphan(const Block& result, std::vector<Block>& out, Report& report);

  RequestArena& arena_;
  std::string_view list_;
  std::vector<std::string_view> responses_;  // ids of earlier responses
  std::vector<Turn> turns_;
};

}  // namespace ccproxy::dialect
