// What tests of `ccproxy login` share: a home folder whose authorization server is the mock, a
// browser that only writes down the URL that it is given, and the steps that a person takes in it.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "support/proxy_fixture.hpp"
#include "support/sign_in.hpp"
#include "support/terminal.hpp"
#include "support/text.hpp"

namespace ccproxy::test {

class LoginFixture : public testing::Test {
 protected:
  LoginFixture() {
    // This browser only writes down which URL it was given.
    std::ofstream(browser()) << "#!/bin/sh\necho \"$1\" > '" << fixture.home() << "/opened'\n";
    ::chmod(browser().c_str(), 0755);
  }

  [[nodiscard]] std::string browser() const { return fixture.home() + "/browser"; }
  [[nodiscard]] std::string path() const { return fixture.home() + "/auth.json"; }
  [[nodiscard]] bool has_auth_file() const { return std::filesystem::exists(path()); }
  [[nodiscard]] Document auth_file() const { return Document::parse(file_text(path())); }
  [[nodiscard]] Process::Environment environment(bool with_browser = false) const {
    Process::Environment all = {{"CCPROXY_HOME", fixture.home()}, {"HOME", fixture.home()}};
    if (with_browser) all["BROWSER"] = browser();
    return all;
  }
  [[nodiscard]] static std::vector<std::string> login(std::vector<std::string> flags = {}) {
    flags.insert(flags.begin(), "login");
    return flags;
  }

  // Waits for the URL that the browser was given.
  [[nodiscard]] std::string opened_url() const {
    std::string url;
    (void)wait_until([&] {
      std::ifstream in(fixture.home() + "/opened");
      return static_cast<bool>(std::getline(in, url)) && !url.empty();
    });
    return url;
  }
  // Clicks the decision on the consent page. Returns the URL that the browser is redirected to.
  [[nodiscard]] std::string decide_on_page(const std::string& url,
                                           const std::string& decision) const {
    const std::string target = url.substr(fixture.mock_url().size());
    return std::string(send_request(fixture.mock_port(), "GET", target + "&decision=" + decision)
                           .field("location"));
  }
  // Follows the redirect to the loopback address.
  static Reply follow(const std::string& url) {
    const auto port = url.find(':', 7) + 1;
    const auto slash = url.find('/', port);
    const auto number = static_cast<std::uint16_t>(std::stoul(url.substr(port, slash - port)));
    RawClient client(number);
    client.send("GET " + url.substr(slash) +
                " HTTP/1.1\r\nHost: localhost:" + std::to_string(number) + "\r\n\r\n");
    return client.read_reply();
  }
  // Returns the code as the page of the manual redirect shows it.
  static std::string code_for_pasting(const std::string& location) {
    const auto code = location.find("code=") + 5, state = location.find("&state=");
    return location.substr(code, state - code) + "#" + location.substr(state + 7);
  }

  ProxyFixture fixture{Plan{.config = kOauthConfig, .environment = {}}};
};

}  // namespace ccproxy::test
