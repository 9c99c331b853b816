// An upstream's event stream, however broken, becomes an answer that a Chat Completions client can
// read: streamed and whole, and the same in both. Two bytes choose the plan and the pieces in which
// the stream arrives.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "anthropic/event.hpp"
#include "anthropic/surrogate_filter.hpp"
#include "anthropic/transcript.hpp"
#include "dialect/chat/encoder.hpp"
#include "dialect/testing/fold.hpp"
#include "fuzz/choices.hpp"
#include "http/sse.hpp"
#include "json/outline.hpp"

namespace ccproxy::fuzz {

inline constexpr std::size_t kChatEncoderChoices = 2;  // bytes

inline dialect::ReplyPlan chosen_plan(unsigned byte) {
  Bits bits(byte);
  dialect::ReplyPlan plan;
  plan.model = "claude-sonnet-5";
  plan.include_usage = bits.next();
  plan.show_reasoning = !bits.next();
  plan.legacy_functions = bits.next();
  plan.custom_as_function = bits.next();
  plan.strips_fence = bits.next();
  plan.text_completion = bits.next();
  // The names of the recorded answers' tools, so that their calls are of both kinds.
  if (bits.next())
    plan.tools = {{"p", "p", dialect::ToolShape::kCustom}, {"get_weather", "get \"weather\""}};
  return plan;
}

// An answer as the proxy hears it.
struct Heard {
  std::string told;        // what the client got
  std::string transcript;  // the blocks that would go up again after a pause
  int status = 0;
  bool is_json = true;  // every event was, to its last byte
};

// True when nothing more is to be heard.
inline bool hear(const http::SseEvent& sent, anthropic::EventReader& reader,
                 anthropic::WholeText& text, dialect::ReplyEncoder& encoder,
                 anthropic::Transcript& transcript, Heard& heard) {
  json::Outline outline;
  heard.is_json = heard.is_json && outline.read(sent.data);
  const auto event = anthropic::read_event(reader, sent.name, sent.data);
  if (sent.cut || !event) {
    encoder.fail(sent.cut ? Error{ErrorKind::kUpstreamBroke, "cut"} : event.error(), heard.told);
    return true;
  }
  text.pass(*event, [&](const anthropic::MessageEvent& whole) {
    encoder.on(whole, heard.told);
    transcript.on(whole);
  });
  return std::holds_alternative<anthropic::MessageStop>(*event) && !encoder.paused();
}

inline constexpr std::size_t kPieces[] = {std::string::npos, 1, 2, 3, 5, 7, 16, 64};

inline Heard heard_by(dialect::ReplyEncoder& encoder, std::string_view stream, std::size_t piece) {
  constexpr std::size_t kMaxEvent = 8192;
  Heard heard;
  http::SseReader lines(kMaxEvent);
  anthropic::EventReader reader;
  anthropic::WholeText text;
  anthropic::Transcript transcript;
  bool is_over = false;
  for (std::size_t at = 0; at < stream.size() && !is_over; at += std::min(piece, stream.size())) {
    lines.feed(stream.substr(at, piece));
    while (const auto sent = lines.next()) {
      is_over = hear(*sent, reader, text, encoder, transcript, heard);
      if (is_over) break;
    }
  }
  encoder.finish(heard.told);
  heard.status = encoder.status();
  heard.transcript = transcript.blocks();
  return heard;
}

inline Heard heard(std::string_view stream, std::size_t piece, const dialect::ReplyPlan& plan) {
  const auto encoder = dialect::make_chat_encoder(plan, {"id-1", 1'770'000'000});
  return heard_by(*encoder, stream, piece);
}

inline std::string fault_of_transcript(const Heard& heard) {
  if (!heard.is_json || heard.transcript.empty()) return "";
  json::Outline outline;
  const std::string blocks = "[" + heard.transcript + "]";
  const auto read = outline.read(blocks);
  if (read || read.error().message.find("nests deeper") != std::string::npos) return "";
  return "a transcript that is not JSON: " + blocks;
}

inline std::string fault_of_chat_encoder(std::string_view input) {
  dialect::ReplyPlan plan = chosen_plan(take_byte(input));
  const std::size_t piece = kPieces[take_byte(input) % std::size(kPieces)];
  const Heard whole = heard(input, std::string::npos, plan);
  plan.stream = true;
  const Heard stream = heard(input, std::string::npos, plan);
  if (stream.told != heard(input, piece, plan).told) return "the pieces change the answer";
  if (stream.status != whole.status) return "streamed and whole differ in their status";
  if ((whole.status == 200) == whole.told.starts_with(R"({"error":)"))
    return "the status does not fit: " + std::to_string(whole.status) + " " + whole.told;
  std::string fault = dialect::test::fault_of_answer(stream.told, whole.told, plan);
  return fault.empty() ? fault_of_transcript(stream) : fault;
}

}  // namespace ccproxy::fuzz
