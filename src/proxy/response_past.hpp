// Fetches what a Responses request refers to: the responses that it continues, and the items that
// it only names.
#pragma once

#include <memory>
#include <string>

#include "base/error.hpp"
#include "dialect/past.hpp"
#include "net/runtime.hpp"
#include "store/archive.hpp"

namespace ccproxy::proxy {

// Nothing of what is not kept, or not kept in this scope: the decoder says what is missing. Fails
// with kTooLarge for a conversation of more than a few hundred megabytes, and with kIo.
[[nodiscard]] Task<Result<dialect::Past>> fetch_past(net::Runtime& runtime,
                                                     std::shared_ptr<store::Archive> archive,
                                                     std::string scope,
                                                     dialect::References references);

}  // namespace ccproxy::proxy
