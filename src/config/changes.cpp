#include "config/changes.hpp"

#include <utility>

#include "config/keys.hpp"

namespace ccproxy::config {
namespace {

// show() hides secrets, so these are compared by themselves.
bool differs(const Key& key, const Config& before, const Config& after) {
  if (key.path == "apiKeys") return before.api_keys != after.api_keys;
  return key.show(before) != key.show(after);
}

}  // namespace

Changes changes_between(const Config& before, const Config& after) {
  Changes changes;
  for (const Key& key : keys())
    if (differs(key, before, after))
      (key.live ? changes.live : changes.at_next_start).push_back(key.path);
  return changes;
}

Config merge_live(const Config& running, Config after) {
  after.server.port = running.server.port;
  after.server.host = running.server.host;
  after.server.socket = running.server.socket;
  after.server.shutdown_grace = running.server.shutdown_grace;
  after.server.workers = running.server.workers;
  after.server.core_dumps = running.server.core_dumps;
  after.log.format = running.log.format;
  after.log.file = running.log.file;
  after.log.max_megabytes = running.log.max_megabytes;
  after.log.max_files = running.log.max_files;
  return after;
}

}  // namespace ccproxy::config
