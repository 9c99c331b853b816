#include "proxy/request_body.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "json/reader.hpp"

namespace ccproxy::proxy {
namespace {

tl::unexpected<Error> too_large(std::size_t limit) {
  return fail(ErrorKind::kTooLarge,
              fmt::format("the request body is larger than {} bytes (limits.bodyBytes)", limit));
}

// simdjson reads a little behind the text: there must be memory there, whatever it holds.
void pad(std::string& text) { text.reserve(text.size() + json::kPadding); }

Result<void> unfold(RequestBody& body, std::size_t limit, Hold& hold) {
  http::Decoder decoder(body.coding);
  if (auto decoded = decoder.decode(body.sent, body.decoded, limit); !decoded)
    return decoded.error().kind == ErrorKind::kTooLarge ? Result<void>(too_large(limit)) : decoded;
  if (!decoder.complete())
    return fail(ErrorKind::kInvalidRequest, "the body's Content-Encoding is cut off");
  if (!hold.grow(body.decoded.size())) return too_much_held();
  pad(body.decoded);
  return {};
}

}  // namespace

tl::unexpected<Error> too_much_held() {
  Error error{ErrorKind::kBusy, "too many large requests at once (limits.heldBytes): try again"};
  error.retry_after = std::chrono::seconds(1);
  return fail(std::move(error));
}

Task<Result<RequestBody>> read_whole_body(http::ServerConnection& client,
                                          const http::RequestHead& head, std::size_t limit,
                                          Hold& hold) {
  RequestBody body;
  const auto coding = http::coding_of(head.get("content-encoding"));
  if (!coding)
    co_return fail(ErrorKind::kUnsupportedCoding,
                   "this Content-Encoding is not supported: send gzip, deflate, zstd, br or none");
  body.coding = *coding;

  const std::size_t expected = client.body_length().value_or(0);
  if (expected > limit) co_return too_large(limit);
  body.sent.reserve(expected + json::kPadding);
  while (true) {
    auto piece = co_await client.read_body();
    if (!piece) co_return fail(piece.error());
    if (piece->empty()) break;
    if (piece->size() > limit - body.sent.size()) co_return too_large(limit);
    if (!hold.grow(piece->size())) co_return too_much_held();
    body.sent += *piece;
  }
  pad(body.sent);
  if (body.coding != http::Coding::kIdentity)
    if (auto unfolded = unfold(body, limit, hold); !unfolded) co_return fail(unfolded.error());
  co_return body;
}

}  // namespace ccproxy::proxy
