#include "proxy/door/request_body.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "json/reader.hpp"
#include "proxy/state/offload.hpp"

namespace ccproxy::proxy {
namespace {

tl::unexpected<Error> too_large(std::size_t limit) {
  return fail(ErrorKind::kTooLarge,
              fmt::format("the request body is larger than {} bytes (limits.bodyBytes)", limit));
}

// A text that grows with the bytes that arrive, and never beyond those that `hold` counts: a length
// that a client only announces takes no memory.
class GrowingText {
 public:
  GrowingText(std::string& text, std::size_t max_size, MemoryReservation& hold)
      : text_(text), max_size_(max_size), hold_(hold) {}

  // Makes room for `more` bytes, and for the padding that simdjson reads behind the text.
  [[nodiscard]] Result<void> make_room(std::size_t more) {
    const std::size_t needed = text_.size() + more + json::kPadding;
    if (needed <= counted_) return {};
    const std::size_t likely = std::min(2 * needed, std::max(needed, max_size_ + json::kPadding));
    for (const std::size_t size : {likely, needed}) {
      if (!hold_.grow(size - counted_)) continue;
      counted_ = size;
      std::string grown;  // reserve() of a text that is not empty may take twice as much
      grown.reserve(size);
      text_.swap(grown.append(text_));
      return {};
    }
    return too_much_memory_held();
  }

 private:
  std::string& text_;
  std::size_t max_size_;  // that the text is expected to reach
  MemoryReservation& hold_;
  std::size_t counted_ = 0;  // bytes of `hold_`
};

Result<void> decode(RequestBody& body, std::size_t limit, MemoryReservation& hold) {
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

// A few bytes may decode to many. So a small body is decoded here up to the size that a loop may
// work on at a stretch; beyond that the pool begins again from the start.
Task<Result<void>> decompress(WorkerState& worker, ClientWait& client, RequestBody& body,
                              std::size_t limit, MemoryReservation& hold) {
  if (!is_large(body.sent.size())) {
    const std::size_t held = hold.size();
    auto decoded = decode(body, std::min(limit, kLarge), hold);
    const bool is_too_large = !decoded && decoded.error().kind == ErrorKind::kTooLarge;
    if (!is_too_large || limit <= kLarge) co_return decoded;
    hold.shrink(hold.size() - held);
    body.decoded = std::string();
  }
  const auto decode_all = [&body, limit, &hold](Parsers) { return decode(body, limit, hold); };
  co_return co_await offload(worker, client, limit, decode_all);
}

}  // namespace ccproxy::proxy
