// What holds for every answer: the stream, put together as OpenAI's own client does it, is the
// whole answer; a turn that paused goes on as one answer; what breaks off is told and nothing
// follows.
#include "dialect/chat_answer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "dialect/replay_fixture.hpp"
#include "dialect/script_fixture.hpp"
#include "json/document.hpp"

namespace ccproxy::dialect {
namespace {

using json::Document;

// Puts the chunks of a stream together.
class Accumulator {
 public:
  void take(const Document& chunk) {
    if (chunk.contains("error")) {
      error_ = chunk;
      return;
    }
    if (identity_.is_null()) identity_ = identity_of(chunk);
    EXPECT_EQ(identity_, identity_of(chunk)) << chunk;
    if (chunk.contains("usage") && !chunk["usage"].is_null()) usage_ = chunk["usage"];
    for (const Document& choice : chunk.at("choices")) {
      if (!choice.at("finish_reason").is_null()) finish_ = choice["finish_reason"];
      if (choice.contains("text")) text_ += choice["text"].get<std::string>();
      if (choice.contains("delta")) take_delta(choice["delta"]);
    }
  }

  // In the shape of the whole answer.
  [[nodiscard]] Document answer(const ReplyPlan& plan) const {
    if (!error_.is_null()) return error_;
    Document choice = {{"index", 0}};
    if (plan.text_completion)
      choice["text"] = text_;
    else
      choice["message"] = message();
    choice["logprobs"] = nullptr;
    choice["finish_reason"] = finish_;
    Document answer = identity_;
    answer["choices"] = Document::array({choice});
    if (plan.include_usage) answer["usage"] = usage_;
    return answer;
  }

 private:
  static Document identity_of(const Document& chunk) {
    Document identity;
    for (const char* key : {"id", "created", "model", "service_tier", "system_fingerprint"})
      if (chunk.contains(key)) identity[key] = chunk[key];
    return identity;
  }

  static void append(Document& place, const Document& piece) {
    if (piece.is_null()) return;
    place = (place.is_null() ? "" : place.get<std::string>()) + piece.get<std::string>();
  }

  void take_delta(const Document& delta) {
    if (delta.contains("content")) append(content_, delta["content"]);
    if (delta.contains("reasoning_content")) append(reasoning_, delta["reasoning_content"]);
    if (delta.contains("refusal")) append(refusal_, delta["refusal"]);
    if (delta.contains("annotations")) annotations_ = delta["annotations"];
    if (delta.contains("function_call")) merge(function_call_, delta["function_call"]);
    if (!delta.contains("tool_calls")) return;
    for (const Document& piece : delta["tool_calls"]) {
      const auto index = piece.at("index").get<std::size_t>();
      ASSERT_LE(index, calls_.size());
      if (index == calls_.size()) {
        calls_.push_back(piece);
        calls_.back().erase("index");
        continue;
      }
      ASSERT_FALSE(piece.contains("id") || piece.contains("type")) << piece;
      for (const char* kind : {"function", "custom"})
        if (piece.contains(kind)) merge(calls_[index][kind], piece[kind]);
    }
  }

  static void merge(Document& call, const Document& piece) {
    if (call.is_null()) {
      call = piece;
      return;
    }
    ASSERT_FALSE(piece.contains("name")) << piece;
    for (const char* member : {"arguments", "input"})
      if (piece.contains(member)) append(call[member], piece[member]);
  }

  [[nodiscard]] Document message() const {
    const bool has_other = !calls_.empty() || !function_call_.is_null() || !refusal_.is_null();
    Document message = {{"role", "assistant"}, {"content", content_}};
    if (content_ == "" && has_other) message["content"] = nullptr;
    message["refusal"] = refusal_;
    message["annotations"] = annotations_;
    if (!reasoning_.is_null()) message["reasoning_content"] = reasoning_;
    if (!function_call_.is_null()) message["function_call"] = function_call_;
    if (!calls_.empty()) message["tool_calls"] = calls_;
    return message;
  }

