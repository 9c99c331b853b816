#include "fuzz/responses_decoder.hpp"

#include "fuzz/entry.hpp"

CCPROXY_FUZZER(ccproxy::fuzz::fault_of_responses_decoder)
