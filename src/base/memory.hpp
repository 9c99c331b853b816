// How the process keeps memory that is free.
#pragma once

namespace ccproxy {

// Large blocks go back to the system when they are freed. Otherwise glibc learns from the first
// large body to keep as much for ever (mallopt(3), M_MMAP_THRESHOLD). Elsewhere it does nothing.
// Call once, before threads begin.
void give_large_blocks_back();

}  // namespace ccproxy
