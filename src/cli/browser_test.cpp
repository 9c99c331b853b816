#include "cli/browser.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

namespace ccproxy::cli {
namespace {

using Command = std::vector<std::string>;

// A folder with programs and an environment in which nothing else is found; the destructor undoes
// both.
class Browser : public testing::Test {
 public:
  Browser() {
    std::string pattern = testing::TempDir() + "browser-XXXXXX";
    folder = ::mkdtemp(pattern.data());
    for (const char* name : kVariables) {
      const char* value = std::getenv(name);
      if (value != nullptr) before[name] = value;
      ::unsetenv(name);
    }
    ::setenv("PATH", folder.c_str(), 1);
  }
  Browser(const Browser&) = delete;
  Browser& operator=(const Browser&) = delete;
  Browser(Browser&&) = delete;
  Browser& operator=(Browser&&) = delete;
  ~Browser() override {
    for (const char* name : kVariables) ::unsetenv(name);
    for (const auto& [name, value] : before) ::setenv(name.c_str(), value.c_str(), 1);
    std::filesystem::remove_all(folder);
  }

  std::string add_program(const std::string& name) const {
    std::ofstream(folder + "/" + name) << "#!/bin/sh\n";
    ::chmod((folder + "/" + name).c_str(), 0755);
    return folder + "/" + name;
  }
  static Command with(const char* name, const std::string& value) {
    ::setenv(name, value.c_str(), 1);
    return browser_command("http://x");
  }

  static constexpr const char* kVariables[] = {"PATH",    "BROWSER",         "SSH_CONNECTION",
                                               "SSH_TTY", "WAYLAND_DISPLAY", "DISPLAY"};
  std::string folder;
  std::map<std::string, std::string> before;
};

TEST_F(Browser, is_the_one_in_BROWSER) {
  (void)add_program("fox");
  const std::string blank = add_program("my browser");
  EXPECT_EQ(with("BROWSER", "fox"), (Command{"fox", "http://x"}));
  EXPECT_EQ(with("BROWSER", blank), (Command{blank, "http://x"}));
  EXPECT_EQ(with("BROWSER", "fox  --new"), (Command{"fox", "--new", "http://x"}));
  EXPECT_EQ(with("BROWSER", "fox --url=%s --new"), (Command{"fox", "--url=http://x", "--new"}));
  EXPECT_EQ(with("BROWSER", "missing:fox:other"), (Command{"fox", "http://x"}));
}

TEST_F(Browser, is_the_one_in_BROWSER_over_ssh_too) {
  (void)add_program("fox");
  ::setenv("SSH_CONNECTION", "10.0.0.1 1 10.0.0.2 22", 1);
  EXPECT_EQ(with("BROWSER", "fox"), (Command{"fox", "http://x"}))
      << "editors with a remote connection set it";
}

TEST_F(Browser, is_empty_when_it_cannot_be_run) {
  std::filesystem::create_directory(folder + "/folder");
  std::ofstream(folder + "/text") << "no program";
  for (const char* chosen : {"missing", "folder", "text", ":", " ", "%s", "missing --new"})
    EXPECT_EQ(with("BROWSER", chosen), Command()) << chosen;
  EXPECT_FALSE(has_browser());
  EXPECT_FALSE(open_browser("http://x"));
}

#ifndef __APPLE__
TEST_F(Browser, is_the_desktops_where_there_is_one) {
  EXPECT_EQ(with("DISPLAY", ":0"), Command()) << "the desktop has no program for addresses";
  (void)add_program("xdg-open");
  EXPECT_EQ(browser_command("http://x"), (Command{"xdg-open", "http://x"}));
  ::unsetenv("DISPLAY");
  EXPECT_EQ(browser_command("http://x"), Command()) << "the machine has no screen";
  EXPECT_EQ(with("WAYLAND_DISPLAY", "wayland-0"), (Command{"xdg-open", "http://x"}));
}

TEST_F(Browser, is_empty_for_a_desktop_on_another_machine) {
  (void)add_program("xdg-open");
  ::setenv("DISPLAY", "localhost:10.0", 1);
  EXPECT_EQ(with("SSH_TTY", "/dev/pts/1"), Command());
}
#endif

}  // namespace
}  // namespace ccproxy::cli
