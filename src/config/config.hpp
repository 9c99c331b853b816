// What a person may configure: plain structs, every default beside its field, named as the keys of
// config.json are. It refuses to know who uses a value and where it was read from.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/translation_options.hpp"

namespace ccproxy::config {

using std::chrono::seconds;

struct NamedKey {
  std::string name;  // shown in logs
  std::string key;   // secret
  bool operator==(const NamedKey&) const = default;
};

struct Server {
  std::uint16_t port = 3456;                 // 0: any free port, printed at start
  std::string host = "127.0.0.1";            // IPv4 or IPv6 address, or localhost (both loopbacks)
  std::string socket{};                      // path of a Unix socket beside the port; empty: none
  std::vector<std::string> allowed_hosts{};  // Host values answered besides loopback names
  std::vector<std::string> allowed_origins{};  // Origin values that get CORS answers
  seconds shutdown_grace{30};
  unsigned workers = 1;
  bool core_dumps = false;  // a core would hold the credential
};

struct Upstream {
  std::string base_url =
      "https://api.anthropic.com";  // http or https, any port, a path prefix may follow
  std::string ca_file{};            // PEM; empty: the system's
  unsigned max_retries = 2;         // of a translated request
  seconds max_retry_wait{10};       // longer waits are the client's
  bool operator==(const Upstream&) const = default;
};

struct Timeouts {
  seconds connect{10};
  seconds tls{10};
  seconds request_head{15};
  seconds body_stall{60};
  seconds first_byte{600};
  seconds idle_upstream{300};
  seconds ping_only{900};
  seconds write_stall{60};
  seconds keep_alive{75};
  seconds sse_keep_alive{10};
  bool operator==(const Timeouts&) const = default;
};

struct Limits {
  std::size_t body_bytes = 33'554'432;  // JSON routes, decoded too
  std::size_t head_bytes = 65'536;
  std::size_t connections = 10'000;
  std::size_t held_bytes = 536'870'912;  // all that is held for clients and for the store together
};

enum class LogLevel { kDebug, kInfo, kWarn, kError };
enum class LogFormat { kAuto, kText, kLogfmt, kJson };

struct Log {
  LogLevel level = LogLevel::kInfo;
  LogFormat format = LogFormat::kAuto;  // text on a terminal, JSON otherwise
  std::string file{};                   // empty: standard error
  unsigned max_megabytes = 10;          // MiB, of the file; then it is put aside
  unsigned max_files = 3;               // put aside and kept
};

// What is kept on disk of Responses, so that later requests can refer to it.
struct Store {
  bool enabled = true;
  unsigned max_days = 30;
  std::size_t max_megabytes = 1024;             // MiB, of the whole database; the oldest go first
  std::size_t max_response_megabytes = 64;      // of one; a larger one is not kept
  std::size_t max_conversation_megabytes = 64;  // of what one request continues or refers to
  bool operator==(const Store&) const = default;
};

// Which credential goes upstream.
enum class CredentialSource {
  kAuto,            // the first of those below that exists, in their order
  kClient,          // each client's own
  kLogin,           // auth.json, which `ccproxy login` writes
  kApiKeyEnv,       // ANTHROPIC_API_KEY
  kAuthTokenEnv,    // ANTHROPIC_AUTH_TOKEN, meant for gateways
  kOauthTokenEnv,   // CLAUDE_CODE_OAUTH_TOKEN, which `claude setup-token` makes
  kConsoleProfile,  // what `ant auth login` keeps
};

// The authorization server, where a person signs in.
struct Oauth {
  std::string authorize_url = "https://claude.ai/oauth/authorize";
  std::string token_url = "https://platform.claude.com/v1/oauth/token";
  std::string client_id = "9d1c250a-e61b-44d9-88ed-5944d1962f5e";
  std::string scopes = "user:profile user:inference";  // separated by blanks
  std::string manual_redirect = "https://platform.claude.com/oauth/code/callback";
};

struct Config {
  // From the name a client uses to the one that is sent. Defaults with the file laid over them;
  // a default that the file sets to null is absent. Keys may hold `*`.
  std::map<std::string, std::string> model_mapping;
  bool follow_retirements = true;
  Server server{};
  std::vector<NamedKey> api_keys{};
  CredentialSource credentials = CredentialSource::kAuto;
  Oauth oauth{};
  Upstream upstream{};
  Timeouts timeouts{};
  Limits limits{};
  Log log{};
  Store store{};
  TranslationOptions translation{};
  std::size_t thinking_memory_mb = 64;
};

// One configuration, never changed once it is shared between workers: a new one replaces it.
using Snapshot = std::shared_ptr<const Config>;

}  // namespace ccproxy::config
