// What a person can configure: plain structs, with every default beside its field and the names of
// the keys of config.json. It refuses to know who uses a value and where it was read from.
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
  std::vector<std::string> allowed_hosts{};  // Host values served besides loopback names
  std::vector<std::string> allowed_origins{};  // Origin values that get CORS headers
  seconds shutdown_grace{30};
  unsigned workers = 1;
  bool core_dumps = false;  // a core dump would hold the credential
};

struct Upstream {
  std::string base_url =
      "https://api.anthropic.com";  // http or https, any port; may have a path prefix
  std::string ca_file{};            // PEM; empty: the system's certificates alone
  unsigned max_retries = 2;         // for a translated request
  seconds max_retry_wait{10};       // for a longer retry-after the client gets the error
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
  std::size_t body_bytes = 33'554'432;  // on JSON routes, as sent and unpacked
  std::size_t head_bytes = 65'536;
  std::size_t connections = 10'000;
  std::size_t held_bytes = 536'870'912;  // all that is held for clients and the store together
};

enum class LogLevel { kDebug, kInfo, kWarn, kError };
enum class LogFormat { kAuto, kText, kLogfmt, kJson };

struct Log {
  LogLevel level = LogLevel::kInfo;
  LogFormat format = LogFormat::kAuto;  // text on a terminal, JSON otherwise
  std::string file{};                   // empty: standard error
  unsigned max_megabytes = 10;          // MiB; a larger file is rotated
  unsigned max_files = 3;               // old files that are kept
};

// What is stored on disk of responses, so that later requests can refer to it.
struct Store {
  bool enabled = true;
  unsigned max_days = 30;
  std::size_t max_megabytes = 1024;             // MiB of the whole database; the oldest go first
  std::size_t max_response_megabytes = 64;      // MiB of one response; a larger one is not stored
  std::size_t max_conversation_megabytes = 64;  // MiB of what one request continues or refers to
  bool operator==(const Store&) const = default;
};

// The source of the credential that goes upstream.
enum class CredentialSource {
  kAuto,            // the first of those from kLogin on that exists
  kClient,          // each client's own
  kLogin,           // auth.json, which `ccproxy login` writes
  kApiKeyEnv,       // ANTHROPIC_API_KEY
  kAuthTokenEnv,    // ANTHROPIC_AUTH_TOKEN, meant for gateways
  kOauthTokenEnv,   // CLAUDE_CODE_OAUTH_TOKEN, from `claude setup-token`
  kConsoleProfile,  // the profile that `ant auth login` stores
};

// The authorization server at which a person signs in.
struct Oauth {
  std::string authorize_url = "https://claude.ai/oauth/authorize";
  std::string token_url = "https://platform.claude.com/v1/oauth/token";
  std::string client_id = "9d1c250a-e61b-44d9-88ed-5944d1962f5e";
  std::string scopes = "user:profile user:inference";  // separated by blanks
  std::string manual_redirect = "https://platform.claude.com/oauth/code/callback";
};

struct Config {
  // Maps the name that a client uses to the model that is sent: the defaults with the file laid
  // over them. A default that the file sets to null is absent. Keys may hold `*`.
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

// One configuration, which never changes once workers share it: a new one replaces it.
using Snapshot = std::shared_ptr<const Config>;

}  // namespace ccproxy::config
