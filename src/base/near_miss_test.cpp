#include "base/near_miss.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace ccproxy {
namespace {

struct Row {
  const char* why;
  std::string word;
  std::string meant;
};

const std::vector<std::string> kKnown = {"start",  "login",     "logout",      "status",
                                         "config", "set-model", "--port",      "--no-browser",
                                         "key",    "--host",    "server.port", "remove-model"};

const Row kRows[] = {
    {"two letters changed places", "strat", "start"},
    {"a letter is missing", "confg", "config"},
    {"a letter is too many", "loggin", "login"},
    {"a letter is another", "logit", "login"},
    {"dashes in front do not count", "--prot", "--port"},
    {"one dash in place of two", "-port", "--port"},
    {"no dashes in place of two", "port", "--port"},
    {"the case does not count", "STATUS", "status"},
    {"a longer word may have more faults", "--nobrowsr", "--no-browser"},
    {"a dash is a letter where it stands inside", "setmodel", "set-model"},
    {"the nearest wins", "logot", "logout"},
    {"another word is none", "nonsense", ""},
    {"a letter is near nothing", "x", ""},
    {"nothing is near nothing", "", ""},
    {"dashes alone are near nothing", "--", ""},
    {"what is very long is near nothing", std::string(100'000, 's'), ""},
};

TEST(NearMiss, is_what_somebody_meant) {
  for (const Row& row : kRows) EXPECT_EQ(nearest(row.word, kKnown), row.meant) << row.why;
}

}  // namespace
}  // namespace ccproxy
