#include "fuzz/responses_encoder.hpp"

#include "fuzz/entry.hpp"

CCPROXY_FUZZER(ccproxy::fuzz::fault_of_responses_encoder)
