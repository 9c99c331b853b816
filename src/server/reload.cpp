#include "server/reload.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <exception>
#include <memory>
#include <utility>

#include "config/changes.hpp"
#include "config/live.hpp"
#include "telemetry/log.hpp"

namespace ccproxy::server {
namespace {

using telemetry::Level;

constexpr std::string_view kEvent = "configuration";

}  // namespace

Reload::Reload(ConfigFile file, proxy::Shared& shared,
               std::function<Result<void>(const config::Config&)> check,
               std::function<void(config::Snapshot)> use)
    : file_(std::move(file)),
      shared_(shared),
      check_(std::move(check)),
      use_(std::move(use)),
      read_stamp_(stamp_of(file_.path)),
      seen_stamp_(read_stamp_),
      read_(shared.config.get()) {}

void Reload::tick() {
  const FileStamp stamp = stamp_of(file_.path);
  const bool is_settled = stamp == std::exchange(seen_stamp_, stamp);
  if (is_settled && stamp != read_stamp_) apply(false);
}

void Reload::now() { apply(true); }

void Reload::apply(bool was_requested) {
  try {
    load_and_apply(was_requested);
  } catch (const std::exception&) {
    read_stamp_ = {};  // there was no memory, as a rule: the next tick reads it again
    throw;
  }
}

void Reload::load_and_apply(bool was_requested) {
  read_stamp_ = seen_stamp_ = stamp_of(file_.path);
  auto loaded = file_.load();
  if (!loaded) return refuse(loaded.error());
  if (stamp_of(file_.path) != read_stamp_) read_stamp_ = seen_stamp_ = {};  // it changed meanwhile
  const config::Snapshot running = shared_.config.get();
  config::Config merged = config::merge_live(*running, loaded->config);
  if (auto usable = check_(merged); !usable) return refuse(usable.error());

  const config::Changes changes = config::changes_between(*read_, loaded->config);
  if (!changes.live.empty()) use_(std::make_shared<const config::Config>(std::move(merged)));
  read_ = std::make_shared<const config::Config>(std::move(loaded->config));
  for (const std::string& warning : loaded->warnings)
    shared_.log.write_message(Level::kWarn, kEvent, warning);
  if (!changes.live.empty() || was_requested)
    shared_.log.write_message(
        Level::kInfo, kEvent,
        changes.live.empty()
            ? "read again: nothing changed"
            : fmt::format("read again; in use from now on: {}", fmt::join(changes.live, ", ")));
  if (!changes.at_next_start.empty())
    shared_.log.write_message(Level::kWarn, kEvent,
                              fmt::format("read again; in use after the next start: {}",
                                          fmt::join(changes.at_next_start, ", ")));
}

void Reload::refuse(const Error& error) {
  shared_.log.write_message(
      Level::kError, kEvent,
      fmt::format("not applied, the last one stays in use: {}", error.message));
}

}  // namespace ccproxy::server
