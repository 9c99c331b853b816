// Where nobody stands behind a thread: whatever is thrown on the way, as a rule since there is no
// memory, is an error like any other.
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <exception>
#include <new>
#include <optional>
#include <utility>

#include "base/error.hpp"
#include "base/insist.hpp"

namespace ccproxy::store {

inline Error no_memory() {
  return {ErrorKind::kBusy, "There is not enough memory for what the store was asked: try again.",
          "", "", std::chrono::seconds(1)};
}

inline Error broken_off(const char* why) {
  return {ErrorKind::kBusy,
          fmt::format("The store could not do what it was asked ({}): try again.", why), "", "",
          std::chrono::seconds(1)};
}

// An error takes a little memory, too: what `make` makes, as soon as there is some.
template <class Make>
Error surely(const Make& make) {
  std::optional<Error> made;
  insist([&] { made = make(); });
  return std::move(*made);
}

// Returns what `work` does, a Result, or what it throws as kBusy.
template <class Work>
auto safely(const Work& work) -> decltype(work()) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return fail(surely(no_memory));
  } catch (const std::exception& error) {
    return fail(surely([&] { return broken_off(error.what()); }));
  }
}

}  // namespace ccproxy::store
