// Names of threads, as `top -H`, debuggers and /proc show them.
#pragma once

namespace ccproxy::net {

// Names the calling thread. `name` has at most 15 characters. Does nothing on systems whose threads
// have no names.
void name_thread(const char* name);

}  // namespace ccproxy::net
