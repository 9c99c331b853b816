// Checks docs/mock.md against the code: its scripts are valid, and its tables list every fault,
// setting and counter.
#include <gtest/gtest.h>

#include <string>

#include "base/file.hpp"
#include "json/document.hpp"
#include "mock/fault.hpp"
#include "mock/oauth/oauth.hpp"
#include "mock/script.hpp"

namespace ccproxy::mock {
namespace {

std::string document() {
  const auto text = read_file(std::string(CCPROXY_SOURCE_DIR) + "/docs/mock.md");
  EXPECT_TRUE(text) << (text ? "" : text.error().message);
  return text.value_or("");
}

TEST(MockDocument, has_valid_scripts) {
  constexpr std::string_view kBegin = "```json\n";
  const std::string text = document();
  int scripts = 0;
  for (auto at = text.find(kBegin); at != std::string::npos; at = text.find(kBegin, at + 1)) {
    const auto begin = at + kBegin.size();
    const auto script = parse_script(text.substr(begin, text.find("```", begin) - begin));
    EXPECT_TRUE(script) << (script ? "" : script.error().message);
    ++scripts;
  }
  EXPECT_EQ(scripts, 4);
}

TEST(MockDocument, names_every_fault) {
  const std::string text = document();
  const std::string table = text.substr(text.find("## Faults"));
  for (const FaultName& fault : kFaultNames) {
    const std::string name = "`" + std::string(fault.name);
    const bool named = table.find(name + "`") != std::string::npos ||
                       table.find(name + "[=") != std::string::npos ||
                       table.find(name + "=") != std::string::npos;
    EXPECT_TRUE(named) << fault.name;
  }
}

TEST(MockDocument, names_every_setting_and_counter_of_sign_in) {
  const std::string text = document();
  const std::string section = text.substr(text.find("## Sign-in\n"));
  const auto reply = Oauth().control("GET", "/mock/oauth", "");
  ASSERT_TRUE(reply);
  const auto shown = json::parse_document(reply->steps.at(0).bytes);
  ASSERT_TRUE(shown);
  EXPECT_EQ(shown->size(), 13U);
  for (const auto& [name, content] : shown->items()) {
    const auto row = section.find("\n| `" + name + "`");
    const auto shared = section.find(", `" + name + "` |");
    EXPECT_TRUE(row != std::string::npos || shared != std::string::npos) << name;
  }
}

}  // namespace
}  // namespace ccproxy::mock
