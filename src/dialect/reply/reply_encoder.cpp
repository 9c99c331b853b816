#include "dialect/reply/reply_encoder.hpp"

#include <algorithm>

namespace ccproxy::dialect {

void ReplyEncoder::finish(std::string& out) {
  if (reply_.is_over()) return;
  if (reply_.is_complete()) return complete(out);
  end_with_error(
      {ErrorKind::kUpstreamBroke, "the upstream ended its answer before it was complete"}, out);
}

void ReplyEncoder::fail(const Error& error, std::string& out) {
  if (!reply_.is_over()) end_with_error(error, out);
}

void ReplyEncoder::ignore(std::string_view what) {
  if (std::find(ignored_.begin(), ignored_.end(), what) == ignored_.end())
    ignored_.emplace_back(what);
}

}  // namespace ccproxy::dialect
