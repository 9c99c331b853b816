// Content codings (RFC 9110, 8.4.1): reads gzip, deflate, zstd and br, and writes gzip. Callers
// limit the decoded size, so that decoding a small body into a huge one stops early.
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

// The coding that a Content-Encoding names, in any case; kIdentity for "" and "identity". Nothing
// for an unknown coding or a list of several.
[[nodiscard]] std::optional<Coding> coding_of(std::string_view content_encoding);

// Decodes a body that arrives in pieces.
class Decoder {
 public:
  explicit Decoder(Coding coding);
  ~Decoder();
  Decoder(Decoder&&) noexcept;
  Decoder& operator=(Decoder&&) noexcept;
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  // Called before `out` grows by so many bytes. An error that it returns ends the decoding.
  using Room = FunctionRef<Result<void>(std::size_t)>;

  // Appends the decoded `bytes` to `out`. Fails with kInvalidRequest when they are not in this
  // coding or something follows its end, with kTooLarge when `out` would have more than `limit`
  // bytes, and with the error of `room`. After a failure every further call fails.
  [[nodiscard]] Result<void> decode(std::string_view bytes, std::string& out, std::size_t limit,
                                    Room room);
  [[nodiscard]] Result<void> decode(std::string_view bytes, std::string& out, std::size_t limit);

  // True when the encoded body is complete; always true for kIdentity.
  [[nodiscard]] bool complete() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Encodes `bytes` as one gzip member.
[[nodiscard]] std::string gzip(std::string_view bytes);

}  // namespace ccproxy::http
