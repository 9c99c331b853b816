#include "telemetry/log.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <string>

#include "telemetry/access_log.hpp"
#include "telemetry/refusals.hpp"

namespace ccproxy::telemetry {
namespace {

const WallClock::time_point kWhen{std::chrono::milliseconds(1'700'000'000'042)};

TEST(Line, formats_logfmt) {
  Line line(Format::kLogfmt, kWhen, Level::kInfo, "request");
  line.add("route", "/v1/messages").add("status", 200).add("took", std::chrono::microseconds(1234));
  line.add("why", "it said \"no\"\n").add("empty", "");
  EXPECT_EQ(std::move(line).take(),
            "time=2023-11-14T22:13:20.042Z level=info event=request route=/v1/messages status=200 "
            "took=1.2 why=\"it said \\\"no\\\"\\n\" empty=\"\"");
}

TEST(Line, formats_json) {
  Line line(Format::kJson, kWhen, Level::kWarn, "request");
  line.add("a", "x\ny").add("n", 7);
  EXPECT_EQ(std::move(line).take(),
            "{\"time\":\"2023-11-14T22:13:20.042Z\",\"level\":\"warn\",\"event\":\"request\","
            "\"a\":\"x\\ny\",\"n\":7}");
}

TEST(Line, stays_one_line_whatever_a_client_sends) {
  Line line(Format::kLogfmt, kWhen, Level::kInfo, "request");
  line.add("client", "x\r\nlevel=error event=forged");
  EXPECT_EQ(std::move(line).take().find('\n'), std::string::npos);
}

TEST(Line, cuts_and_escapes_text_from_outside_in_every_format) {
  for (const Format format : {Format::kText, Format::kLogfmt, Format::kJson}) {
    Line line(format, kWhen, Level::kInfo, "request");
    line.add("model", std::string(1 << 20, 'm'));
    line.add("client", "x\xc2\x9b\xe2\x80\xae\xff");
    line.add("detail", std::string(1000, ' ') + std::string(1000, 'd'));
    line.add("message", std::string(2000, 'w') + " and so on");
    const std::string text = std::move(line).take();
    EXPECT_LT(text.size(), 1500U);
    EXPECT_EQ(text.find(std::string(129, 'm')), std::string::npos);
    EXPECT_EQ(text.find("\xc2\x9b"), std::string::npos);
    EXPECT_EQ(text.find("\xe2\x80\xae"), std::string::npos);
    EXPECT_EQ(text.find('\xff'), std::string::npos);
    const bool is_cut = text.find(std::string(128, 'm') + "...") != std::string::npos;
    EXPECT_EQ(is_cut, format != Format::kText) << "a line for a person has less room";
  }
}

// Returns the lines for a person, at the width of a terminal.
std::string request_at(std::size_t columns, const Receipt& receipt, bool colours = false) {
  class TerminalLog final : public Log {
   public:
    TerminalLog(std::size_t width, bool coloured) : style_{coloured, width} {}
    void set_level(Level) override {}
    bool wants(Level) const override { return true; }
    Line line(Level level, std::string_view event) const override {
      return {Format::kText, kWhen, level, event, style_};
    }
    void write(Level, Line line) override { text += std::move(line).take(); }
    std::string text;

   private:
    LineStyle style_;
  };
  TerminalLog log(columns, colours);
  write_receipt(log, receipt, receipt.started + std::chrono::milliseconds(12'345));
  return log.text;
}

Receipt usual_receipt() {
  Receipt receipt;
  receipt.id = "ccp_1";
  receipt.method = "POST";
  receipt.route = "/v1/chat/completions";
  receipt.model_requested = "gpt-4";
  receipt.model_sent = "claude-sonnet-4-6";
  receipt.status = 200;
  receipt.input_tokens = 26;
  receipt.cached_tokens = 12'000;
  receipt.output_tokens = 567;
  return receipt;
}

std::size_t longest_of(const std::string& text) {
  std::size_t longest = 0, at = 0;
  while (at <= text.size()) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    longest = std::max(longest, end - at);
    at = end + 1;
  }
  return longest;
}

TEST(TerminalLine, fits_a_request_into_one_line) {
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  EXPECT_EQ(request_at(80, usual_receipt()),
            "22:13:20 POST /v1/chat/completions claude-sonnet-4-6 200 12k in 567 out 12.3 s");
  EXPECT_EQ(
      request_at(120, usual_receipt()),
      "22:13:20 POST   /v1/chat/completions   gpt-4 > claude-sonnet-4-6            200 12k in "
      "567 out 12.3 s");
  Receipt bare;
  bare.method = "GET";
  bare.route = "/health";
  bare.status = 200;
  EXPECT_EQ(request_at(80, bare), "22:13:20 GET /health 200 12.3 s");
  Receipt hostile = usual_receipt();
  hostile.model_requested = std::string(100'000, 'x');
  hostile.model_sent = hostile.model_requested;
  for (const std::size_t columns : {80U, 100U, 120U})
    EXPECT_LE(longest_of(request_at(columns, hostile)), columns);
}

TEST(TerminalLine, puts_errors_and_warnings_on_lines_of_their_own) {
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  Receipt receipt = usual_receipt();
  receipt.warn("model_retired", "gpt-4 is served by another");
  receipt.ignored = "seed, logit_bias";
  EXPECT_EQ(request_at(80, receipt),
            "22:13:20 POST /v1/chat/completions claude-sonnet-4-6 200 12k in 567 out 12.3 s\n"
            "         warning: model_retired: gpt-4 is served by another\n"
            "         ignored: seed, logit_bias");
  Receipt broken = usual_receipt();
  broken.status = 502;
  broken.ending = Ending::kUpstreamBroke;
  broken.detail = "connection lost";
  EXPECT_NE(request_at(80, broken).find("\n         upstream_broke: connection lost"),
            std::string::npos);
}

TEST(TerminalLine, has_colours_when_they_are_enabled) {
  EXPECT_EQ(request_at(80, usual_receipt()).find('\x1b'), std::string::npos);
  const std::string coloured = request_at(80, usual_receipt(), true);
  EXPECT_NE(coloured.find("\x1b[32m200\x1b[0m"), std::string::npos) << coloured;
  Line line(Format::kText, kWhen, Level::kError, "store", LineStyle{true, 80});
  line.add("message", "no room");
  EXPECT_NE(std::move(line).take().find("\x1b[31merror: store: no room\x1b[0m"), std::string::npos);
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

TEST(Receipt, logs_the_known_facts_and_nothing_else) {
  MemoryLog log;
  Receipt receipt;
  receipt.id = "r1";
  receipt.route = "/v1/messages";
  receipt.model_requested = "gpt-4";
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

TEST(Refusals, log_one_line_a_second_and_count_all) {
  MemoryLog log;
  Refusals refusals("key_refused", "no key");
  const auto begun = Clock::now();
  int logged = 0;
  for (int i = 0; i < 1000; ++i)
    logged += refusals.count("127.0.0.1:" + std::to_string(i), begun) ? 1 : 0;
  EXPECT_EQ(logged, 1);
  refusals.log_rest(log, begun + std::chrono::milliseconds(500));
  EXPECT_EQ(log.text, "") << "a second has not passed yet";
  refusals.log_rest(log, begun + std::chrono::seconds(1));
  EXPECT_NE(log.text.find("event=key_refused message=\"no key\" count=999 peer=127.0.0.1:999"),
            std::string::npos)
      << log.text;
  log.text.clear();
  refusals.log_rest(log, begun + std::chrono::seconds(5));
  EXPECT_EQ(log.text, "") << "each refusal is logged once";
  refusals.log_refusal(log, "[::1]:5", begun + std::chrono::seconds(6));
  EXPECT_NE(log.text.find("count=1 peer=[::1]:5"), std::string::npos) << log.text;
}

TEST(Receipt, of_a_cut_reply_is_a_warning_with_its_reason) {
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
