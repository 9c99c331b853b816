#include "http/fetch.hpp"

#include <fmt/format.h>

#include <utility>

namespace ccproxy::http {

Task<Result<Fetched>> fetch(Client& client, const OutgoingRequest& request, std::string_view body,
                            std::size_t max_bytes, net::Cancellation& cancellation) {
  auto opened = co_await client.open(true, &cancellation);
  if (!opened) co_return fail(opened.error());
  const std::shared_ptr<Call> call = std::move(*opened);
  cancellation.arm([call] { call->abort(); });
  auto sent = co_await call->send(request, body, true);
  auto head = co_await call->read_head();  // even when sending has failed: it may say why
  Result<Fetched> fetched = fail(ErrorKind::kClosed, "");
  if (head) {
    fetched = Fetched{std::move(*head), {}};
  } else {
    fetched = fail(sent ? head.error() : sent.error());
  }
  while (fetched) {
    auto piece = co_await call->read_body();
    if (!piece) {
      fetched = fail(piece.error());
    } else if (piece->empty()) {
      break;
    } else if (fetched->body.size() + piece->size() > max_bytes) {
      fetched =
          fail(ErrorKind::kTooLarge, fmt::format("the answer has more than {} bytes", max_bytes));
    } else {
      fetched->body += *piece;
    }
  }
  cancellation.disarm();
  co_return fetched;
}

}  // namespace ccproxy::http
