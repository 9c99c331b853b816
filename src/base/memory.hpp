// How the process keeps memory that is free.
#pragma once

namespace ccproxy {

// Large blocks go back to the system when they are freed. Otherwise glibc learns from the first
// large body to keep as much for ever (mallopt(3), M_MMAP_THRESHOLD). Elsewhere it does nothing.
// Call once, before threads begin.
void give_large_blocks_back();

// A crash leaves no core from here on: it would hold credentials. And the system's own limit again,
// for who asked for one. The limits of programs that are started later are those of this one.
void forbid_core_dumps();
void allow_core_dumps();

}  // namespace ccproxy
