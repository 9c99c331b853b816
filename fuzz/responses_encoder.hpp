// Any event stream of the upstream becomes a response whose events follow the grammar and which
// ends once, and the same one streamed and whole. The first two bytes choose the plan and the
// pieces in which the stream arrives.
#pragma once

#include <string>
#include <string_view>

#include "dialect/testing/grammar.hpp"
#include "dialect/testing/replay.hpp"
#include "fuzz/chat_encoder.hpp"

namespace ccproxy::fuzz {

inline dialect::ReplyPlan chosen_response_plan(unsigned byte) {
  constexpr RefusalStyle kStyles[] = {RefusalStyle::kPart, RefusalStyle::kText,
                                      RefusalStyle::kIncomplete, RefusalStyle::kPart};
  constexpr dialect::ToolShape kShapes[] = {
      dialect::ToolShape::kFunction,   dialect::ToolShape::kLocalShell, dialect::ToolShape::kShell,
      dialect::ToolShape::kApplyPatch, dialect::ToolShape::kToolSearch, dialect::ToolShape::kCustom,
      dialect::ToolShape::kFunction,   dialect::ToolShape::kCustom};
  Bits bits(byte);
  dialect::ReplyPlan plan;
  plan.model = "claude-sonnet-5";
  plan.show_reasoning = bits.next();
  plan.strips_fence = bits.next();
  plan.responses.shows_sources = bits.next();
  plan.responses.family = "sonnet-5";
  const std::size_t rest = bits.rest();
  plan.responses.refusal_style = kStyles[rest % 4];
  plan.responses.compacts = rest == 31;
  // These are the tools of the recorded responses, so that their calls are of every kind.
  for (const char* name : {"p", "f", "local_shell", "shell", "apply_patch", "tool_search"})
    plan.tools.push_back({name, name, kShapes[(rest / 4 + plan.tools.size()) % 8]});
  return plan;
}

inline Encoded encode_response(std::string_view stream, std::size_t piece,
                               const dialect::ReplyPlan& plan) {
  const auto encoder = dialect::test::responses_encoder(plan);
  return encode(*encoder, stream, piece);
}

inline std::string fault_of_responses_encoder(std::string_view input) {
  dialect::ReplyPlan plan = chosen_response_plan(take_byte(input));
  const std::size_t piece = kPieces[take_byte(input) % std::size(kPieces)];
  const Encoded whole = encode_response(input, std::string::npos, plan);
  plan.stream = true;
  const Encoded stream = encode_response(input, std::string::npos, plan);
  if (stream.reply != encode_response(input, piece, plan).reply)
    return "the pieces change the reply";
  if (stream.status != whole.status) return "streamed and whole differ in their status";
  std::string fault = dialect::test::fault_of_response(stream.reply, whole.reply);
  return fault.empty() ? fault_of_transcript(stream) : fault;
}

}  // namespace ccproxy::fuzz
