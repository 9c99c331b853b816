#include "auth/stored_credential.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <utility>
#include <vector>

#include "base/file.hpp"

namespace ccproxy::auth {
namespace {

using json::Document;

constexpr int kIndent = 2;
constexpr mode_t kOthers = 077;
constexpr std::size_t kMaxBytes = std::size_t{1} << 20;

struct KindName {
  std::string_view name;
  StoredKind kind;
};
constexpr std::array<KindName, 3> kKinds = {{{"oauth", StoredKind::kOauth},
                                             {"token", StoredKind::kToken},
                                             {"api_key", StoredKind::kApiKey}}};

std::optional<StoredKind> kind_named(std::string_view name) {
  for (const KindName& row : kKinds)
    if (row.name == name) return row.kind;
  return std::nullopt;
}

std::string_view name_of(StoredKind kind) {
  for (const KindName& row : kKinds)
    if (row.kind == kind) return row.name;
  return {};
}

// Returns the member as text, "" when it is missing or null. Fails when it is something else.
Result<std::string> text_in(const Document& root, const char* name) {
  const auto found = root.find(name);
  if (found == root.end() || found->is_null()) return std::string();
  if (found->is_string()) return found->get<std::string>();
  return fail(ErrorKind::kConfiguration, fmt::format("\"{}\" must be a string", name));
}

// A secret is sent in a header field, where a line end would end the field.
bool is_header_safe(std::string_view secret) {
  for (const char c : secret)
    if (c <= ' ' || c == '\x7f') return false;
  return true;
}

// Returns a member of a member, for values that are only shown; "" when it is missing.
std::string nested_text(const Document& root, const char* outer, const char* inner) {
  const auto found = root.find(outer);
  if (found == root.end() || !found->is_object()) return {};
  const auto value = found->find(inner);
  return value != found->end() && value->is_string() ? value->get<std::string>() : "";
}

Result<std::optional<WallClock::time_point>> expiry_in(const Document& root) {
  const auto found = root.find("expires");
  if (found == root.end() || found->is_null()) return std::optional<WallClock::time_point>();
  constexpr std::int64_t kYear9999 = 253'402'300'799'000;
  if (!found->is_number_integer() || *found < 0 || *found > kYear9999)
    return fail(ErrorKind::kConfiguration,
                "\"expires\" must be a time in milliseconds since 1970, an integer");
  return std::optional(
      WallClock::time_point(std::chrono::milliseconds(found->get<std::int64_t>())));
}

// Removes the permissions of others from `path`, if it is of that type (S_IFREG, S_IFDIR): a device
// or a folder in place of a file keeps its mode. Returns a sentence when there was something to
// remove.
std::string restrict_mode(const std::string& path, mode_t type, mode_t mode) {
  struct stat facts {};
  if (::stat(path.c_str(), &facts) != 0 || (facts.st_mode & S_IFMT) != type) return {};
  if ((facts.st_mode & kOthers) == 0) return {};
  const bool is_restricted = ::chmod(path.c_str(), mode) == 0;
  return fmt::format("{} was open to others (mode {:o}){}", path, facts.st_mode & 07777U,
                     is_restricted ? fmt::format("; it is {:04o} now", mode)
                                   : fmt::format("; make it {:04o}", mode));
}

// Whether this is a regular file of this user that nobody else can access.
bool is_plain_file(const std::string& path) {
  struct stat facts {};
  return ::lstat(path.c_str(), &facts) == 0 && S_ISREG(facts.st_mode) &&
         facts.st_uid == ::geteuid() && (facts.st_mode & kOthers) == 0;
}

// Whether `later` is of the same account as `stored` and can have been renewed from it.
bool renews(const StoredCredential& later, const StoredCredential& stored) {
  const auto same = [&](const char* outer, const char* inner) {
    return nested_text(later.document, outer, inner) == nested_text(stored.document, outer, inner);
  };
  return later.kind == StoredKind::kOauth && later.expires && !later.refresh.empty() &&
         same("account", "uuid") && same("account", "email") && same("organization", "uuid") &&
         same("organization", "name");
}

// The leftover may not be on disk yet, so it is synced before it replaces the old file.
bool put_in_place(const std::string& left, const std::string& target) {
  const int fd = ::open(left.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return false;
  const bool is_synced = ::fsync(fd) == 0;
  ::close(fd);
  return is_synced && std::rename(left.c_str(), target.c_str()) == 0;
}

Result<StoredCredential> read_members(Document root) {
  StoredCredential stored;
  auto type = text_in(root, "type");
  if (!type) return fail(type.error());
  const auto kind = kind_named(*type);
  if (!kind)
    return fail(ErrorKind::kConfiguration, R"("type" must be "oauth", "token" or "api_key")");
  stored.kind = *kind;
  const char* secret_name = *kind == StoredKind::kApiKey ? "key" : "access";
  auto secret = text_in(root, secret_name);
  auto refresh = text_in(root, "refresh");
  auto expires = expiry_in(root);
  if (!secret) return fail(secret.error());
  if (!refresh) return fail(refresh.error());
  if (!expires) return fail(expires.error());
  if (secret->empty() || !is_header_safe(*secret))
    return fail(ErrorKind::kConfiguration,
                fmt::format("\"{}\" must be a string without blanks, and not empty", secret_name));
  stored.secret = std::move(*secret);
  stored.refresh = std::move(*refresh);
  stored.expires = *expires;
  stored.account = nested_text(root, "account", "email");
  stored.organization = nested_text(root, "organization", "name");
  if (auto scope = text_in(root, "scope")) stored.scope = std::move(*scope);
  stored.document = std::move(root);
  return stored;
}

}  // namespace

Result<std::optional<StoredCredential>> read_stored(const std::string& path) {
  auto text = read_file(path, kMaxBytes);
  if (!text && text.error().kind == ErrorKind::kNotFound) return std::optional<StoredCredential>();
  if (!text) return fail(text.error());
  auto stored = parse_stored(*text);
  if (!stored)
    return fail(ErrorKind::kConfiguration, fmt::format("{}: {}", path, stored.error().message));
  return std::optional<StoredCredential>(std::move(*stored));
}

Result<StoredCredential> parse_stored(std::string_view text) {
  auto root = json::parse_document(text);
  if (!root) return fail(root.error());
  if (!root->is_object()) return fail(ErrorKind::kConfiguration, "it must be a JSON object");
  return read_members(std::move(*root));
}

std::string text_of(const StoredCredential& stored) {
  Document root = stored.document;
  root["type"] = name_of(stored.kind);
  if (stored.kind == StoredKind::kApiKey) {
    root["key"] = stored.secret;
  } else {
    root["access"] = stored.secret;
  }
  if (stored.kind == StoredKind::kOauth) root["refresh"] = stored.refresh;
  if (stored.expires)
    root["expires"] =
        std::chrono::duration_cast<std::chrono::milliseconds>(stored.expires->time_since_epoch())
            .count();
  if (!stored.scope.empty()) root["scope"] = stored.scope;
  return root.dump(kIndent, ' ', false, Document::error_handler_t::replace) + "\n";
}

std::string lock_path(const std::string& path) { return path + ".lock"; }

std::string refusal_path(const std::string& path) { return path + ".refused"; }

bool adopt_left_over(const std::string& path) {
  const std::string target = link_target(path);
  const auto current = read_stored(target);
  std::string best;
  std::optional<WallClock::time_point> latest;
  if (current && *current && (*current)->kind == StoredKind::kOauth) latest = (*current)->expires;
  const std::vector<std::string> left = leftover_files_of(path);
  for (const std::string& each : left) {
    const auto found =
        is_plain_file(each) ? read_stored(each) : Result<std::optional<StoredCredential>>{};
    if (!found || !*found || !latest || !renews(**found, **current)) continue;
    if (*(*found)->expires <= *latest) continue;
    latest = (*found)->expires;
    best = each;
  }
  const bool is_adopted = !best.empty() && put_in_place(best, target);
  if (!best.empty() && !is_adopted) return false;  // it is all that is left of the sign-in
  for (const std::string& each : left)
    if (each != best) ::unlink(each.c_str());
  return is_adopted;
}

std::string fix_permissions(const std::string& path) {
  std::string found = restrict_mode(path, S_IFREG, 0600);
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (folder.filename() == ".ccproxy") {
    const std::string of_folder = restrict_mode(folder.string(), S_IFDIR, 0700);
    if (!found.empty() && !of_folder.empty()) found += "; ";
    found += of_folder;
  }
  return found;
}

Credential credential_of(const StoredCredential& stored) {
  const bool is_key = stored.kind == StoredKind::kApiKey;
  return {is_key ? CredentialKind::kApiKey : CredentialKind::kOauth, stored.secret};
}

}  // namespace ccproxy::auth
