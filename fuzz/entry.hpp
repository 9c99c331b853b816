// The function that libFuzzer calls. A fault is printed and aborts the process, so that libFuzzer
// saves the input.
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

// `fault_of` takes the input and returns a fault as a sentence; "" without one.
#define CCPROXY_FUZZER(fault_of)                                                      \
  extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);  \
  extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { \
    const std::string_view input(reinterpret_cast<const char*>(data), size);          \
    return ccproxy::fuzz::report(fault_of(input));                                    \
  }
