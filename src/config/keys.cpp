#include "config/keys.hpp"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "config/base_url.hpp"
#include "config/model_map.hpp"

namespace ccproxy::config {
namespace {

using json::Document;
using Level = std::pair<std::string_view, LogLevel>;
constexpr std::array<Level, 4> kLevels = {{{"debug", LogLevel::kDebug},
                                           {"info", LogLevel::kInfo},
                                           {"warn", LogLevel::kWarn},
                                           {"error", LogLevel::kError}}};
constexpr std::array<std::pair<std::string_view, LogFormat>, 3> kFormats = {
    {{"auto", LogFormat::kAuto}, {"logfmt", LogFormat::kLogfmt}, {"json", LogFormat::kJson}}};
constexpr std::array<std::pair<std::string_view, CredentialSource>, 3> kSources = {
    {{"auto", CredentialSource::kAuto},
     {"client", CredentialSource::kClient},
     {"api-key-env", CredentialSource::kApiKeyEnv}}};

// Where a value lives in Config. These small functions let each row of the table name its field
// once, for reading and for showing.
template <class T>
using Place = T& (*)(Config&);

template <class T>
T look(Place<T> place, const Config& config) {
  Config copy = config;
  return place(copy);
}

Key integer(std::string_view path, std::string_view takes, std::string_view about, auto place,
            std::uint64_t least, std::uint64_t most) {
  return {path, takes, about,
          [=](const Document& value, Config& config) {
            if (!value.is_number_unsigned()) return false;
            const auto number = value.get<std::uint64_t>();
            if (number < least || number > most) return false;
            auto& field = place(config);
            field = static_cast<std::remove_reference_t<decltype(field)>>(number);
            return true;
          },
          [=](const Config& config) {
            Config copy = config;
            return Document(place(copy));
          }};
}

Key duration(std::string_view path, std::string_view about, seconds& (*place)(Config&)) {
  return {path, "seconds, 1 to 86400", about,
          [=](const Document& value, Config& config) {
            if (!value.is_number_unsigned()) return false;
            const auto number = value.get<std::uint64_t>();
            if (number < 1 || number > 86400) return false;
            place(config) = seconds(number);
            return true;
          },
          [=](const Config& config) { return Document(look<seconds>(place, config).count()); }};
}

Key text(std::string_view path, std::string_view takes, std::string_view about,
         std::string& (*place)(Config&), bool (*fits)(const std::string&) = nullptr) {
  return {path, takes, about,
          [=](const Document& value, Config& config) {
            if (!value.is_string()) return false;
            auto given = value.get<std::string>();
            if (fits != nullptr && !fits(given)) return false;
            place(config) = std::move(given);
            return true;
          },
          [=](const Config& config) { return Document(look<std::string>(place, config)); }};
}

Key texts(std::string_view path, std::string_view about,
          std::vector<std::string>& (*place)(Config&)) {
  return {path, "list of strings", about,
          [=](const Document& value, Config& config) {
            if (!value.is_array()) return false;
            std::vector<std::string> items;
            for (const auto& item : value) {
              if (!item.is_string()) return false;
              items.push_back(item.get<std::string>());
            }
            place(config) = std::move(items);
            return true;
          },
          [=](const Config& config) {
            return Document(look<std::vector<std::string>>(place, config));
          }};
}

template <class T, std::size_t N>
Key choice(std::string_view path, std::string_view takes, std::string_view about, T& (*place)(Config&),
           const std::array<std::pair<std::string_view, T>, N>& names) {
  return {path, takes, about,
          [place, &names](const Document& value, Config& config) {
            if (!value.is_string()) return false;
            const auto given = value.get<std::string>();
            for (const auto& [name, meaning] : names)
              if (name == given) {
                place(config) = meaning;
                return true;
              }
            return false;
          },
          [place, &names](const Config& config) {
            const T meant = look<T>(place, config);
            for (const auto& [name, meaning] : names)
              if (meaning == meant) return Document(std::string(name));
            return Document();
          }};
}

Key model_mapping() {
  return {"modelMapping", "object: name to name, or null to remove a default",
          "Which model stands for a name that clients use; laid over the defaults. Exact names come "
          "first, then patterns with `*`.",
          [](const Document& value, Config& config) {
            if (!value.is_object()) return false;
            for (const auto& [name, target] : value.items()) {
              if (target.is_null()) {
                config.model_mapping.erase(name);
              } else if (target.is_string()) {
                config.model_mapping[name] = target.get<std::string>();
              } else {
                return false;
              }
            }
            return true;
          },
          [](const Config& config) {
            Document object = Document::object();
            for (const auto& [name, target] : config.model_mapping) object[name] = target;
            return object;
          }};
}

Key follow_retirements() {
  return {"followRetirements", "true or false",
          "Whether a model that the provider has retired is replaced by its successor.",
          [](const Document& value, Config& config) {
            if (!value.is_boolean()) return false;
            config.follow_retirements = value.get<bool>();
            return true;
          },
          [](const Config& config) { return Document(config.follow_retirements); }};
}

Key api_keys() {
  return {"apiKeys", "list of {\"name\", \"key\"}",
          "Proxy keys. With any, every request must show one. The file is kept readable by its "
          "owner only.",
          [](const Document& value, Config& config) {
            if (!value.is_array()) return false;
            config.api_keys.clear();
            for (const auto& item : value) {
              if (!item.is_object() || !item.contains("name") || !item["name"].is_string() ||
                  !item.contains("key") || !item["key"].is_string())
                return false;
              NamedKey key{item["name"].get<std::string>(), item["key"].get<std::string>()};
              if (key.name.empty() || key.key.empty()) return false;
              config.api_keys.push_back(std::move(key));
            }
            return true;
          },
          [](const Config& config) {
            Document list = Document::array();
            for (const auto& key : config.api_keys)
              list.push_back(Document{{"name", key.name}, {"key", "***"}});
            return list;
          }};
}

bool is_base_url(const std::string& text) { return parse_base_url(text).has_value(); }

constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

std::vector<Key> make_keys() {
  return {
      model_mapping(),
      follow_retirements(),
      integer("server.port", "integer, 0 to 65535", "Where to listen; 0 takes any free port.",
              [](Config& c) -> std::uint16_t& { return c.server.port; }, 0, 65535),
      text("server.host", "IPv4 or IPv6 address, or localhost",
           "Where to listen. An address that others can reach needs apiKeys.",
           [](Config& c) -> std::string& { return c.server.host; }),
      text("server.socket", "path", "A Unix socket to listen on besides.",
           [](Config& c) -> std::string& { return c.server.socket; }),
      texts("server.allowedHosts", "Host values that are answered besides loopback names.",
            [](Config& c) -> std::vector<std::string>& { return c.server.allowed_hosts; }),
      texts("server.allowedOrigins", "Origins of web pages that may use CCProxy; they get CORS answers.",
            [](Config& c) -> std::vector<std::string>& { return c.server.allowed_origins; }),
      duration("server.shutdownGraceSeconds", "How long running answers may finish when it ends.",
               [](Config& c) -> seconds& { return c.server.shutdown_grace; }),
      integer("server.workers", "integer, 1 to 64", "Threads that serve.",
              [](Config& c) -> unsigned& { return c.server.workers; }, 1, 64),
      api_keys(),
      choice("credentials", "auto, client or api-key-env",
             "Which credential goes upstream: the first that is found, the client's own, or the key "
             "in ANTHROPIC_API_KEY.",
             +[](Config& c) -> CredentialSource& { return c.credentials; }, kSources),
      text("upstream.baseUrl", "http or https address",
           "Where the Claude API is; a gateway may have a port and a path.",
           [](Config& c) -> std::string& { return c.upstream.base_url; }, &is_base_url),
      text("upstream.caFile", "path", "More certificates to trust (PEM), besides the system's.",
           [](Config& c) -> std::string& { return c.upstream.ca_file; }),
      duration("timeouts.connectSeconds", "To connect to the upstream.",
               [](Config& c) -> seconds& { return c.timeouts.connect; }),
      duration("timeouts.tlsSeconds", "For the TLS handshake with the upstream.",
               [](Config& c) -> seconds& { return c.timeouts.tls; }),
      duration("timeouts.requestHeadSeconds", "For a request's head, from its first byte.",
               [](Config& c) -> seconds& { return c.timeouts.request_head; }),
      duration("timeouts.bodyStallSeconds", "Between bytes of a request's body.",
               [](Config& c) -> seconds& { return c.timeouts.body_stall; }),
      duration("timeouts.firstByteSeconds", "For the upstream's answer to begin.",
               [](Config& c) -> seconds& { return c.timeouts.first_byte; }),
      duration("timeouts.idleUpstreamSeconds", "Between bytes of the upstream's answer.",
               [](Config& c) -> seconds& { return c.timeouts.idle_upstream; }),
      duration("timeouts.pingOnlySeconds", "For a stream that brings nothing but pings.",
               [](Config& c) -> seconds& { return c.timeouts.ping_only; }),
      duration("timeouts.writeStallSeconds", "For a peer that does not take its bytes.",
               [](Config& c) -> seconds& { return c.timeouts.write_stall; }),
      duration("timeouts.keepAliveSeconds", "For a connection without a request, on both sides.",
               [](Config& c) -> seconds& { return c.timeouts.keep_alive; }),
      integer("limits.bodyBytes", "bytes", "Of a JSON request body, as sent and as it unfolds.",
              [](Config& c) -> std::size_t& { return c.limits.body_bytes; }, 1024, kMost),
      integer("limits.headBytes", "bytes", "Of a request's head.",
              [](Config& c) -> std::size_t& { return c.limits.head_bytes; }, 1024, 1 << 24),
      integer("limits.connections", "integer", "Clients at once.",
              [](Config& c) -> std::size_t& { return c.limits.connections; }, 1, 1000000),
      integer("limits.heldBytes", "bytes", "Of all request bodies that are held at once; beyond it "
              "503.",
              [](Config& c) -> std::size_t& { return c.limits.held_bytes; }, 1024, kMost),
      choice("log.level", "debug, info, warn or error", "What is logged.",
             +[](Config& c) -> LogLevel& { return c.log.level; }, kLevels),
      choice("log.format", "auto, logfmt or json", "auto is logfmt on a terminal, else JSON.",
             +[](Config& c) -> LogFormat& { return c.log.format; }, kFormats),
      text("log.file", "path", "Where the log goes; empty: standard error.",
           [](Config& c) -> std::string& { return c.log.file; }),
  };
}

}  // namespace

std::span<const Key> keys() {
  static const std::vector<Key> all = make_keys();
  return all;
}

std::optional<LogLevel> log_level_named(std::string_view name) {
  for (const auto& [level_name, level] : kLevels)
    if (level_name == name) return level;
  return std::nullopt;
}

std::string reference() {
  Config defaults;
  std::string table = "| key | takes | default | what it is for |\n|---|---|---|---|\n";
  for (const Key& key : keys()) {
    const std::string standard = key.path == "modelMapping" ? "the names of the README"
                                                            : fmt::format("`{}`", key.show(defaults).dump());
    table += fmt::format("| `{}` | {} | {} | {} |\n", key.path, key.takes, standard, key.about);
  }
  return table;
}

}  // namespace ccproxy::config
