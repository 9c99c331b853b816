#include "dialect/reply/usage.hpp"

#include <gtest/gtest.h>

#include "dialect/reply/citations.hpp"
#include "dialect/reply/openai_terms.hpp"

namespace ccproxy::dialect {
namespace {

TEST(ReplyUsage, let_the_later_number_count) {
  ReplyUsage tokens;
  tokens.begin_message();
  tokens.take({10, 1, 0, 4, std::nullopt});
  tokens.take({std::nullopt, 5, std::nullopt, std::nullopt, 2});
  tokens.take({std::nullopt, 9, 90, std::nullopt, std::nullopt});
  const Tokens sum = tokens.sum();
  EXPECT_EQ(sum.input, 10);
  EXPECT_EQ(sum.output, 9);
  EXPECT_EQ(sum.cache_read, 90);
  EXPECT_EQ(sum.cache_write, 4);
  EXPECT_EQ(sum.thinking, 2);
}

TEST(ReplyUsage, add_up_over_the_messages_of_one_answer) {
  ReplyUsage tokens;
  for (int message = 0; message < 3; ++message) {
    tokens.begin_message();
    tokens.take({10, 1, 2, 3, 4});
    tokens.take({std::nullopt, 7, std::nullopt, std::nullopt, std::nullopt});
  }
  const Tokens sum = tokens.sum();
  EXPECT_EQ(sum.input, 30);
  EXPECT_EQ(sum.output, 21);
  EXPECT_EQ(sum.cache_read, 6);
  EXPECT_EQ(sum.cache_write, 9);
  EXPECT_EQ(sum.thinking, 12);
}

TEST(ChatUsage, counts_cached_tokens_into_the_prompt_and_thinking_into_the_completion) {
  std::string out;
  append_chat_usage(out, {10, 20, 100, 5, 3});
  EXPECT_EQ(out,
            R"({"prompt_tokens":115,"completion_tokens":20,"total_tokens":135,)"
            R"("prompt_tokens_details":{"cached_tokens":100,"cache_write_tokens":5,)"
            R"("audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":3,)"
            R"("audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}})");
}

anthropic::CitationDelta web(const char* url, const char* title) {
  return {{"web_search_result_location"}, {url}, {title}, ""};
}

std::string told(const Citations& annotations) {
  std::string out = ">";  // what stands before it must not matter
  append_chat_annotations(out, annotations);
  return out.substr(1);
}

TEST(Citations, cover_the_block_that_carries_them) {
  Citations annotations;
  EXPECT_TRUE(annotations.all().empty());
  EXPECT_EQ(told(annotations), "[]");
  annotations.begin_block(8);
  annotations.cite(web("u", "t"));
  EXPECT_TRUE(annotations.all().empty()) << "its range is not known before the block has ended";
  annotations.end_block(15);
  EXPECT_EQ(told(annotations), R"([{"type":"url_citation","url_citation":)"
                               R"({"start_index":8,"end_index":15,"url":"u","title":"t"}}])");
}

TEST(Citations, name_a_page_once_for_a_range_and_again_for_another) {
  Citations annotations;
  annotations.begin_block(0);
  annotations.cite(web("u", ""));
  annotations.cite(web("u", "t"));
  annotations.end_block(1);
  annotations.begin_block(1);
  annotations.cite(web("u", ""));
  annotations.end_block(2);
  EXPECT_EQ(told(annotations), R"([{"type":"url_citation","url_citation":)"
                               R"({"start_index":0,"end_index":1,"url":"u","title":"u"}},)"
                               R"({"type":"url_citation","url_citation":)"
                               R"({"start_index":1,"end_index":2,"url":"u","title":"u"}}])");
}

TEST(Citations, leave_documents_out) {
  Citations annotations;
  annotations.begin_block(0);
  annotations.cite({{"char_location"}, {}, {}, ""});
  annotations.end_block(1);
  EXPECT_TRUE(annotations.all().empty());
}

TEST(FinishReason, agrees_with_what_the_client_sees) {
  EXPECT_EQ(finish_reason("end_turn", false, false), "stop");
  EXPECT_EQ(finish_reason("end_turn", true, false), "tool_calls");
  EXPECT_EQ(finish_reason("stop_sequence", true, false), "tool_calls");
  EXPECT_EQ(finish_reason("tool_use", true, false), "tool_calls");
  EXPECT_EQ(finish_reason("tool_use", true, true), "function_call");
  EXPECT_EQ(finish_reason("tool_use", false, false), "stop");
  EXPECT_EQ(finish_reason("max_tokens", true, false), "length");
  EXPECT_EQ(finish_reason("model_context_window_exceeded", true, false), "length");
  EXPECT_EQ(finish_reason("refusal", true, false), "content_filter");
  EXPECT_EQ(finish_reason("pause_turn", false, false), "stop");
  EXPECT_EQ(finish_reason("brand_new", false, false), "stop");
}

TEST(ServiceTier, is_told_in_openais_words) {
  EXPECT_EQ(service_tier_of("standard", false), "default");
  EXPECT_EQ(service_tier_of("", false), "default");
  EXPECT_EQ(service_tier_of("priority", false), "priority");
  EXPECT_EQ(service_tier_of("standard", true), "priority");
  EXPECT_EQ(service_tier_of("batch", false), "flex");
}

}  // namespace
}  // namespace ccproxy::dialect
