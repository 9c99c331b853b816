// Content codings (RFC 9110, 8.4.1): gzip, deflate, zstd and br are read, gzip is written. Sizes
// are bounded by the caller, so that a small body that unfolds into a huge one stops early.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/function_ref.hpp"

namespace ccproxy::http {

enum class Coding { kIdentity, kGzip, kDeflate, kZstd, kBrotli };

// The coding that a Content-Encoding value names, in any case; "" and "identity" are kIdentity.
// Nothing for an unknown one or a list of several.
[[nodiscard]] std::optional<Coding> coding_of(std::string_view content_encoding);

// Undoes a coding, piece by piece.
class Decoder {
 public:
  explicit Decoder(Coding coding);
  ~Decoder();
  Decoder(Decoder&&) noexcept;
  Decoder& operator=(Decoder&&) noexcept;
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  // Is asked before `out` grows by so many bytes. An error of its ends the decoding.
  using Room = FunctionRef<Result<void>(std::size_t)>;

  // Appends what `bytes` unfold to. Fails with kInvalidRequest when they are not of this coding or
  // something follows the end, kTooLarge when `out` would outgrow `limit` bytes, and as `room`
  // does.
  [[nodiscard]] Result<void> decode(std::string_view bytes, std::string& out, std::size_t limit,
                                    Room room);
  [[nodiscard]] Result<void> decode(std::string_view bytes, std::string& out, std::size_t limit);

  // True once the coded stream is complete (always for kIdentity).
  [[nodiscard]] bool complete() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

[[nodiscard]] std::string gzip(std::string_view bytes);

}  // namespace ccproxy::http
