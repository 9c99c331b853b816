#include "config/keys.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/near_miss.hpp"
#include "base/text.hpp"
#include "config/base_url.hpp"
#include "config/key_rows.hpp"

namespace ccproxy::config {
namespace {

using json::Document;

constexpr const char* kHidden = "***";  // is shown instead of a secret
constexpr std::uint64_t kTebibyte = std::uint64_t{1} << 40;

const Names<LogLevel> kLevels = {{"debug", LogLevel::kDebug},
                                 {"info", LogLevel::kInfo},
                                 {"warn", LogLevel::kWarn},
                                 {"error", LogLevel::kError}};
const Names<LogFormat> kFormats = {{"auto", LogFormat::kAuto},
                                   {"text", LogFormat::kText},
                                   {"logfmt", LogFormat::kLogfmt},
                                   {"json", LogFormat::kJson}};
const Names<CredentialSource> kSources = {{"auto", CredentialSource::kAuto},
                                          {"client", CredentialSource::kClient},
                                          {"login", CredentialSource::kLogin},
                                          {"api-key-env", CredentialSource::kApiKeyEnv},
                                          {"auth-token-env", CredentialSource::kAuthTokenEnv},
                                          {"oauth-token-env", CredentialSource::kOauthTokenEnv},
                                          {"console-profile", CredentialSource::kConsoleProfile}};

const Names<ResponseModel> kResponseModels = {{"asked", ResponseModel::kRequested},
                                              {"upstream", ResponseModel::kUpstream}};
const Names<ReasoningDisplay> kDisplays = {{"auto", ReasoningDisplay::kAuto},
                                           {"omitted", ReasoningDisplay::kOmitted},
                                           {"summarized", ReasoningDisplay::kSummarized}};
const Names<MidSystem> kMidSystem = {{"auto", MidSystem::kAuto},
                                     {"reminder", MidSystem::kReminder}};
const Names<StrictTools> kStrictTools = {{"auto", StrictTools::kAuto}, {"off", StrictTools::kOff}};
const Names<CustomAsFunction> kCustomAsFunction = {{"auto", CustomAsFunction::kAuto},
                                                   {"always", CustomAsFunction::kAlways},
                                                   {"never", CustomAsFunction::kNever}};

const Names<RefusalStyle> kRefusalStyles = {{"part", RefusalStyle::kPart},
                                            {"text", RefusalStyle::kText},
                                            {"incomplete", RefusalStyle::kIncomplete}};

// The keys that a running server cannot change: where it listens, its threads, and its log's file.
constexpr std::array<std::string_view, 10> kAtStart = {
    "server.port",      "server.host",      "server.socket", "server.shutdownGraceSeconds",
    "server.workers",   "server.coreDumps", "log.format",    "log.file",
    "log.maxMegabytes", "log.maxFiles"};

// Hides the password in an address, even in one that the check would refuse.
std::string without_user(const std::string& url) {
  const auto scheme = url.find("://");
  const auto begin = scheme == std::string::npos ? 0 : scheme + 3;
  const auto at = url.substr(0, url.find('/', begin)).rfind('@');
  return at == std::string::npos || at < begin ? url
                                               : url.substr(0, begin) + kHidden + url.substr(at);
}

Key base_url() {
  return row(
      "upstream.baseUrl", "http or https address with an optional port and path",
      "Where the Claude API is, or a gateway to it; with its `/v1` or without.",
      field(&Config::upstream, &Upstream::base_url),
      [](const Document& value, std::string& into) {
        if (!value.is_string() || !parse_base_url(value.get<std::string>())) return false;
        into = value.get<std::string>();
        return true;
      },
      without_user);
}

// The whole address is compared, not its beginning: 127.example.com is a name that anybody may own.
bool is_loopback(const std::string& host) {
  in_addr address{};
  return same_text(host, "localhost") || host == "::1" ||
         (host.starts_with("127.") && ::inet_pton(AF_INET, host.c_str(), &address) == 1);
}

// Tokens and codes are sent to these addresses: without TLS only within this machine.
bool is_sign_in_url(const std::string& text) {
  const auto url = parse_base_url(text);
  return url && !url->path_prefix.empty() && (url->tls || is_loopback(url->host));
}

Key sign_in_url(std::string path, std::string about, std::string Oauth::*member) {
  return row(
      std::move(path), "https address with a path (http on this machine)", std::move(about),
      field(&Config::oauth, member),
      [](const Document& value, std::string& into) {
        if (!value.is_string() || !is_sign_in_url(value.get<std::string>())) return false;
        into = value.get<std::string>();
        return true;
      },
      kAsItIs);
}

std::optional<Wrong> read_mapping(const Document& value, Config& config) {
  if (!value.is_object()) return Wrong{{}, "object from names to model names"};
  for (const auto& [name, target] : value.items()) {
    if (name.empty()) return Wrong{{}, "object whose names are not empty"};
    if (target.is_null()) {
      config.model_mapping.erase(name);
    } else if (target.is_string() && target != "") {
      config.model_mapping[name] = target.get<std::string>();
    } else {
      return Wrong{{name}, "model name, or null to remove a default"};
    }
  }
  return std::nullopt;
}

Key model_mapping() {
  return {
      "modelMapping", "object from names to model names",
      "The model that serves a name that clients use; laid over the defaults below. An exact "
      "name wins, then the pattern (`*` stands for any characters) with the most other "
      "characters; a name without a mapping goes upstream as it is, but for another spelling of a "
      "known model "
      "(`anthropic/claude-opus-5`, `claude-sonnet-4.5`, `claude-sonnet-4`). `null` removes a "
      "default.",
      read_mapping, [](const Config& config) { return Document(config.model_mapping); }};
}

std::optional<Wrong> read_api_keys(const Document& value, Config& config) {
  if (!value.is_array()) return Wrong{{}, "list of {\"name\": ..., \"key\": ...}"};
  std::vector<NamedKey> read;
  for (const Document& item : value) {
    const std::string place = fmt::format("[{}]", read.size());
    const auto member = [&](const char* name) {
      const auto found = item.is_object() ? item.find(name) : item.end();
      return found != item.end() && found->is_string() ? found->get<std::string>() : "";
    };
    read.push_back({member("name"), member("key")});
    if (!is_key_name(read.back().name)) return Wrong{{place, "name"}, std::string(kKeyNameRule)};
    if (!is_proxy_key(read.back().key))
      return Wrong{{place, "key"}, "string of visible ASCII characters without blanks"};
    // The text that `config show` prints for a key would be a key that anybody can guess.
    if (read.back().key == kHidden)
      return Wrong{{place, "key"}, "the key itself, not what is shown instead of it"};
  }
  config.api_keys = std::move(read);
  return std::nullopt;
}

Key api_keys() {
  return {"apiKeys", "list of `{\"name\": ..., \"key\": ...}`",
          "Proxy keys. With any, requests must show one of them; the name is for the log, and "
          "keeps what is stored of each apart: 1 to 64 letters, digits, dots, underscores and "
          "dashes, the first a letter or digit. The file is kept readable by its owner only.",
          read_api_keys, [](const Config& config) {
            Document list = Document::array();
            for (const NamedKey& key : config.api_keys)
              list.push_back(Document{{"name", key.name}, {"key", kHidden}});
            return list;
          }};
}

// The keys of stored responses.
void add_store(std::vector<Key>& keys) {
  constexpr std::uint64_t kMaxMegabytes = kTebibyte >> 20;
  keys.push_back(flag("store.enabled",
                      "Whether responses are stored on disk for later requests, as their `store` "
                      "says; without it none can be continued, fetched or run in the background.",
                      field(&Config::store, &Store::enabled)));
  keys.push_back(integer("store.maxDays", 1, 3650, "How long they are stored.",
                         field(&Config::store, &Store::max_days)));
  keys.push_back(integer("store.maxMegabytes", 1, kMaxMegabytes,
                         "What they may take on disk, in MiB: the file, its log and what waits to "
                         "be written; beyond it the oldest go.",
                         field(&Config::store, &Store::max_megabytes)));
  keys.push_back(integer("store.maxResponseMegabytes", 1, kMaxMegabytes,
                         "What one of them may take, in MiB, with its input and its events; a "
                         "larger one is sent and not stored.",
                         field(&Config::store, &Store::max_response_megabytes)));
  keys.push_back(
      integer("store.maxConversationMegabytes", 1, kMaxMegabytes,
              "What one request may continue and refer to, in MiB; beyond it the reply is 413.",
              field(&Config::store, &Store::max_conversation_megabytes)));
}

// The keys of the translation between OpenAI's dialects and Anthropic's.
void add_translation(std::vector<Key>& keys) {
  constexpr std::uint64_t kMaxTokens = 10'000'000;
  constexpr auto kOption = [](auto member) { return field(&Config::translation, member); };
  keys.push_back(
      flag("strict",
           "Whether a request is refused when something in it cannot be carried over, instead of "
           "being served with a note; `x-ccproxy-strict: true` sets it for one request.",
           kOption(&TranslationOptions::strict)));
  keys.push_back(filled_text("defaultModel", "model name",
                             "The model for a request that names none.",
                             kOption(&TranslationOptions::default_model)));
  keys.push_back(number_or_null("translation.defaultMaxTokens", kMaxTokens,
                                "The longest reply, in tokens, for a request that names no limit; "
                                "`null`: what the model can do.",
                                kOption(&TranslationOptions::default_max_tokens)));
  keys.push_back(flag("translation.promptCaching",
                      "Whether the beginning of a conversation is cached by the provider.",
                      kOption(&TranslationOptions::prompt_caching)));
  keys.push_back(
      choice("translation.responseModel", kResponseModels,
             "Which model name replies carry: the requested one, or the one that went upstream.",
             kOption(&TranslationOptions::response_model)));
  keys.push_back(choice("translation.chatReasoningDisplay", kDisplays,
                        "Whether the model's reasoning is requested in words: `auto` does so when "
                        "a request asks for reasoning.",
                        kOption(&TranslationOptions::chat_reasoning_display)));
  keys.push_back(choice("translation.midSystem", kMidSystem,
                        "What becomes of a system message in the middle: `auto` keeps it one where "
                        "the model takes it; else it is a reminder to the model.",
                        kOption(&TranslationOptions::mid_system)));
  keys.push_back(choice("translation.strictTools", kStrictTools,
                        "Whether `strict` tools are strict upstream, too.",
                        kOption(&TranslationOptions::strict_tools)));
  keys.push_back(flag("translation.eagerInputStreaming",
                      "Whether tool arguments are streamed before the provider has checked them.",
                      kOption(&TranslationOptions::eager_input_streaming)));
  keys.push_back(flag("translation.verbosityHint",
                      "Whether `verbosity` becomes a sentence in the system prompt.",
                      kOption(&TranslationOptions::verbosity_hint)));
  keys.push_back(flag("translation.fastMode",
                      "Whether `service_tier: priority` asks for the fast mode, which costs more.",
                      kOption(&TranslationOptions::fast_mode)));
  keys.push_back(flag("translation.webSearch",
                      "Whether a request may search the web, at the provider and for money.",
                      kOption(&TranslationOptions::web_search)));
  keys.push_back(choice("translation.customAsFunction", kCustomAsFunction,
                        "Whether calls of custom tools are sent as function calls with their text "
                        "as it is: `auto` does so for Cursor.",
                        kOption(&TranslationOptions::custom_as_function)));
  keys.push_back(choice(
      "translation.refusalStyle", kRefusalStyles,
      "How responses show that the model declined: as a refusal `part`, as "
      "`text`, or as an `incomplete` response. Codex shows nothing of a part, so it gets the text.",
      kOption(&TranslationOptions::refusal_style)));
  keys.push_back(integer("translation.thinkingMemoryMb", 0, 65'536,
                         "Memory for the thinking before tool calls, in MiB, all workers "
                         "together; it goes back upstream with the results.",
                         field(&Config::thinking_memory_mb)));
}

std::vector<Key> make_keys() {
  return {
      model_mapping(),
      flag("followRetirements",
           "Whether a model that the provider has retired is replaced by its successor.",
           field(&Config::follow_retirements)),
      integer("server.port", 0, 65'535, "Port to listen on; 0 takes any free one.",
              field(&Config::server, &Server::port)),
      text("server.host", "IPv4 or IPv6 address, or localhost",
           "Address to listen on. One that others can reach needs `apiKeys`.",
           field(&Config::server, &Server::host)),
      text("server.socket", "path", "Unix socket to listen on as well; empty: none.",
           field(&Config::server, &Server::socket)),
      texts("server.allowedHosts", "Host names that are served besides loopback names.",
            field(&Config::server, &Server::allowed_hosts)),
      texts("server.allowedOrigins",
            "Origins of web pages that may use CCProxy; they get CORS headers.",
            field(&Config::server, &Server::allowed_origins)),
      duration("server.shutdownGraceSeconds", 0,
               "How long running replies may take to finish when CCProxy ends.",
               field(&Config::server, &Server::shutdown_grace)),
      integer("server.workers", 1, 64, "Worker threads; as many more read large requests.",
              field(&Config::server, &Server::workers)),
      flag("server.coreDumps",
           "Whether a crash may leave a core dump, if the system makes them. It would hold the "
           "credential and what was being served.",
           field(&Config::server, &Server::core_dumps)),
      api_keys(),
      choice(
          "credentials", kSources,
          "Which credential goes upstream: `auto` is the first that is there, in the order of the "
          "others from `login` on; `client` is each client's own.",
          field(&Config::credentials)),
      sign_in_url("oauth.authorizeUrl", "Where a person signs in.", &Oauth::authorize_url),
      sign_in_url("oauth.tokenUrl", "Where tokens are issued and renewed.", &Oauth::token_url),
      filled_text("oauth.clientId", "string that is not empty",
                  "The OAuth client that signs in, as the authorization server knows it.",
                  field(&Config::oauth, &Oauth::client_id)),
      filled_text("oauth.scopes", "names separated by blanks",
                  "The permissions that a sign-in requests.",
                  field(&Config::oauth, &Oauth::scopes)),
      sign_in_url("oauth.manualRedirect", "The page that shows the code to paste.",
                  &Oauth::manual_redirect),
      base_url(),
      text("upstream.caFile", "path",
           "Certificates to trust (PEM) besides the system's; empty: none.",
           field(&Config::upstream, &Upstream::ca_file)),
      integer("upstream.maxRetries", 0, 10,
              "How often a translated request is sent again when the upstream is busy or broken.",
              field(&Config::upstream, &Upstream::max_retries)),
      duration("upstream.maxRetryWaitSeconds", 0,
               "The longest wait before that; when the upstream asks for more, the client gets the "
               "error.",
               field(&Config::upstream, &Upstream::max_retry_wait)),
      duration("timeouts.connectSeconds", 1, "To connect to the upstream.",
               field(&Config::timeouts, &Timeouts::connect)),
      duration("timeouts.tlsSeconds", 1, "For the TLS handshake with the upstream.",
               field(&Config::timeouts, &Timeouts::tls)),
      duration("timeouts.requestHeadSeconds", 1, "For the head of a request, from its first byte.",
               field(&Config::timeouts, &Timeouts::request_head)),
      duration("timeouts.bodyStallSeconds", 1, "Between bytes of a request's body.",
               field(&Config::timeouts, &Timeouts::body_stall)),
      duration("timeouts.firstByteSeconds", 1,
               "For the upstream's response to begin, and for an error response to be complete.",
               field(&Config::timeouts, &Timeouts::first_byte)),
      duration("timeouts.idleUpstreamSeconds", 1, "Between bytes of the upstream's response.",
               field(&Config::timeouts, &Timeouts::idle_upstream)),
      duration("timeouts.pingOnlySeconds", 1, "For a stream that brings nothing but pings.",
               field(&Config::timeouts, &Timeouts::ping_only)),
      duration("timeouts.writeStallSeconds", 1, "For a peer that does not take its bytes.",
               field(&Config::timeouts, &Timeouts::write_stall)),
      duration("timeouts.keepAliveSeconds", 1, "For a connection without a request, on both sides.",
               field(&Config::timeouts, &Timeouts::keep_alive)),
      duration("timeouts.sseKeepAliveSeconds", 1,
               "Of silence before a translated stream gets a comment that keeps it open.",
               field(&Config::timeouts, &Timeouts::sse_keep_alive)),
      integer("limits.bodyBytes", 1024, kTebibyte,
              "Of a request body on JSON routes, as sent and unpacked.",
              field(&Config::limits, &Limits::body_bytes)),
      integer("limits.headBytes", 1024, 1 << 24, "Of the head of a request.",
              field(&Config::limits, &Limits::head_bytes)),
      integer(
          "limits.connections", 1, 1'000'000,
          "Clients connected at once; also responses in the background, of all workers. Where the "
          "system lets fewer files be open (ulimit -n) there are fewer of both: a response in "
          "the background takes the place of half a client, and half of the files stay with "
          "clients.",
          field(&Config::limits, &Limits::connections)),
      integer("limits.heldBytes", 1024, kTebibyte,
              "Of all that is held at once for clients and for the store: request bodies, what is "
              "fetched for them, whole replies, responses that run, what waits to be written. "
              "Beyond it streams wait and other requests get 503; a part of it is reserved for "
              "small requests.",
              field(&Config::limits, &Limits::held_bytes)),
      choice("log.level", kLevels, "The least important lines that are logged.",
             field(&Config::log, &Log::level)),
      choice("log.format", kFormats,
             "`text` is one readable line for each request; `auto` is that on a terminal (with "
             "`--verbose` logfmt, which has every field) and JSON otherwise.",
             field(&Config::log, &Log::format)),
      text("log.file", "path",
           "Where the log goes, mode 0600, opened again on SIGHUP; empty: standard error.",
           field(&Config::log, &Log::file)),
      integer("log.maxMegabytes", 1, 1024,
              "What the file may grow to, in MiB; then it is renamed to `ccproxy.1.log` beside "
              "`ccproxy.log`, and a new one begun.",
              field(&Config::log, &Log::max_megabytes)),
      integer("log.maxFiles", 0, 100, "How many old files are kept; 0: none.",
              field(&Config::log, &Log::max_files)),
  };
}

// Returns the key that was perhaps meant: by its whole path, else by its name in any section.
std::string nearest_key(const std::string& wanted) {
  std::vector<std::string> paths, names;
  for (const Key& key : keys()) {
    paths.push_back(key.path);
    names.push_back(key.path.substr(key.path.rfind('.') + 1));
  }
  if (std::string found = nearest(wanted, paths); !found.empty()) return found;
  const std::string name = nearest(wanted.substr(wanted.rfind('.') + 1), names);
  const auto found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? "" : paths[static_cast<std::size_t>(found - names.begin())];
}

}  // namespace

std::span<const Key> keys() {
  static const std::vector<Key> all = [] {
    std::vector<Key> table = make_keys();
    add_translation(table);
    add_store(table);
    for (Key& key : table)
      key.live = std::find(kAtStart.begin(), kAtStart.end(), key.path) == kAtStart.end();
    return table;
  }();
  return all;
}

const Key* find_key(std::string_view path) {
  for (const Key& key : keys())
    if (key.path == path) return &key;
  return nullptr;
}

Error unknown_key(std::string_view path) {
  for (const Key& key : keys())
    if (key.path.starts_with(fmt::format("{}.", path)))
      return {ErrorKind::kInvalidRequest,
              fmt::format("{} is a section: name a key in it, such as {}", path, key.path)};
  const std::string wanted = lowered(path);
  const std::string last = wanted.substr(wanted.rfind('.') + 1);
  std::string like;
  for (const Key& key : keys()) {
    const std::string name = lowered(key.path);
    const std::string own = name.substr(name.rfind('.') + 1);
    if (last.empty() ||
        (own.find(last) == std::string::npos && last.find(own) == std::string::npos))
      continue;
    like += (like.empty() ? "" : ", ") + key.path;
  }
  if (like.empty()) like = nearest_key(wanted);
  return {ErrorKind::kInvalidRequest,
          like.empty() ? fmt::format("{} is no key; `ccproxy config show` lists them", path)
                       : fmt::format("{} is no key; did you mean {}?", path, like)};
}

std::optional<LogLevel> log_level_named(std::string_view name) {
  for (const auto& [level_name, level] : kLevels)
    if (level_name == name) return level;
  return std::nullopt;
}

bool is_key_name(std::string_view text) {
  constexpr std::size_t kLongest = 64;
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  return !text.empty() && text.size() <= kLongest && is_plain(text.front()) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return is_plain(c) || c == '.' || c == '_' || c == '-'; });
}

bool is_proxy_key(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

}  // namespace ccproxy::config
