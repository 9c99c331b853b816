#include "config/changes.hpp"

#include <gtest/gtest.h>

#include "config/file.hpp"
#include "config/keys.hpp"

namespace ccproxy::config {
namespace {

TEST(Changes, are_listed_by_key_and_by_when_they_apply) {
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

TEST(Changes, include_a_changed_secret) {
  Config before = defaults();
  before.api_keys = {{"a", "1"}};
  Config after = before;
  after.api_keys[0].key = "2";
  EXPECT_EQ(changes_between(before, after).live, std::vector<std::string>{"apiKeys"});
}

// merge_live() preserves exactly the keys that wait for the next start.
TEST(Changes, that_wait_for_the_next_start_are_not_merged) {
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
