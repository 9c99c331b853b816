#include "cli/instance_file.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <system_error>
#include <utility>

#include "base/file.hpp"
#include "base/text.hpp"
#include "json/document.hpp"

namespace ccproxy::cli {
namespace {

using json::Document;

std::string folder_of(const std::string& home) { return home + "/running"; }

std::optional<RunningServer> read_presence(const std::filesystem::path& path) {
  const auto pid = parse_decimal(path.stem().string());
  const auto text = read_file(path.string(), 65'536);
  const auto root = text ? json::parse_document(*text) : Result<Document>(fail(text.error()));
  if (!pid || !root || !root->is_object() || !root->contains("addresses")) return std::nullopt;
  RunningServer server{static_cast<pid_t>(*pid), {}};
  for (const Document& address : (*root)["addresses"])
    if (address.is_string()) server.addresses.push_back(address.get<std::string>());
  return server;
}

}  // namespace

InstanceFile::InstanceFile(const std::string& home, const std::vector<std::string>& addresses)
    : path_(fmt::format("{}/{}.json", folder_of(home), ::getpid())) {
  auto lock = FileLock::try_now(path_);
  if (!lock || !*lock) return;
  lock_ = std::move(*lock);
  // The file is written in place: one that is renamed over it would not be the locked one.
  std::ofstream(path_) << Document{{"addresses", addresses}}.dump() << '\n';
}

InstanceFile::~InstanceFile() {
  if (lock_) ::unlink(path_.c_str());
}

std::vector<RunningServer> running_servers(const std::string& home) {
  std::vector<RunningServer> servers;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder_of(home), error)) {
    if (entry.path().extension() != ".json") continue;
    const auto lock = FileLock::try_now(entry.path().string());
    if (lock && *lock) {  // nobody holds it: its process was killed
      std::error_code ignored;
      std::filesystem::remove(entry.path(), ignored);
    } else if (auto server = read_presence(entry.path())) {
      servers.push_back(std::move(*server));
    }
  }
  std::sort(servers.begin(), servers.end(),
            [](const RunningServer& a, const RunningServer& b) { return a.pid < b.pid; });
  return servers;
}

}  // namespace ccproxy::cli
