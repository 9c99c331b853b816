// ccproxy logout: removes the credential from auth.json.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "auth/sources.hpp"
#include "auth/stored_credential.hpp"
#include "base/file.hpp"
#include "base/file_lock.hpp"
#include "cli/commands.hpp"
#include "config/environment.hpp"

namespace ccproxy::cli {
namespace {

constexpr std::chrono::seconds kLockTimeout{15};

// Returns every file that may hold the sign-in: both ends of a link, what a killed writer left, and
// the copies of files that a login could not read.
std::vector<std::string> files_with_secrets(const std::string& path) {
  std::vector<std::string> all = leftover_files_of(path);
  for (std::string& copy : backups_of(path)) all.push_back(std::move(copy));
  const std::string target = link_target(path);
  struct stat facts {};
  for (const std::string& each : {target, path})
    if (::lstat(each.c_str(), &facts) == 0) all.push_back(each);
  return all;
}

}  // namespace

int logout(const LogoutFlags&) {
  const config::Environment environment = config::read_environment();
  const std::string path = config::auth_path(environment);
  if (files_with_secrets(path).empty()) {
    fmt::print("Nobody is signed in: there is no {}\n", path);
    return kOk;
  }
  // Under the lock: a server that is renewing the sign-in would write it again.
  auto lock = FileLock::wait(auth::lock_path(path), kLockTimeout);
  if (!lock) return report_file_error(lock.error());
  const auto stored = auth::read_stored(path);
  for (const std::string& each : files_with_secrets(path)) {
    if (::unlink(each.c_str()) == 0 || errno == ENOENT) continue;
    fmt::print(stderr, "ccproxy: cannot remove {}: {}\n", each, std::strerror(errno));
    return kFailure;
  }
  const std::string refusal = auth::refusal_path(path);
  ::unlink(refusal.c_str());
  for (const std::string& each : leftover_files_of(refusal)) ::unlink(each.c_str());
  fmt::print("Signed out: {} is removed. A running server notices by itself.\n", path);
  if (stored && *stored && (*stored)->kind == auth::StoredKind::kOauth)
    fmt::print("The grant itself is revoked at claude.ai, under Settings, Claude Code.\n");
  for (const auth::CredentialCandidate& candidate :
       auth::find_candidates(auth::sources_of(environment)))
    fmt::print("{} still exists.\n", auth::place_of(candidate.source));
  return kOk;
}

}  // namespace ccproxy::cli
