#include "telemetry/log.hpp"

#include <gtest/gtest.h>

#include "telemetry/access_log.hpp"

namespace ccproxy::telemetry {
namespace {

const WallClock::time_point kWhen{std::chrono::milliseconds(1'700'000'000'042)};

TEST(Line, is_logfmt_for_a_person) {
  Line line(Format::kLogfmt, kWhen, Level::kInfo, "request");
  line.add("route", "/v1/messages").add("status", 200).add("took", std::chrono::microseconds(1234));
  line.add("why", "it said \"no\"\n").add("empty", "");
  EXPECT_EQ(std::move(line).take(),
            "time=2023-11-14T22:13:20.042Z level=info event=request route=/v1/messages status=200 "
            "took=1.2 why=\"it said \\\"no\\\"\\n\" empty=\"\"");
}

TEST(Line, is_json_for_a_machine) {
  Line line(Format::kJson, kWhen, Level::kWarn, "request");
  line.add("a", "x\ny").add("n", 7);
  EXPECT_EQ(std::move(line).take(),
            "{\"time\":\"2023-11-14T22:13:20.042Z\",\"level\":\"warn\",\"event\":\"request\","
            "\"a\":\"x\\ny\",\"n\":7}");
}

TEST(Line, cannot_be_broken_in_two_by_what_a_client_sends) {
  Line line(Format::kLogfmt, kWhen, Level::kInfo, "request");
  line.add("client", "x\r\nlevel=error event=forged");
  EXPECT_EQ(std::move(line).take().find('\n'), std::string::npos);
}

class MemoryLog final : public Log {
 public:
  void set_level(Level) override {}
  bool wants(Level) const override { return true; }
  Line line(Level level, std::string_view event) const override {
    return {Format::kLogfmt, kWhen, level, event};
  }
  void write(Level, Line line) override { text += std::move(line).take(); }
  std::string text;
};

TEST(Receipt, says_what_is_known_and_nothing_else) {
  MemoryLog log;
  Receipt receipt;
  receipt.id = "r1";
  receipt.route = "/v1/messages";
  receipt.model_asked = "gpt-4";
  receipt.model_sent = "claude-sonnet-4-6";
  receipt.status = 200;
  receipt.output_tokens = 5;
  receipt.first_byte = receipt.started + std::chrono::milliseconds(10);
  write_receipt(log, receipt, receipt.started + std::chrono::milliseconds(25));
  EXPECT_EQ(log.text,
            "time=2023-11-14T22:13:20.042Z level=info event=request id=r1 route=/v1/messages "
            "model=gpt-4 model_sent=claude-sonnet-4-6 status=200 first_byte_ms=10.0 "
            "duration_ms=25.0 output_tokens=5 ended=complete");
}

TEST(Receipt, of_a_cut_answer_is_a_warning_with_its_reason) {
  MemoryLog log;
  Receipt receipt;
  receipt.ending = Ending::kUpstreamBroke;
  receipt.detail = "the connection was lost";
  write_receipt(log, receipt, receipt.started);
  EXPECT_NE(log.text.find("level=warn"), std::string::npos);
  EXPECT_NE(log.text.find("ended=upstream_broke detail=\"the connection was lost\""),
            std::string::npos);
}

}  // namespace
}  // namespace ccproxy::telemetry
