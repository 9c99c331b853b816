# Warnings of our own code: errors, unless CMAKE_COMPILE_WARNING_AS_ERROR is off. What comes from packages
# is included as system headers.
add_library(ccproxy_warnings INTERFACE)
target_compile_options(
  ccproxy_warnings
  INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wold-style-cast -Wnon-virtual-dtor
            -Woverloaded-virtual)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 sees ghosts: in optimised coroutine frames (also PR 107138), and in string::replace
  # (PR 105329).
  target_compile_options(ccproxy_warnings INTERFACE -Wno-maybe-uninitialized -Wno-mismatched-new-delete
                                                    -Wno-restrict)
endif()

# A test's own code runs once and is compiled in half the time without optimisation: what it tests is
# optimised.
add_library(ccproxy_test_options INTERFACE)
target_compile_options(ccproxy_test_options INTERFACE $<$<CONFIG:Debug>:-O0>)
