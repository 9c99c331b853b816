// Turns exceptions, as a rule a lack of memory, into errors, for threads on which nobody would
// catch them.
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <exception>
#include <new>
#include <optional>
#include <utility>

#include "base/error.hpp"
#include "base/retry_on_bad_alloc.hpp"

namespace ccproxy::store {

inline Error no_memory() {
  return {ErrorKind::kBusy, "There is not enough memory for the store to do this: try again.", "",
          "", std::chrono::seconds(1)};
}

inline Error work_failed(const char* why) {
  return {ErrorKind::kBusy, fmt::format("The store could not do this ({}): try again.", why), "",
          "", std::chrono::seconds(1)};
}

// Returns the error that `make` builds. Building it takes a little memory, too: it is tried again
// until there is some.
template <class Make>
Error build_error(const Make& make) {
  std::optional<Error> built;
  retry_on_bad_alloc([&] { built = make(); });
  return std::move(*built);
}

// Returns the Result of `work`, or kBusy for what it throws.
template <class Work>
auto safely(const Work& work) -> decltype(work()) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return fail(build_error(no_memory));
  } catch (const std::exception& error) {
    return fail(build_error([&] { return work_failed(error.what()); }));
  }
}

}  // namespace ccproxy::store
