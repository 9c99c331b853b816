// What a thread is called where the system shows its threads: top -H, a debugger, /proc.
#pragma once

namespace ccproxy::net {

// Of the calling thread; at most 15 characters. Nothing happens where threads have no names.
void name_thread(const char* name);

}  // namespace ccproxy::net
