#include "server/reload.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <exception>
#include <memory>
#include <utility>

#include "config/changes.hpp"

namespace ccproxy::server {
namespace {

using telemetry::Level;

constexpr std::string_view kEvent = "configuration";

}  // namespace

Reload::Reload(ConfigFile file, proxy::Shared& shared,
               std::function<Result<void>(const config::Config&)> may_take,
               std::function<void(config::Snapshot)> take)
    : file_(std::move(file)),
      shared_(shared),
      may_take_(std::move(may_take)),
      take_(std::move(take)),
      read_stamp_(stamp_of(file_.path)),
      seen_stamp_(read_stamp_),
      read_(shared.config.get()) {}

void Reload::tick() {
  const FileStamp stamp = stamp_of(file_.path);
  const bool is_settled = stamp == std::exchange(seen_stamp_, stamp);
  if (is_settled && stamp != read_stamp_) read(false);
}

void Reload::now() { read(true); }

void Reload::read(bool was_asked) {
  try {
    take_up(was_asked);
  } catch (const std::exception&) {
    read_stamp_ = {};  // as a rule there is no memory: once more
    throw;
  }
}

void Reload::take_up(bool was_asked) {
  read_stamp_ = seen_stamp_ = stamp_of(file_.path);
  auto loaded = file_.load();
  if (!loaded) return refuse(loaded.error());
  if (stamp_of(file_.path) != read_stamp_) read_stamp_ = seen_stamp_ = {};  // once more
  const config::Snapshot running = shared_.config.get();
  config::Config merged = config::merge_live(*running, loaded->config);
  if (auto usable = may_take_(merged); !usable) return refuse(usable.error());

  const config::Changes changes = config::changes_between(*read_, loaded->config);
  if (!changes.live.empty()) take_(std::make_shared<const config::Config>(std::move(merged)));
  read_ = std::make_shared<const config::Config>(std::move(loaded->config));
  for (const std::string& warning : loaded->warnings)
    shared_.log.say(Level::kWarn, kEvent, warning);
  if (!changes.live.empty() || was_asked)
    shared_.log.say(Level::kInfo, kEvent,
                    changes.live.empty() ? "read again: nothing changed"
                                         : fmt::format("read again; in use from now on: {}",
                                                       fmt::join(changes.live, ", ")));
  if (!changes.at_next_start.empty())
    shared_.log.say(Level::kWarn, kEvent,
                    fmt::format("read again; in use after the next start: {}",
                                fmt::join(changes.at_next_start, ", ")));
}

void Reload::refuse(const Error& error) {
  shared_.log.say(Level::kError, kEvent,
                  fmt::format("not taken up, the last one stays in use: {}", error.message));
}

}  // namespace ccproxy::server
