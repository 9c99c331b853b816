#include "support/sign_in.hpp"

#include <stdexcept>

#include "auth/pkce.hpp"
#include "base/encoding.hpp"

namespace ccproxy::test {
namespace {

// Returns the value of a parameter in a URL.
std::string parameter(const std::string& address, const std::string& name) {
  for (const char* before : {"?", "&"}) {
    const auto at = address.find(before + name + "=");
    if (at == std::string::npos) continue;
    const auto begin = at + name.size() + 2;
    return percent_decoded(address.substr(begin, address.find('&', begin) - begin));
  }
  return {};
}

}  // namespace

Document mock_json(std::uint16_t port, const std::string& method, const std::string& target,
                   const Document& body) {
  const Reply reply = send_request(port, method, target, body.is_null() ? "" : body.dump(),
                                   "content-type: application/json\r\n");
  if (reply.status != 200) throw std::runtime_error("mock: " + target + ": " + reply.raw);
  return Document::parse(reply.body);
}

void set_oauth(std::uint16_t mock_port, const Document& settings) {
  (void)mock_json(mock_port, "PUT", "/mock/oauth", settings);
}

Document oauth(std::uint16_t mock_port) { return mock_json(mock_port, "GET", "/mock/oauth"); }

Document sign_in(std::uint16_t mock_port, std::chrono::milliseconds left) {
  const auth::PkceSession session = auth::begin_pkce_session("http://localhost:1/callback");
  const std::string client = "9d1c250a-e61b-44d9-88ed-5944d1962f5e";
  const Reply allowed =
      send_request(mock_port, "GET",
                   "/oauth/authorize?code=true&response_type=code&client_id=" + client +
                       "&redirect_uri=" + percent_encoded(session.redirect_uri) +
                       "&scope=user%3Aprofile%20user%3Ainference&code_challenge=" +
                       auth::challenge_of(session.verifier) +
                       "&code_challenge_method=S256&state=" + session.state + "&decision=allow");
  const std::string location(allowed.field("location"));
  if (parameter(location, "state") != session.state)
    throw std::runtime_error("the mock does not let anybody in: " + allowed.raw);
  const Document grant = mock_json(mock_port, "POST", "/v1/oauth/token",
                                   {{"grant_type", "authorization_code"},
                                    {"code", parameter(location, "code")},
                                    {"state", session.state},
                                    {"client_id", client},
                                    {"redirect_uri", session.redirect_uri},
                                    {"code_verifier", session.verifier}});
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::system_clock::now().time_since_epoch());
  return {{"type", "oauth"},
          {"refresh", grant.at("refresh_token")},
          {"access", grant.at("access_token")},
          {"expires", (now + left).count()},
          {"obtained", now.count()}};
}

}  // namespace ccproxy::test
