#include "cli/port_owner.hpp"

#include <fmt/format.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>
#include <string_view>
#include <system_error>

#include "base/text.hpp"
#include "cli/instance_file.hpp"
#include "net/listener.hpp"
#include "server/server.hpp"

namespace ccproxy::cli {
namespace {

constexpr std::string_view kSelf = "ccproxy";

struct Owner {
  pid_t pid = 0;
  std::string name;  // of the program
};

// Finds a server of the same home that listens there.
std::optional<Owner> find_server(const std::string& home, const std::string& address_end) {
  for (const RunningServer& server : running_servers(home))
    for (const std::string& address : server.addresses)
      if (address.ends_with(address_end)) return Owner{server.pid, std::string(kSelf)};
  return std::nullopt;
}

// Returns the sockets of this machine that listen on a port, as "socket:[12345]". Only Linux has
// the files for that; elsewhere nothing is found.
std::set<std::string> sockets_on(std::uint16_t port) {
  std::set<std::string> sockets;
  const std::string wanted = fmt::format(":{:04X}", port);
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream lines(table);
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      std::string number, local, remote, state, queues, timer, retries, user, timeout, inode;
      words >> number >> local >> remote >> state >> queues >> timer >> retries >> user >>
          timeout >> inode;
      if (state == "0A" && local.ends_with(wanted)) sockets.insert("socket:[" + inode + "]");
    }
  }
  return sockets;
}

bool holds_one_of(const std::filesystem::path& process, const std::set<std::string>& sockets) {
  std::error_code error;
  for (std::filesystem::directory_iterator each(process / "fd", error), end; !error && each != end;
       each.increment(error)) {
    std::error_code gone;
    const auto target = std::filesystem::read_symlink(each->path(), gone);
    if (!gone && sockets.contains(target.string())) return true;
  }
  return false;
}

// Finds the process that has one of these sockets open, among those that this user may inspect.
std::optional<Owner> find_process(const std::set<std::string>& sockets) {
  std::error_code error;
  if (sockets.empty()) return std::nullopt;
  for (std::filesystem::directory_iterator each("/proc", error), end; !error && each != end;
       each.increment(error)) {
    const auto pid = parse_decimal(each->path().filename().string());
    if (!pid || !holds_one_of(each->path(), sockets)) continue;
    Owner owner{static_cast<pid_t>(*pid), ""};
    std::ifstream comm(each->path() / "comm");
    std::getline(comm, owner.name);
    return owner;
  }
  return std::nullopt;
}

std::string description_of(const std::optional<Owner>& owner) {
  if (!owner) return "another program";
  if (owner->name == kSelf) return fmt::format("another CCProxy (pid {})", owner->pid);
  return fmt::format("another program: {} (pid {})", owner->name, owner->pid);
}

}  // namespace

Error explain_in_use(Error error, const std::string& home, const config::Server& server) {
  if (error.code != net::kAddressInUse) return error;
  if (error.param == server::kSocketKey) {
    const auto owner = find_server(home, "unix:" + server.socket);
    error.message = fmt::format("{} is in use by {}; take another with --socket PATH",
                                server.socket, description_of(owner));
    return error;
  }
  auto owner = find_server(home, fmt::format(":{}", server.port));
  if (!owner) owner = find_process(sockets_on(server.port));
  const std::string_view place =
      std::string_view(error.message).substr(0, error.message.find(" is in use"));
  error.message = fmt::format("{} is in use by {}; take another with --port N (0: any free one)",
                              place, description_of(owner));
  return error;
}

}  // namespace ccproxy::cli
