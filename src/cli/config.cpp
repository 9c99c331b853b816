// ccproxy config: shows and edits config.json.
#include <fmt/format.h>

#include <cstdio>

#include "anthropic/models.hpp"
#include "anthropic/models_data.hpp"
#include "cli/commands.hpp"
#include "config/environment.hpp"
#include "config/file.hpp"
#include "config/keys.hpp"

namespace ccproxy::cli {
namespace {

int failed(Error error) {
  if (error.kind == ErrorKind::kIo) error.kind = ErrorKind::kInternal;  // a file, not an address
  return complain(error);
}

int show(const std::string& path, const config::Environment& environment) {
  auto loaded = config::load(path);
  if (!loaded) return failed(loaded.error());
  if (auto applied = config::apply_environment(environment, loaded->config); !applied)
    return failed(applied.error());
  auto models = anthropic::parse_models(anthropic::kModelsJson);
  if (!models) return failed(models.error());
  const std::string text =
      config::show(loaded->config, [&](const std::string& id) { return models->successor(id); });
  fmt::print("{}\n", text);
  for (const std::string& warning : loaded->warnings) fmt::print(stderr, "ccproxy: {}\n", warning);
  return kOk;
}

int reset(const std::string& path) {
  auto aside = config::reset(path);
  if (!aside) return failed(aside.error());
  if (aside->empty()) {
    fmt::print("The defaults were in use already.\n");
  } else {
    fmt::print("Back to the defaults. The old file is kept as {}\n", *aside);
  }
  return kOk;
}

int edited(const Result<void>& done, const std::string& said) {
  if (!done) return failed(done.error());
  fmt::print("{}\nA running server takes it up when it is started again.\n", said);
  return kOk;
}

}  // namespace

int config(const ConfigFlags& flags) {
  const config::Environment environment = config::read_environment();
  const std::string path = config::config_path(environment);
  switch (flags.action) {
    case ConfigAction::kPath: fmt::print("{}\n", path); return kOk;
    case ConfigAction::kShow: return show(path, environment);
    case ConfigAction::kReset: return reset(path);
    case ConfigAction::kReference: fmt::print("{}", config::reference()); return kOk;
    case ConfigAction::kSetModel:
      return edited(config::set_model(path, flags.from, flags.to),
                    fmt::format("{} now means {}.", flags.from, flags.to));
    case ConfigAction::kRemoveModel:
      return edited(config::remove_model(path, flags.from),
                    fmt::format("{} is no longer mapped.", flags.from));
  }
  return kFailure;
}

}  // namespace ccproxy::cli
