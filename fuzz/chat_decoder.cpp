#include "fuzz/chat_decoder.hpp"

#include "fuzz/entry.hpp"

CCPROXY_FUZZER(ccproxy::fuzz::fault_of_chat_decoder)
