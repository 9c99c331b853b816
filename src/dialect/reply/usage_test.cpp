#include "dialect/reply/usage.hpp"

#include <gtest/gtest.h>

#include "dialect/reply/citations.hpp"
#include "dialect/reply/openai_terms.hpp"

namespace ccproxy::dialect {
namespace {

TEST(ReplyUsage, takes_the_later_count) {
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

TEST(ReplyUsage, adds_up_the_messages_of_one_reply) {
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

TEST(ChatUsage, counts_cached_tokens_in_the_prompt_and_thinking_in_the_completion) {
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

std::string chat_annotations(const Citations& citations) {
  std::string out = ">";  // what the text begins with must not matter
  append_chat_annotations(out, citations);
  return out.substr(1);
}

TEST(Citations, cover_the_block_that_carries_them) {
  Citations citations;
  EXPECT_TRUE(citations.all().empty());
  EXPECT_EQ(chat_annotations(citations), "[]");
  citations.begin_block(8);
  citations.cite(web("u", "t"));
  EXPECT_TRUE(citations.all().empty()) << "its range is not known before the block has ended";
  citations.end_block(15);
  EXPECT_EQ(chat_annotations(citations),
            R"([{"type":"url_citation","url_citation":)"
            R"({"start_index":8,"end_index":15,"url":"u","title":"t"}}])");
}

TEST(Citations, name_a_page_once_for_each_range) {
  Citations citations;
  citations.begin_block(0);
  citations.cite(web("u", ""));
  citations.cite(web("u", "t"));
  citations.end_block(1);
  citations.begin_block(1);
  citations.cite(web("u", ""));
  citations.end_block(2);
  EXPECT_EQ(chat_annotations(citations),
            R"([{"type":"url_citation","url_citation":)"
            R"({"start_index":0,"end_index":1,"url":"u","title":"u"}},)"
            R"({"type":"url_citation","url_citation":)"
            R"({"start_index":1,"end_index":2,"url":"u","title":"u"}}])");
}

TEST(Citations, of_documents_are_not_taken_by_default) {
  Citations citations;
  citations.begin_block(0);
  citations.cite({{"char_location"}, {}, {}, ""});
  citations.end_block(1);
  EXPECT_TRUE(citations.all().empty());
}

TEST(FinishReason, agrees_with_the_calls_that_the_client_gets) {
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

TEST(ServiceTier, has_openais_words) {
  EXPECT_EQ(service_tier_of("standard", false), "default");
  EXPECT_EQ(service_tier_of("", false), "default");
  EXPECT_EQ(service_tier_of("priority", false), "priority");
  EXPECT_EQ(service_tier_of("standard", true), "priority");
  EXPECT_EQ(service_tier_of("batch", false), "flex");
}

}  // namespace
}  // namespace ccproxy::dialect
