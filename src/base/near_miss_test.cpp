#include "base/near_miss.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace ccproxy {
namespace {

struct Row {
  const char* description;
  std::string word;
  std::string suggestion;
};

const std::vector<std::string> kKnown = {"start",  "login",     "logout",      "status",
                                         "config", "set-model", "--port",      "--no-browser",
                                         "key",    "--host",    "server.port", "remove-model"};

const Row kRows[] = {
    {"two letters may be swapped", "strat", "start"},
    {"a letter may be missing", "confg", "config"},
    {"a letter may be added", "loggin", "login"},
    {"a letter may be replaced", "logit", "login"},
    {"leading dashes are ignored", "--prot", "--port"},
    {"one dash may stand in place of two", "-port", "--port"},
    {"the dashes may be missing", "port", "--port"},
    {"case is ignored", "STATUS", "status"},
    {"a longer word may differ more", "--nobrowsr", "--no-browser"},
    {"a dash inside a word is a letter", "setmodel", "set-model"},
    {"the nearest of several wins", "logot", "logout"},
    {"a different word matches nothing", "nonsense", ""},
    {"a single letter matches nothing", "x", ""},
    {"empty text matches nothing", "", ""},
    {"dashes alone match nothing", "--", ""},
    {"a very long word matches nothing", std::string(100'000, 's'), ""},
};

TEST(NearMiss, suggests_the_nearest_known_word) {
  for (const Row& row : kRows)
    EXPECT_EQ(nearest(row.word, kKnown), row.suggestion) << row.description;
}

}  // namespace
}  // namespace ccproxy
