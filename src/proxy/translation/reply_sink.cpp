#include "proxy/translation/reply_sink.hpp"

namespace ccproxy::proxy {

Task<Result<void>> NullSink::answer(int, std::string_view, std::string_view) {
  co_return Result<void>{};
}

Task<Result<void>> NullSink::write(std::string_view) { co_return Result<void>{}; }

Task<Result<void>> NullSink::end(std::string_view) { co_return Result<void>{}; }

}  // namespace ccproxy::proxy
