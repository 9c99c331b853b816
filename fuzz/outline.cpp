#include "fuzz/outline.hpp"

#include "fuzz/entry.hpp"

CCPROXY_FUZZER(ccproxy::fuzz::fault_of_outline)
