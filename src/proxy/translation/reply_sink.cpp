#include "proxy/translation/reply_sink.hpp"

namespace ccproxy::proxy {

Task<Result<void>> NoAudience::answer(int, std::string_view, std::string_view) {
  co_return Result<void>{};
}

Task<Result<void>> NoAudience::write(std::string_view) { co_return Result<void>{}; }

Task<Result<void>> NoAudience::end(std::string_view) { co_return Result<void>{}; }

}  // namespace ccproxy::proxy
