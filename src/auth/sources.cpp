#include "auth/sources.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "base/file.hpp"
#include "json/document.hpp"

namespace ccproxy::auth {
namespace {

using config::CredentialSource;
using json::Document;

struct SourceName {
  CredentialSource source;
  std::string_view name, place;
};
constexpr std::array<SourceName, 7> kNames = {{
    {CredentialSource::kAuto, "auto", "none"},
    {CredentialSource::kClient, "client", "the client's own"},
    {CredentialSource::kLogin, "login", "auth.json (ccproxy login)"},
    {CredentialSource::kApiKeyEnv, "api-key-env", "ANTHROPIC_API_KEY"},
    {CredentialSource::kAuthTokenEnv, "auth-token-env", "ANTHROPIC_AUTH_TOKEN"},
    {CredentialSource::kOauthTokenEnv, "oauth-token-env", "CLAUDE_CODE_OAUTH_TOKEN"},
    {CredentialSource::kConsoleProfile, "console-profile", "Console profile (ant auth login)"},
}};

const SourceName& row_of(CredentialSource source) {
  return *std::find_if(kNames.begin(), kNames.end(),
                       [source](const SourceName& row) { return row.source == source; });
}

// Removes blanks and line ends at both ends: secrets are often read from files.
std::string_view stripped(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const auto begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) + 1 - begin);
}

// A secret is sent in a header field and must not end it.
CredentialCandidate from_environment(CredentialSource source, CredentialKind kind,
                                     std::string_view value) {
  CredentialCandidate candidate{source};
  const std::string_view secret = stripped(value);
  const auto is_odd = [](char c) { return c <= ' ' || c >= '\x7f'; };
  if (std::any_of(secret.begin(), secret.end(), is_odd)) {
    candidate.problem =
        fmt::format("{} holds blanks or characters that no credential has", place_of(source));
  } else {
    candidate.credential = {kind, std::string(secret)};
  }
  return candidate;
}

std::optional<CredentialCandidate> from_auth_file(const std::string& path) {
  CredentialCandidate candidate{CredentialSource::kLogin};
  auto stored = read_stored(path);
  if (!stored) {
    candidate.problem = fmt::format(
        "{}. CCProxy leaves the file as it is: correct it, or sign in again with `ccproxy login`",
        stored.error().message);
    return candidate;
  }
  if (!*stored) return std::nullopt;
  candidate.credential = credential_of(**stored);
  candidate.expires = (*stored)->expires;
  candidate.stored = std::move(**stored);
  return candidate;
}

// A profile is a file name here: it must not lead to another folder.
bool is_profile_name(std::string_view name) {
  return !name.empty() && name.front() != '.' &&
         name.find_first_of(std::string_view("/\\\0", 3)) == std::string_view::npos;
}

std::string active_profile(const Sources& sources) {
  if (!sources.console_profile.empty()) return sources.console_profile;
  const auto active = read_file(sources.console_folder + "/active_config", 4096);
  const std::string_view name = active ? stripped(*active) : std::string_view{};
  return name.empty() ? "default" : std::string(name);
}

std::string profile_path(const Sources& sources) {
  const std::string profile = active_profile(sources);
  if (sources.console_folder.empty() || !is_profile_name(profile)) return {};
  return fmt::format("{}/credentials/{}.json", sources.console_folder, profile);
}

// The file holds {"version", "type": "oauth_token", "access_token", "expires_at": seconds,
// "refresh_token"}.
void read_profile(const Document& root, CredentialCandidate& candidate) {
  const auto token = root.is_object() ? root.find("access_token") : root.end();
  if (!root.is_object() || token == root.end() || !token->is_string() || *token == "") {
    candidate.problem = "the Console profile holds no access token: run `ant auth login`";
    return;
  }
  candidate.credential = {CredentialKind::kOauth, token->get<std::string>()};
  const auto expires = root.find("expires_at");
  constexpr std::int64_t kYear9999 = 253'402'300'799;
  if (expires != root.end() && expires->is_number_integer() && *expires > 0 && *expires < kYear9999)
    candidate.expires = WallClock::time_point(std::chrono::seconds(expires->get<std::int64_t>()));
}

std::optional<CredentialCandidate> from_console(const Sources& sources) {
  const std::string path = profile_path(sources);
  if (path.empty() || !stamp_of(path).exists) return std::nullopt;
  const auto text = read_file(path, std::size_t{1} << 20);
  CredentialCandidate candidate{CredentialSource::kConsoleProfile};
  const auto root = text ? json::parse_document(*text) : Result<Document>(fail(text.error()));
  if (root) {
    read_profile(*root, candidate);
  } else {
    candidate.problem = fmt::format("the Console profile cannot be read: {}", root.error().message);
  }
  return candidate;
}

}  // namespace

Sources sources_of(const config::Environment& environment) {
  Sources sources;
  sources.auth_path = config::auth_path(environment);
  sources.api_key = environment.anthropic_api_key;
  sources.auth_token = environment.anthropic_auth_token;
  sources.oauth_token = environment.oauth_token;
  sources.console_folder = environment.anthropic_config_dir;
  if (sources.console_folder.empty() && !environment.home.empty())
    sources.console_folder = environment.home + "/.config/anthropic";
  sources.console_profile = environment.anthropic_profile;
  return sources;
}

std::vector<CredentialCandidate> find_candidates(const Sources& sources) {
  std::vector<CredentialCandidate> candidates;
  if (auto login = from_auth_file(sources.auth_path)) candidates.push_back(std::move(*login));
  const auto add = [&](CredentialSource source, CredentialKind kind, const std::string& value) {
    if (!stripped(value).empty()) candidates.push_back(from_environment(source, kind, value));
  };
  add(CredentialSource::kApiKeyEnv, CredentialKind::kApiKey, sources.api_key);
  add(CredentialSource::kAuthTokenEnv, CredentialKind::kBearer, sources.auth_token);
  add(CredentialSource::kOauthTokenEnv, CredentialKind::kOauth, sources.oauth_token);
  if (auto console = from_console(sources)) candidates.push_back(std::move(*console));
  return candidates;
}

std::vector<std::string> files_of(const Sources& sources) {
  std::vector<std::string> files = {sources.auth_path};
  if (sources.console_folder.empty()) return files;
  files.push_back(sources.console_folder + "/active_config");
  if (std::string path = profile_path(sources); !path.empty()) files.push_back(std::move(path));
  return files;
}

std::string_view name_of(CredentialSource source) { return row_of(source).name; }
std::string_view place_of(CredentialSource source) { return row_of(source).place; }

}  // namespace ccproxy::auth
