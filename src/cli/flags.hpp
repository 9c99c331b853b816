// Turns arguments into plain values. Only this file knows the parser; the help texts stand beside
// their flags.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

namespace ccproxy::cli {

// The exit codes, for scripts.
enum ExitCode {
  kOk = 0,
  kFailure = 1,           // anything else that failed; the message says why
  kUsage = 2,             // flags or arguments that make no sense
  kBadConfiguration = 3,  // config.json or the environment cannot be used
  kCannotListen = 4,      // the address is in use or not available
  kUnsafe = 5,            // refused: others could reach the server and no proxy key is set
  kInterrupted = 130,     // Ctrl-C at a prompt
};

struct StartFlags {
  std::optional<std::uint16_t> port;
  std::optional<std::string> host;
  std::optional<std::string> upstream;
  std::optional<std::string> socket;
  std::optional<unsigned> workers;
  bool demo = false;
  bool verbose = false;
};

struct MockFlags {
  std::uint16_t port = 3457;
  std::string host = "127.0.0.1";
  std::string script{};  // path
  std::string ca_out{};  // path for the certificate
  std::string pace = "human";
  bool tls = false;
  bool quiet = false;
};

enum class ConfigAction {
  kPath,
  kShow,
  kGet,
  kSet,
  kCheck,
  kSetModel,
  kRemoveModel,
  kReset,
  kReference
};

struct ConfigFlags {
  ConfigAction action = ConfigAction::kPath;
  std::string from{}, to{};  // names and values, in their order
  bool json = false;
};

enum class KeyAction { kAdd, kList, kRemove };

struct KeyFlags {
  KeyAction action = KeyAction::kList;
  std::string name{};
  bool json = false;
};

struct LoginFlags {
  bool manual = false;      // no listener and no browser: a code is pasted
  bool no_browser = false;  // a listener, but no browser is opened
  bool api_key = false;
  bool token = false;
  bool yes = false;  // no confirmation
};

struct LogoutFlags {};

struct StatusFlags {
  bool json = false;
};

// The command that the person wants, or what to print at once (help, version, a mistake).
struct EarlyExit {
  int code = kOk;
  std::string text;
};
using Flags = std::variant<EarlyExit, StartFlags, LoginFlags, LogoutFlags, StatusFlags, MockFlags,
                           ConfigFlags, KeyFlags>;

[[nodiscard]] Flags parse_flags(int argc, const char* const* argv);

}  // namespace ccproxy::cli
