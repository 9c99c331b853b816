// Writes docs/configuration.md from the tables that the program itself uses; a test compares them.
#include <fmt/format.h>

#include <string>
#include <string_view>

#include "config/keys.hpp"
#include "config/model_map.hpp"

namespace ccproxy::config {
namespace {

constexpr std::string_view kOpening = R"(# Configuration

CCProxy runs without a configuration file. What you want otherwise stands in
`~/.ccproxy/config.json`; `ccproxy config path` prints where that is for you, and `ccproxy config show`
what is in use. For example:

```json
{
  "modelMapping": { "gpt-4": "claude-opus-4-8", "gpt-4o": null },
  "server": { "port": 4000 }
}
```

What the file leaves out, or sets to `null`, keeps its default. A value that a key does not take is
refused with its line and key. Unknown keys are reported and kept. Flags of `ccproxy start` win over
the environment, the environment over the file. A running CCProxy applies a changed file within two
seconds, or at once on SIGHUP, and logs what has changed. A key marked `at start` waits for the next
start. A file that cannot be used is reported, and the last one stays in use.

In paths of the file `~` is your home folder, and a relative path begins at the folder of the file.

## On the command line

| command | what it does |
|---|---|
| `ccproxy config path` | Prints where the file is. |
| `ccproxy config show` | Prints all that is in use, secrets hidden, as JSON. |
| `ccproxy config get KEY` | Prints one value in use: a key, a section such as `log`, or `modelMapping.NAME`. `--json` writes text as JSON, too. |
| `ccproxy config set KEY VALUE` | Changes one key or `modelMapping.NAME`. VALUE is JSON; what is no JSON, or not what the key takes, is text. `null` goes back to the default; of the mapping it removes a name. |
| `ccproxy config check [FILE]` | Reports all that is wrong with the file in use, or with another, by line and key. |
| `ccproxy config set-model FROM TO` | Adds or changes a mapping. |
| `ccproxy config remove-model NAME` | Removes a mapping. |
| `ccproxy config reset` | Returns to the defaults; the old file is kept as `config.json.bak`, or `.bak.2` and so on where an earlier one stands there. It says so when proxy keys went with it. |
| `ccproxy key add NAME` | Creates a proxy key and prints it, once. It is stored under `apiKeys`. |
| `ccproxy key list` | Prints the names, and the end of each key. |
| `ccproxy key remove NAME` | Removes one. |

`--json` is for scripts; every one of these has it, and an edit then says the value that the file gives
now. Edits keep the order of keys, unknown keys and links. A value is checked before anything is
written, and a file that cannot be used is left alone. Edits at the same time wait for each other. The
exit code is 0 when it worked, 2 for a key or an argument that makes no sense, 3 for a value or a file
that cannot be used, and 1 for anything else.

## Keys

A dot is a level: `server.port` is `port` inside `server`.

| key | takes | default | applied | what it is for |
|---|---|---|---|---|
)";

constexpr std::string_view kMapping = R"(
## The default model mapping

The bare name of a line (`fable`, `haiku`, `opus`, `sonnet`) stands for the newest model of that line,
as a target of your own mapping, too. A model that the provider has retired since is replaced by its
successor (`followRetirements`). `ccproxy config show` lists under `servedBy` what such names are served
by, and under `prices` what that costs.

| name | model |
|---|---|
)";

constexpr std::string_view kEnvironment = R"(
## Environment

| variable | what it is for |
|---|---|
| `CCPROXY_HOME` | The folder of `config.json`, `auth.json` and `responses.db`, instead of `~/.ccproxy`. |
| `CCPROXY_UPSTREAM_URL` | Instead of `upstream.baseUrl`. |
| `CCPROXY_LOG` | Instead of `log.level`. |
| `CCPROXY_MODELS` | A file with a model table to use instead of the built-in one, such as a newer `data/models.json`. |
| `CCPROXY_API_KEY` | One more proxy key, of the name `CCPROXY_API_KEY`; for containers. |
| `ANTHROPIC_API_KEY` | An API key (`credentials`: `api-key-env`). |
| `ANTHROPIC_AUTH_TOKEN` | A bearer token, meant for gateways (`auth-token-env`). |
| `CLAUDE_CODE_OAUTH_TOKEN` | A long-lived token of `claude setup-token` (`oauth-token-env`). |
| `ANTHROPIC_CONFIG_DIR` | The folder of Console profiles, instead of `~/.config/anthropic`. |
| `ANTHROPIC_PROFILE` | The Console profile, instead of the active one. |
| `SSL_CERT_FILE` | Certificates to trust (PEM), besides the system's folder of them. |
)";

std::string default_of(const Key& key) {
  if (key.path == "modelMapping") return "below";
  const json::Document value = key.show(Config{});
  return value == "" ? "none" : fmt::format("`{}`", value.dump());
}

}  // namespace

std::string reference() {
  std::string page(kOpening);
  for (const Key& key : keys())
    page += fmt::format("| `{}` | {} | {} | {} | {} |\n", key.path, key.takes, default_of(key),
                        key.live ? "live" : "at start", key.about);
  page += kMapping;
  for (const auto& [name, model] : default_mapping())
    page += name == model ? fmt::format("| `{}` | the newest of its line |\n", name)
                          : fmt::format("| `{}` | `{}` |\n", name, model);
  page += kEnvironment;
  return page;
}

}  // namespace ccproxy::config
