#include "proxy/door/request_body.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "json/reader.hpp"
#include "proxy/state/apart.hpp"

namespace ccproxy::proxy {
namespace {

tl::unexpected<Error> too_large(std::size_t limit) {
  return fail(ErrorKind::kTooLarge,
              fmt::format("the request body is larger than {} bytes (limits.bodyBytes)", limit));
}

// A text that grows with what arrives, never beyond what is held for it: what a client only
// promises takes nothing.
class GrowingText {
 public:
  GrowingText(std::string& text, std::size_t most, MemoryReservation& hold)
      : text_(text), most_(most), hold_(hold) {}

  // simdjson reads a little behind the text: there is memory there, whatever it holds.
  [[nodiscard]] Result<void> make_room(std::size_t more) {
    const std::size_t needed = text_.size() + more + json::kPadding;
    if (needed <= counted_) return {};
    const std::size_t likely = std::min(2 * needed, std::max(needed, most_ + json::kPadding));
    for (const std::size_t size : {likely, needed}) {
      if (!hold_.grow(size - counted_)) continue;
      counted_ = size;
      std::string grown;  // reserve() of one that holds something may take twice as much
      grown.reserve(size);
      text_.swap(grown.append(text_));
      return {};
    }
    return too_much_memory_held();
  }

 private:
  std::string& text_;
  std::size_t most_;  // that it will become
  MemoryReservation& hold_;
  std::size_t counted_ = 0;
};

Result<void> unfold(RequestBody& body, std::size_t limit, MemoryReservation& hold) {
  http::Decoder decoder(body.coding);
  GrowingText growing(body.decoded, limit, hold);
  const auto room = [&](std::size_t more) { return growing.make_room(more); };
  if (auto decoded = decoder.decode(body.sent, body.decoded, limit, room); !decoded)
    return decoded.error().kind == ErrorKind::kTooLarge ? Result<void>(too_large(limit)) : decoded;
  if (!decoder.complete())
    return fail(ErrorKind::kInvalidRequest, "the body's Content-Encoding is cut off");
  return growing.make_room(0);
}

}  // namespace

tl::unexpected<Error> too_much_memory_held() {
  Error error{ErrorKind::kBusy, "too many large requests at once (limits.heldBytes): try again"};
  error.retry_after = std::chrono::seconds(1);
  return fail(std::move(error));
}

Task<Result<RequestBody>> read_whole_body(http::ServerConnection& client,
                                          const http::RequestHead& head, std::size_t limit,
                                          MemoryReservation& hold) {
  RequestBody body;
  const auto coding = http::coding_of(head.get("content-encoding"));
  if (!coding)
    co_return fail(ErrorKind::kUnsupportedCoding,
                   "this Content-Encoding is not supported: send gzip, deflate, zstd, br or none");
  body.coding = *coding;

  const std::uint64_t expected = client.body_length().value_or(limit);
  if (expected > limit) co_return too_large(limit);
  GrowingText growing(body.sent, expected, hold);
  while (true) {
    auto piece = co_await client.read_body();
    if (!piece) co_return fail(piece.error());
    if (piece->empty()) break;
    if (piece->size() > limit - body.sent.size()) co_return too_large(limit);
    if (auto fits = growing.make_room(piece->size()); !fits) co_return fail(fits.error());
    body.sent += *piece;
  }
  if (auto fits = growing.make_room(0); !fits) co_return fail(fits.error());
  co_return body;
}

// Tried here as far as a loop may work at a stretch, and from the beginning elsewhere when that
// does not reach.
Task<Result<void>> unfold(WorkerState& worker, ClientWait& client, RequestBody& body,
                          std::size_t limit, MemoryReservation& hold) {
  if (!is_large(body.sent.size())) {
    const std::size_t held = hold.size();
    auto unfolded = unfold(body, std::min(limit, kLarge), hold);
    const bool is_more = !unfolded && unfolded.error().kind == ErrorKind::kTooLarge;
    if (!is_more || limit <= kLarge) co_return unfolded;
    hold.shrink(hold.size() - held);
    body.decoded = std::string();
  }
  const auto rest = [&body, limit, &hold](Parsers) { return unfold(body, limit, hold); };
  co_return co_await work_apart(worker, client, limit, rest);
}

}  // namespace ccproxy::proxy
