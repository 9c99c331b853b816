// A home folder for tests of credentials, and texts for its auth.json. Only tests include this.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "base/clock.hpp"
#include "json/document.hpp"

namespace ccproxy::auth {

using json::Document;

class Home {
 public:
  Home() : path_(std::filesystem::temp_directory_path() / "ccproxy-auth-XXXXXX") {
    if (::mkdtemp(path_.data()) == nullptr) ADD_FAILURE() << "no folder for the test";
  }
  Home(const Home&) = delete;
  Home& operator=(const Home&) = delete;
  Home(Home&&) = delete;
  Home& operator=(Home&&) = delete;
  ~Home() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] std::string at(const std::string& name) const { return path_ + "/" + name; }
  [[nodiscard]] std::string auth() const { return at("auth.json"); }

  // Files are private unless a test wants another mode.
  void write(const std::string& name, const std::string& text, unsigned mode = 0600) const {
    std::filesystem::create_directories(std::filesystem::path(at(name)).parent_path());
    std::ofstream(at(name)) << text;
    ::chmod(at(name).c_str(), mode);
  }
  [[nodiscard]] std::string read(const std::string& name) const {
    std::ifstream file(at(name));
    return {std::istreambuf_iterator<char>(file), {}};
  }
  [[nodiscard]] Document auth_file() const { return Document::parse(read("auth.json")); }
  [[nodiscard]] unsigned mode_of(const std::string& name) const {
    struct stat facts {};
    return ::stat(at(name).c_str(), &facts) == 0 ? facts.st_mode & 0777U : 0;
  }

 private:
  std::string path_;
};

// Returns the time `time` from now, in milliseconds since 1970.
inline std::int64_t in(std::chrono::milliseconds time) {
  const auto when = WallClock::now() + time;
  return std::chrono::duration_cast<std::chrono::milliseconds>(when.time_since_epoch()).count();
}

// Returns the auth.json of a sign-in whose access token expires after `good_for`.
inline std::string sign_in(std::chrono::milliseconds good_for, const std::string& access = "at-1",
                           const std::string& refresh = "rt-1") {
  return Document{{"type", "oauth"},
                  {"refresh", refresh},
                  {"access", access},
                  {"expires", in(good_for)},
                  {"mine", {1, 2}}}
      .dump();
}

}  // namespace ccproxy::auth
