// Takes up a changed config.json while the server runs. It looks at the file's stamp once a second
// instead of asking the system for notices: that works through links, on network disks, for files
// that are not there yet, and on every system. A file that cannot be used, or that would leave a
// reachable address without a proxy key, is reported once, and the last configuration stays in use.
// What a running server cannot change keeps its value and is named.
#pragma once

#include <functional>
#include <string>

#include "base/error.hpp"
#include "base/file.hpp"
#include "config/config.hpp"
#include "config/file.hpp"
#include "proxy/state/worker_state.hpp"

namespace ccproxy::server {

// Where the file is, and how it is read: with the environment and the flags laid over it.
struct ConfigFile {
  std::string path;
  std::function<Result<config::Loaded>()> load;
};

class Reload {
 public:
  // `may_take` says why a configuration cannot be used by the running server; `take` hands it out.
  // `shared` must outlive it.
  Reload(ConfigFile file, proxy::Shared& shared,
         std::function<Result<void>(const config::Config&)> may_take,
         std::function<void(config::Snapshot)> take);

  // Once a second. A file that changes is read when it has been the same for a second: whoever
  // writes it in pieces is not read in the middle.
  void tick();
  // Reads it now.
  void now();

 private:
  void read(bool was_asked);
  void take_up(bool was_asked);
  void refuse(const Error& error);

  ConfigFile file_;
  proxy::Shared& shared_;
  std::function<Result<void>(const config::Config&)> may_take_;
  std::function<void(config::Snapshot)> take_;
  FileStamp read_stamp_, seen_stamp_;
  config::Snapshot read_;  // what the file said last, before it was merged with what runs
};

}  // namespace ccproxy::server
