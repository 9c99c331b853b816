#include "config/changes.hpp"

#include <gtest/gtest.h>

#include "config/file.hpp"
#include "config/keys.hpp"

namespace ccproxy::config {
namespace {

TEST(Changes, are_told_by_key_and_by_when_they_count) {
  const Config before = defaults();
  Config after = before;
  EXPECT_TRUE(changes_between(before, after).live.empty());
  after.log.level = LogLevel::kDebug;
  after.model_mapping["x"] = "y";
  after.api_keys = {{"a", "1"}};
  after.server.port = 1;
  const Changes changes = changes_between(before, after);
  EXPECT_EQ(changes.live, (std::vector<std::string>{"modelMapping", "apiKeys", "log.level"}));
  EXPECT_EQ(changes.at_next_start, std::vector<std::string>{"server.port"});
}

TEST(Changes, of_a_key_alone_are_seen_though_keys_are_never_shown) {
  Config before = defaults();
  before.api_keys = {{"a", "1"}};
  Config after = before;
  after.api_keys[0].key = "2";
  EXPECT_EQ(changes_between(before, after).live, std::vector<std::string>{"apiKeys"});
}

// Every key that waits for the next start is one that merge_live keeps, and no other is.
TEST(Changes, that_wait_stay_as_they_run) {
  const Config running = defaults();
  Config after = running;
  after.server = {1, "h", "s", {"a"}, {"o"}, seconds(1), 2};
  after.log = {LogLevel::kError, LogFormat::kJson, "f"};
  after.limits.body_bytes = 5;
  const Changes left = changes_between(running, merge_live(running, after));
  EXPECT_TRUE(left.at_next_start.empty()) << left.at_next_start.front();
  EXPECT_EQ(left.live, (std::vector<std::string>{"server.allowedHosts", "server.allowedOrigins",
                                                 "limits.bodyBytes", "log.level"}));
}

}  // namespace
}  // namespace ccproxy::config
