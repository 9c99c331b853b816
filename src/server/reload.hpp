// Applies a changed config.json while the server runs. It checks the file's stamp once a second
// instead of asking the system for notices: that works through links, on network disks, for files
// that do not exist yet, and on every system. A file that cannot be used, or that would leave a
// reachable address without a proxy key, is reported once, and the last configuration stays in use.
// Keys that a running server cannot change keep their values and are named.
#pragma once

#include <functional>
#include <string>

#include "base/error.hpp"
#include "base/file.hpp"
#include "config/config.hpp"
#include "config/file.hpp"
#include "proxy/state/worker_state.hpp"

namespace ccproxy::server {

// The file's path, and how it is loaded: with the environment and the flags laid over it.
struct ConfigFile {
  std::string path;
  std::function<Result<config::Loaded>()> load;
};

class Reload {
 public:
  // `check` returns why a running server cannot use a configuration; `use` puts it into use.
  // `shared` must outlive it.
  Reload(ConfigFile file, proxy::Shared& shared,
         std::function<Result<void>(const config::Config&)> check,
         std::function<void(config::Snapshot)> use);

  // To be called once a second. A changed file is read once it has been the same for a second, so
  // that a file that is written in pieces is not read halfway.
  void tick();
  // Reads the file now.
  void now();

 private:
  void apply(bool was_requested);
  void load_and_apply(bool was_requested);
  void refuse(const Error& error);

  ConfigFile file_;
  proxy::Shared& shared_;
  std::function<Result<void>(const config::Config&)> check_;
  std::function<void(config::Snapshot)> use_;
  FileStamp read_stamp_, seen_stamp_;
  config::Snapshot read_;  // the file as last read, before it was merged with what runs
};

}  // namespace ccproxy::server
