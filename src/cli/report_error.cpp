#include <cstdio>

#include "cli/commands.hpp"

namespace ccproxy::cli {

int report_error(const Error& error) {
  std::fprintf(stderr, "ccproxy: %s\n", error.message.c_str());
  switch (error.kind) {
    case ErrorKind::kConfiguration: return kBadConfiguration;
    case ErrorKind::kIo: return kCannotListen;
    case ErrorKind::kForbidden: return kUnsafe;
    case ErrorKind::kInvalidRequest: return kUsage;
    default: return kFailure;
  }
}

int report_file_error(Error error) {
  if (error.kind == ErrorKind::kIo || error.kind == ErrorKind::kBusy)
    error.kind = ErrorKind::kInternal;
  return report_error(error);
}

}  // namespace ccproxy::cli
