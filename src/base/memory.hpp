// What the process does with freed memory, and whether a crash writes memory to disk.
#pragma once

namespace ccproxy {

// Makes malloc return large blocks to the system when they are freed. Otherwise glibc raises its
// threshold with the first large body and keeps as much memory forever (mallopt(3),
// M_MMAP_THRESHOLD). With other C libraries it does nothing. Call it once, before threads start.
void return_large_blocks();

// From now on a crash leaves no core dump, which would contain credentials. Programs that this one
// starts inherit that.
void forbid_core_dumps();

// Restores the limit that the system had set, for a user who has asked for core dumps.
void allow_core_dumps();

}  // namespace ccproxy
