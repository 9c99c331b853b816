#include "fuzz/chat_encoder.hpp"

#include "fuzz/entry.hpp"

CCPROXY_FUZZER(ccproxy::fuzz::fault_of_chat_encoder)
