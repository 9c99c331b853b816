#include "cli/presence.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <system_error>

#include "base/file.hpp"
#include "base/text.hpp"
#include "json/document.hpp"

namespace ccproxy::cli {
namespace {

using json::Document;

std::string folder_of(const std::string& home) { return home + "/running"; }

bool is_alive(pid_t pid) { return ::kill(pid, 0) == 0 || errno == EPERM; }

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

Presence::Presence(const std::string& home, const std::vector<std::string>& addresses)
    : path_(fmt::format("{}/{}.json", folder_of(home), ::getpid())) {
  const Document root = {{"addresses", addresses}};
  if (!replace_file(path_, root.dump() + "\n")) path_.clear();
}

Presence::~Presence() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

std::vector<RunningServer> running_servers(const std::string& home) {
  std::vector<RunningServer> servers;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder_of(home), error)) {
    if (entry.path().extension() != ".json") continue;
    auto server = read_presence(entry.path());
    if (server && is_alive(server->pid)) {
      servers.push_back(std::move(*server));
    } else {
      std::error_code ignored;
      std::filesystem::remove(entry.path(), ignored);
    }
  }
  std::sort(servers.begin(), servers.end(),
            [](const RunningServer& a, const RunningServer& b) { return a.pid < b.pid; });
  return servers;
}

}  // namespace ccproxy::cli
