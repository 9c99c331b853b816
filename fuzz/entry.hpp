// What libFuzzer calls: a fault is told, and ends the process, so that the input is kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace ccproxy::fuzz {

inline int report(const std::string& fault) {
  if (fault.empty()) return 0;
  std::fprintf(stderr, "fault: %s\n", fault.c_str());
  std::abort();
}

}  // namespace ccproxy::fuzz

// `fault_of` takes the input and returns a fault as a sentence, or nothing.
#define CCPROXY_FUZZER(fault_of)                                                      \
  extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);  \
  extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { \
    const std::string_view input(reinterpret_cast<const char*>(data), size);          \
    return ccproxy::fuzz::report(fault_of(input));                                    \
  }