  Document identity_, error_, usage_, finish_, content_, reasoning_, refusal_, function_call_;
  Document annotations_ = Document::array(), calls_ = Document::array();
  std::string text_;
};

// Ends in [DONE], or in an error and without it.
Document accumulated(std::string_view stream, const ReplyPlan& plan) {
  Accumulator accumulator;
  bool is_done = false, has_error = false;
  while (!stream.empty()) {
    const auto end = stream.find("\n\n");
    EXPECT_NE(end, std::string_view::npos) << "an event without its end: " << stream;
    const std::string_view event = stream.substr(0, end);
    stream.remove_prefix(std::min(stream.size(), event.size() + 2));
    EXPECT_FALSE(is_done || has_error) << "something follows the end: " << event;
    if (event == ": keepalive") continue;
    is_done = event == "data: [DONE]";
    if (is_done) continue;
    EXPECT_TRUE(event.starts_with("data: {")) << event;
    const auto chunk = json::parse_document(event.substr(6));
    EXPECT_TRUE(chunk) << event;
    has_error = chunk->contains("error");
    accumulator.take(*chunk);
  }
  EXPECT_NE(is_done, has_error);
  return accumulator.answer(plan);
}

Document whole_answer(const std::string& body, const ReplyPlan& plan) {
  Document whole = json::parse_document(body).value();
  whole.erase("object");
  if (!plan.include_usage) whole.erase("usage");
  return whole;
}

TEST(ChatAnswer, streamed_and_put_together_is_the_whole_answer) {
  for (unsigned seed = 0; seed < 4000; ++seed) {
    test::Script script(seed);
    ReplyPlan plan = script.plan();
    const std::string events = script.events();
    SCOPED_TRACE(testing::Message() << "seed " << seed << "\n" << events);
    plan.stream = true;
    const Document stream = accumulated(test::replay(events, plan), plan);
    plan.stream = false;
    const Document whole = whole_answer(test::replay(events, plan), plan);
    // Compared without the order of members: the shapes put usage in different places.
    ASSERT_EQ(nlohmann::json(stream), nlohmann::json(whole));
  }
}

// Half a surrogate pair passes as it came, and the test's own parser takes none.
bool has_surrogates(std::string_view text) {
  return text.find("\\ud83d") != std::string_view::npos ||
         text.find("\\ude00") != std::string_view::npos;
}

TEST(ChatAnswer, is_valid_json_whatever_the_upstream_sends) {
  for (unsigned seed = 0; seed < 2000; ++seed) {
    test::Script script(seed);
    ReplyPlan plan = script.plan();
    const std::string events = script.damaged(script.events());
    SCOPED_TRACE(testing::Message() << "seed " << seed << "\n" << events);
    plan.stream = true;
    const std::string told = test::replay(events, plan);
    for (std::string_view stream = told; !stream.empty();) {
      const std::string_view event = stream.substr(0, stream.find("\n\n"));
      stream.remove_prefix(std::min(stream.size(), event.size() + 2));
      if (event == "data: [DONE]" || event == ": keepalive" || has_surrogates(event)) continue;
      ASSERT_TRUE(event.starts_with("data: ")) << event;
      ASSERT_TRUE(json::parse_document(event.substr(6))) << event;
    }
    plan.stream = false;
    const std::string whole = test::replay(events, plan);
    ASSERT_TRUE(has_surrogates(whole) || json::parse_document(whole)) << whole;
  }
}

constexpr std::string_view kStart =
    "data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":10}}}\n\n";
constexpr std::string_view kText =
    "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\","
    "\"text\":\"A\"}}\n\n"
    "data: {\"type\":\"content_block_stop\",\"index\":0}\n\n";

std::string ending(const std::string& reason) {
  return "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"" + reason +
         "\"}}\n\ndata: {\"type\":\"message_stop\"}\n\n";
}

TEST(ChatAnswer, P39_of_a_paused_turn_waits_for_the_next_message) {
  ReplyPlan plan;
  plan.stream = true;
  test::Replay run(plan);
  run.feed(kStart);
  run.feed(kText);
  EXPECT_FALSE(run.encoder().paused());
  run.feed(ending("pause_turn"));
  EXPECT_TRUE(run.encoder().paused());
  EXPECT_EQ(run.told().find("[DONE]"), std::string::npos);
  run.feed(kStart);
  EXPECT_FALSE(run.encoder().paused());
  run.feed(kText);
  run.feed(ending("end_turn"));
  EXPECT_FALSE(run.encoder().paused());
  const Document answer = accumulated(run.finish(), plan);
  EXPECT_EQ(answer["choices"][0]["message"]["content"], "AA");
}

TEST(ChatAnswer, P40_P41_that_breaks_off_has_the_status_of_what_broke_it) {
  ReplyPlan plan;
  test::Replay overloaded(plan);
  overloaded.feed(kStart);
  EXPECT_EQ(overloaded.encoder().status(), 200);
  overloaded.feed("data: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}\n\n");
  EXPECT_EQ(overloaded.encoder().status(), 503);

  test::Replay cut(plan);
  cut.feed(kStart);
  (void)cut.finish();
  EXPECT_EQ(cut.encoder().status(), 502);

  test::Replay late(plan);
  std::string told;
  late.encoder().fail({ErrorKind::kTimedOut, "too late"}, told);
  EXPECT_EQ(late.encoder().status(), 504);
  EXPECT_NE(told.find("too late"), std::string::npos);
}

TEST(ChatAnswer, tells_nothing_after_an_error) {
  ReplyPlan plan;
  plan.stream = true;
  test::Replay run(plan);
  run.feed(kStart);
  std::string told;
  run.encoder().fail({ErrorKind::kUpstreamBroke, "broke"}, told);
  const std::string before = run.told();
  run.feed(kText);
  run.feed(ending("end_turn"));
  EXPECT_EQ(run.finish(), before);
  told.clear();
  run.encoder().fail({ErrorKind::kUpstreamBroke, "again"}, told);
  EXPECT_EQ(told, "");
}

}  // namespace
}  // namespace ccproxy::dialect
