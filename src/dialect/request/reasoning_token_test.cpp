#include "dialect/request/reasoning_token.hpp"

#include <gtest/gtest.h>

namespace ccproxy::dialect {
namespace {

constexpr std::string_view kBlock =
    R"({"type":"thinking","thinking":"a \u00e9 \"b\"","signature":"S+/="})";

TEST(EncodedReasoning, comes_back_byte_for_byte) {
  const std::string sealed = encode_reasoning(kBlock, {"opus-5-5", ""});
  EXPECT_TRUE(sealed.starts_with("ccp1."));
  EXPECT_EQ(sealed.find_first_of("+/=\"\\"), std::string::npos);
  EXPECT_EQ(open_thought(sealed, {"opus-5-5", ""}), kBlock);
  constexpr std::string_view kRedacted = R"({"type":"redacted_thinking","data":"D"})";
  EXPECT_EQ(open_thought(encode_reasoning(kRedacted, {"opus-5-5", ""}), {"opus-5-5", ""}),
            kRedacted);
}

TEST(EncodedReasoning, opens_for_its_own_model_and_account_only) {
  const std::string sealed = encode_reasoning(kBlock, {"sonnet-5-5", "account-1"});
  EXPECT_EQ(open_thought(sealed, {"sonnet-5-5", "account-1"}), kBlock);
  EXPECT_FALSE(open_thought(sealed, {"sonnet-5-5", "account-2"}));
  EXPECT_FALSE(open_thought(sealed, {"sonnet-5", "account-1"}));
}

TEST(EncodedReasoning, a14_of_other_programs_is_nothing) {
  const ThoughtOwner owner{"sonnet-5", ""};
  for (const char* foreign : {"", "gAAAAABfoo", "ccp1.", "ccp1.!!!", "ccp1.e30", "ccp2.e30",
                              "ccp1.eyJtIjoic29ubmV0LTUiLCJhIjoiIiwiYiI6W3t9XX0"})
    EXPECT_FALSE(open_thought(foreign, owner)) << foreign;
}

TEST(EncodedReasoning, summaries_come_back_and_are_no_thoughts) {
  const std::string sealed = seal_summary("what was \"said\"\n");
  EXPECT_EQ(open_summary(sealed), "what was \"said\"\n");
  EXPECT_FALSE(open_thought(sealed, {"sonnet-5", ""}));
  EXPECT_FALSE(open_summary(encode_reasoning(kBlock, {"sonnet-5", ""})));
}

}  // namespace
}  // namespace ccproxy::dialect
