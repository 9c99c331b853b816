// Any event stream of the upstream becomes a reply that a Chat Completions client can read, and the
// same one streamed and whole. The first two bytes choose the plan and the pieces in which the
// stream arrives.
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
  // These are the tools of the recorded responses, so that their calls are of both kinds.
  if (bits.next())
    plan.tools = {{"p", "p", dialect::ToolShape::kCustom}, {"get_weather", "get \"weather\""}};
  return plan;
}

// What an encoder and a transcript make of an event stream.
struct Encoded {
  std::string reply;       // what the client got
  std::string transcript;  // the blocks that would go upstream again after a pause
  int status = 0;
  bool is_json = true;  // the data of every event is JSON
};

// Feeds one event. Returns true when the response is over.
inline bool encode_event(const http::SseEvent& sent, anthropic::EventReader& reader,
                         anthropic::SurrogateFilter& text, dialect::ReplyEncoder& encoder,
                         anthropic::Transcript& transcript, Encoded& encoded) {
  json::Outline outline;
  encoded.is_json = encoded.is_json && outline.read(sent.data);
  const auto event = anthropic::read_event(reader, sent.name, sent.data);
  if (sent.cut || !event) {
    encoder.fail(sent.cut ? Error{ErrorKind::kUpstreamBroke, "cut"} : event.error(), encoded.reply);
    return true;
  }
  text.pass(*event, [&](const anthropic::MessageEvent& whole) {
    encoder.on(whole, encoded.reply);
    transcript.on(whole);
  });
  return std::holds_alternative<anthropic::MessageStop>(*event) && !encoder.paused();
}

inline constexpr std::size_t kPieces[] = {std::string::npos, 1, 2, 3, 5, 7, 16, 64};

// Feeds a stream that arrives in pieces of `piece` bytes.
inline Encoded encode(dialect::ReplyEncoder& encoder, std::string_view stream, std::size_t piece) {
  constexpr std::size_t kMaxEventBytes = 8192;
  Encoded encoded;
  http::SseReader events(kMaxEventBytes);
  anthropic::EventReader reader;
  anthropic::SurrogateFilter text;
  anthropic::Transcript transcript;
  bool is_over = false;
  for (std::size_t at = 0; at < stream.size() && !is_over; at += std::min(piece, stream.size())) {
    events.feed(stream.substr(at, piece));
    while (const auto sent = events.next()) {
      is_over = encode_event(*sent, reader, text, encoder, transcript, encoded);
      if (is_over) break;
    }
  }
  encoder.finish(encoded.reply);
  encoded.status = encoder.status();
  encoded.transcript = transcript.blocks();
  return encoded;
}

inline Encoded encode_chat(std::string_view stream, std::size_t piece,
                           const dialect::ReplyPlan& plan) {
  const auto encoder = dialect::make_chat_encoder(plan, {"id-1", 1'770'000'000});
  return encode(*encoder, stream, piece);
}

inline std::string fault_of_transcript(const Encoded& encoded) {
  if (!encoded.is_json || encoded.transcript.empty()) return "";
  json::Outline outline;
  const std::string blocks = "[" + encoded.transcript + "]";
  const auto read = outline.read(blocks);
  if (read || read.error().message.find("nests deeper") != std::string::npos) return "";
  return "a transcript that is not JSON: " + blocks;
}

inline std::string fault_of_chat_encoder(std::string_view input) {
  dialect::ReplyPlan plan = chosen_plan(take_byte(input));
  const std::size_t piece = kPieces[take_byte(input) % std::size(kPieces)];
  const Encoded whole = encode_chat(input, std::string::npos, plan);
  plan.stream = true;
  const Encoded stream = encode_chat(input, std::string::npos, plan);
  if (stream.reply != encode_chat(input, piece, plan).reply) return "the pieces change the reply";
  if (stream.status != whole.status) return "streamed and whole differ in their status";
  if ((whole.status == 200) == whole.reply.starts_with(R"({"error":)"))
    return "the status does not fit: " + std::to_string(whole.status) + " " + whole.reply;
  std::string fault = dialect::test::fault_of_reply(stream.reply, whole.reply, plan);
  return fault.empty() ? fault_of_transcript(stream) : fault;
}

}  // namespace ccproxy::fuzz
