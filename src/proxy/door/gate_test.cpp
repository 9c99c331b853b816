#include "proxy/door/gate.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace ccproxy::proxy {
namespace {

http::RequestHead head_of(std::vector<http::Field> fields, std::string_view method = "POST") {
  http::RequestHead head;
  head.method = method;
  head.target = "/v1/messages";
  head.fields = std::move(fields);
  return head;
}

config::Config with_key() {
  config::Config config;
  config.api_keys = {{"laptop", "one"}, {"phone", "two"}};
  return config;
}

TEST(Gate, admits_loopback_names_and_listed_hosts_only) {
  config::Config config;
  config.server.allowed_hosts = {"dev.example"};
  for (const char* host : {"localhost", "LOCALHOST:3456", "127.0.0.1:3456", "127.9.9.9",
                           "[::1]:3456", "dev.example:80", "Dev.Example"})
    EXPECT_TRUE(admit(head_of({{"Host", host}}), config, false)) << host;
  for (const char* host : {"evil.example", "localhost.evil.example", "127.0.0.1.evil.example",
                           "10.0.0.1", "127.1", "127.0.0.256", "[::2]", "0.0.0.0",
                           // text behind a port or a bracket counts, too
                           "localhost:evil.example", "localhost:80.evil.example", "localhost:80:80",
                           "localhost:65536", "[::1].evil.example", "[::1]evil.example:80", "[::1",
                           "::1", "localhost:x@evil.example", "me@localhost", "localhost/", "",
                           ":3456", "localhost ", "local%68ost", "127.0.0.1\\@evil.example"}) {
    const auto pass = admit(head_of({{"Host", host}}), config, false);
    ASSERT_FALSE(pass) << host;
    EXPECT_EQ(pass.error().kind, ErrorKind::kForbidden);
    EXPECT_NE(pass.error().message.find("server.allowedHosts"), std::string::npos);
  }
}

struct AbsoluteCase {
  const char *description, *scheme, *authority, *host;
  bool admitted;
};

const AbsoluteCase kAbsolute[] = {
    {"it names the same server as Host", "http", "localhost:3456", "localhost:3456", true},
    {"the scheme may be https", "HTTPS", "localhost", "LOCALHOST", true},
    {"the default port of the scheme may be left out", "http", "127.0.0.1:80", "127.0.0.1", true},
    {"of Host as well", "https", "localhost", "localhost:443", true},
    {"the default port of another scheme may not be left out", "http", "localhost:443", "localhost",
     false},
    {"HTTP/1.0 may have no Host", "http", "localhost", nullptr, true},
    {"it names another server than Host", "http", "api.example", "localhost", false},
    {"it names another server, and so does Host", "http", "evil.example", "evil.example", false},
    {"it names another server, and there is no Host", "http", "evil.example", nullptr, false},
    {"the scheme is not of the web", "ftp", "localhost", "localhost", false},
    {"the authority has a user's name", "http", "me@localhost", "localhost", false},
    {"the authority is empty", "http", "", "localhost", false},
};

TEST(Gate, admits_a_target_in_absolute_form_that_names_this_server) {
  for (const AbsoluteCase& row : kAbsolute) {
    SCOPED_TRACE(row.description);
    std::vector<http::Field> fields;
    if (row.host != nullptr) fields.push_back({"Host", row.host});
    http::RequestHead head = head_of(fields);
    head.scheme = row.scheme;
    head.authority = row.authority;
    const auto pass = admit(head, {}, false);
    EXPECT_EQ(pass.has_value(), row.admitted);
    if (!pass) {
      EXPECT_EQ(pass.error().code, "misdirected_request");
    }
  }
  http::RequestHead head = head_of({{"Host", "tunnel.example"}, {"x-api-key", "one"}});
  head.scheme = "http";
  head.authority = "tunnel.example";
  EXPECT_TRUE(admit(head, with_key(), false)) << "a key waives the Host check here, too";
  head.authority = "other.example";
  EXPECT_FALSE(admit(head, with_key(), false)) << "a key does not waive that both are the same";
}

TEST(Gate, refuses_foreign_web_pages_and_gives_cors_fields_to_listed_ones) {
  config::Config config;
  config.server.allowed_origins = {"app://notes"};
  const auto with_origin = [&](const char* origin) {
    return admit(head_of({{"Host", "localhost"}, {"Origin", origin}}), config, false);
  };
  for (const char* origin :
       {"https://evil.example", "null", "http://localhost.evil.example", "file://",
        "http://localhost:x@evil.example", "http://localhost:evil.example",
        "http://[::1].evil.example", "http://localhost/", "http://",
        "http://localhost@evil.example", "http://localhost:8080/path", "localhost"})
    ASSERT_FALSE(with_origin(origin)) << origin;
  ASSERT_TRUE(with_origin("http://[::1]:8080"));
  ASSERT_TRUE(with_origin("http://localhost:8080"));
  EXPECT_EQ(with_origin("http://localhost:8080")->cors_fields, "");
  ASSERT_TRUE(with_origin("app://notes"));
  EXPECT_NE(
      with_origin("app://notes")->cors_fields.find("access-control-allow-origin: app://notes\r\n"),
      std::string::npos);
}

struct FetchCase {
  const char* description;
  std::vector<http::Field> fields;
  bool admitted;
};

const FetchCase kFetches[] = {
    {"an image, a frame or a form with GET on a page of another site",
     {{"Sec-Fetch-Site", "cross-site"}},
     false},
    {"the same on a page of the same site, at another port or subdomain",
     {{"sec-fetch-site", "same-site"}},
     false},
    {"the value in other case", {{"Sec-Fetch-Site", "Cross-Site"}}, false},
    {"a navigation, since CCProxy has no pages",
     {{"Sec-Fetch-Site", "cross-site"},
      {"Sec-Fetch-Mode", "navigate"},
      {"Sec-Fetch-Dest", "document"}},
     false},
    {"a key does not waive the check",
     {{"Sec-Fetch-Site", "cross-site"}, {"x-api-key", "one"}},
     false},
    {"a second field counts, too",
     {{"Sec-Fetch-Site", "none"}, {"Sec-Fetch-Site", "cross-site"}},
     false},
    {"an address that was typed in is admitted", {{"Sec-Fetch-Site", "none"}}, true},
    {"a page of the same origin is admitted", {{"Sec-Fetch-Site", "same-origin"}}, true},
    {"node, which sends the mode alone, is admitted", {{"Sec-Fetch-Mode", "cors"}}, true},
    {"a known Origin is admitted",
     {{"Sec-Fetch-Site", "same-site"}, {"Origin", "http://localhost:8080"}},
     true},
    {"a foreign Origin is not",
     {{"Sec-Fetch-Site", "same-origin"}, {"Origin", "https://evil.example"}},
     false},
};

TEST(Gate, refuses_requests_of_foreign_web_pages_without_an_origin) {
  for (const FetchCase& row : kFetches) {
    SCOPED_TRACE(row.description);
    for (const bool trusted : {false, true}) {
      auto fields = row.fields;
      fields.push_back({"Host", "localhost"});
      EXPECT_EQ(admit(head_of(fields, "GET"), {}, trusted).has_value(), row.admitted) << trusted;
    }
  }
}

TEST(Gate, takes_a_key_from_each_field_that_clients_use) {
  const config::Config config = with_key();
  const std::vector<http::Field> shown = {{"Authorization", "Bearer two"},
                                          {"authorization", "bearer  two"},
                                          {"x-api-key", "two"},
                                          {"api-key", "two"},
                                          {"x-ccproxy-key", "two"}};
  for (const auto& field : shown) {
    const auto pass = admit(head_of({{"Host", "tunnel.example"}, field}), config, false);
    ASSERT_TRUE(pass) << field.name;
    EXPECT_EQ(pass->key_name, "phone");
  }
  const std::vector<http::Field> wrong = {{"x-api-key", "tw"},
                                          {"x-api-key", "twoo"},
                                          {"x-api-key", ""},
                                          {"Authorization", "two"},
                                          {"Authorization", "Basic two"}};
  for (const auto& field : wrong) {
    const auto pass = admit(head_of({{"Host", "localhost"}, field}), config, false);
    ASSERT_FALSE(pass) << field.name << field.value;
    EXPECT_EQ(pass.error().kind, ErrorKind::kUnauthorized);
  }
}

TEST(Gate, leaves_the_clients_own_credential_alone_with_credentials_client) {
  config::Config config = with_key();
  config.credentials = config::CredentialSource::kClient;
  EXPECT_FALSE(admit(head_of({{"Host", "localhost"}, {"x-api-key", "two"}}), config, false));
  EXPECT_TRUE(
      admit(head_of({{"Host", "localhost"}, {"x-api-key", "sk-own"}, {"x-ccproxy-key", "two"}}),
            config, false));
}

TEST(Gate, checks_a_browser_on_a_unix_socket_as_elsewhere) {
  const std::vector<http::Field> shown = {{"Origin", "http://localhost"},
                                          {"Sec-Fetch-Site", "none"}};
  for (const auto& field : shown) {
    EXPECT_FALSE(admit(head_of({{"Host", "evil.example"}, field}), {}, true)) << field.name;
    EXPECT_TRUE(admit(head_of({{"Host", "localhost"}, field}), {}, true)) << field.name;
  }
  EXPECT_FALSE(
      admit(head_of({{"Host", "localhost"}, {"Origin", "https://evil.example"}}), {}, true));
}

TEST(Gate, does_not_check_the_host_of_a_client_on_a_unix_socket) {
  EXPECT_TRUE(admit(head_of({{"Host", "whatever"}}), config::Config{}, true));
  EXPECT_FALSE(admit(head_of({{"Host", "whatever"}}), with_key(), true));
}

TEST(Gate, allows_a_preflight_of_listed_origins_only) {
  config::Config config;
  config.server.allowed_origins = {"https://app.example"};
  const auto preflight = head_of({{"Origin", "https://app.example"},
                                  {"Access-Control-Request-Method", "POST"},
                                  {"Access-Control-Request-Headers", "x-api-key,content-type"}},
                                 "OPTIONS");
  EXPECT_TRUE(is_preflight(preflight));
  EXPECT_NE(preflight_fields(preflight, config)
                .find("access-control-allow-headers: x-api-key,content-type"),
            std::string::npos);
  EXPECT_EQ(preflight_fields(preflight, config::Config{}), "");
  EXPECT_FALSE(is_preflight(head_of({{"Origin", "https://app.example"}}, "OPTIONS")));
}

}  // namespace
}  // namespace ccproxy::proxy
