#include "dialect/request/reasoning_token.hpp"

#include <gtest/gtest.h>

namespace ccproxy::dialect {
namespace {

constexpr std::string_view kBlock =
    R"({"type":"thinking","thinking":"a \u00e9 \"b\"","signature":"S+/="})";

TEST(EncodedReasoning, is_decoded_byte_for_byte) {
  const std::string encoded = encode_reasoning(kBlock, {"opus-5-5", ""});
  EXPECT_TRUE(encoded.starts_with("ccp1."));
  EXPECT_EQ(encoded.find_first_of("+/=\"\\"), std::string::npos);
  EXPECT_EQ(decode_reasoning(encoded, {"opus-5-5", ""}), kBlock);
  constexpr std::string_view kRedacted = R"({"type":"redacted_thinking","data":"D"})";
  EXPECT_EQ(decode_reasoning(encode_reasoning(kRedacted, {"opus-5-5", ""}), {"opus-5-5", ""}),
            kRedacted);
}

TEST(EncodedReasoning, is_decoded_for_its_own_model_and_account_only) {
  const std::string encoded = encode_reasoning(kBlock, {"sonnet-5-5", "account-1"});
  EXPECT_EQ(decode_reasoning(encoded, {"sonnet-5-5", "account-1"}), kBlock);
  EXPECT_FALSE(decode_reasoning(encoded, {"sonnet-5-5", "account-2"}));
  EXPECT_FALSE(decode_reasoning(encoded, {"sonnet-5", "account-1"}));
}

TEST(EncodedReasoning, is_not_content_of_other_programs_a14) {
  const ThinkingOwner owner{"sonnet-5", ""};
  for (const char* foreign : {"", "gAAAAABfoo", "ccp1.", "ccp1.!!!", "ccp1.e30", "ccp2.e30",
                              "ccp1.eyJtIjoic29ubmV0LTUiLCJhIjoiIiwiYiI6W3t9XX0"})
    EXPECT_FALSE(decode_reasoning(foreign, owner)) << foreign;
}

TEST(EncodedSummary, is_decoded_and_is_not_reasoning) {
  const std::string encoded = encode_summary("what was \"said\"\n");
  EXPECT_EQ(decode_summary(encoded), "what was \"said\"\n");
  EXPECT_FALSE(decode_reasoning(encoded, {"sonnet-5", ""}));
  EXPECT_FALSE(decode_summary(encode_reasoning(kBlock, {"sonnet-5", ""})));
}

}  // namespace
}  // namespace ccproxy::dialect
