#include "auth/authorize.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "http/query.hpp"
#include "net/crypto.hpp"

namespace ccproxy::auth {
namespace {

constexpr std::size_t kMaxPasteBytes = 4096;
constexpr std::size_t kMaxReasonLength = 64;

// Returns the decoded value of a parameter; "" when it is missing. A pasted address may have a
// fragment behind its query.
std::string parameter(std::string_view query, std::string_view name) {
  return http::decoded_query_value(query.substr(0, query.find('#')), name);
}

// Removes what terminals put around a paste, and blanks and quotes, in any order.
std::string_view stripped(std::string_view text) {
  constexpr std::string_view kAround = " \t\r\n\"'`<>";
  for (std::size_t before = text.size() + 1; text.size() != before;) {
    before = text.size();
    for (const std::string_view mark : {"\x1b[200~", "\x1b[201~"}) {
      if (text.starts_with(mark)) text.remove_prefix(mark.size());
      if (text.ends_with(mark)) text.remove_suffix(mark.size());
    }
    text.remove_prefix(std::min(text.find_first_not_of(kAround), text.size()));
    text = text.substr(0, text.find_last_not_of(kAround) + 1);
  }
  return text;
}

// Returns the query of a pasted address, nothing when the text is no address. Some browsers leave
// the scheme out.
std::optional<std::string_view> query_in(std::string_view text) {
  const auto mark = text.find('?');
  if (mark != std::string_view::npos) return text.substr(mark);
  if (text.find("://") != std::string_view::npos) return std::string_view();
  return std::nullopt;
}

bool is_code(std::string_view text) {
  return !text.empty() && text.size() <= kMaxPasteBytes &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

// Returns the server's reason if it is a single word, and not a text that somebody else chose.
std::string reason_of(std::string_view query) {
  const std::string error = parameter(query, "error");
  const bool is_word = error.size() <= kMaxReasonLength &&
                       std::all_of(error.begin(), error.end(),
                                   [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
  return is_word ? error : "an error";
}

tl::unexpected<Error> wrong(std::string message) {
  return fail(ErrorKind::kInvalidRequest, std::move(message));
}

constexpr const char* kWrongState =
    "this belongs to another sign-in (its state is not ours): use the address shown here";

}  // namespace

std::string authorize_url(const config::Oauth& oauth, const PkceSession& session) {
  const std::string challenge = challenge_of(session.verifier);
  std::string url = oauth.authorize_url;
  http::append_query(url, {{"code", "true"},
                           {"client_id", oauth.client_id},
                           {"response_type", "code"},
                           {"redirect_uri", session.redirect_uri},
                           {"scope", oauth.scopes},
                           {"code_challenge", challenge},
                           {"code_challenge_method", "S256"},
                           {"state", session.state}});
  return url;
}

Result<AuthorizationCode> read_redirect(std::string_view query, const PkceSession& session) {
  if (!net::same_secret(parameter(query, "state"), session.state)) return wrong(kWrongState);
  if (const std::string reason = reason_of(query); !reason.empty())
    return fail(ErrorKind::kForbidden, fmt::format("the sign-in was refused ({})", reason));
  std::string code = parameter(query, "code");
  if (!is_code(code)) return wrong("there is no code in this address");
  return AuthorizationCode{std::move(code), session};
}

Result<AuthorizationCode> read_paste(std::string_view pasted, const PkceSession& manual,
                                     const std::vector<PkceSession>& others) {
  const std::string_view text = stripped(pasted);
  if (text.empty()) return wrong("nothing was pasted");
  if (const auto query = query_in(text)) {
    if (!parameter(*query, "code_challenge").empty())
      return wrong("this is the address to open: paste what the page shows after you agreed");
    if (parameter(*query, "state").empty() && parameter(*query, "code").empty())
      return wrong("there is no code in this address");
    const std::string state = parameter(*query, "state");
    for (const PkceSession& other : others)
      if (net::same_secret(state, other.state)) return read_redirect(*query, other);
    return read_redirect(*query, manual);
  }
  const auto hash = text.find('#');
  const std::string_view code = text.substr(0, hash);
  if (!is_code(code))
    return wrong("this is no code: paste what the page shows, or the address that it led to");
  if (hash != std::string_view::npos && !net::same_secret(text.substr(hash + 1), manual.state))
    return wrong(kWrongState);
  return AuthorizationCode{std::string(code), manual};
}

}  // namespace ccproxy::auth
