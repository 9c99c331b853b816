#include "http/coding.hpp"

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <variant>

#include "base/text.hpp"

namespace ccproxy::http {
namespace {

constexpr std::size_t kPiece = 32 * 1024;
constexpr int kZstdWindowLog = 23;  // 8 MiB: what RFC 9659 asks of a decoder
constexpr int kGzipWindow = 15 + 16, kZlibWindow = 15, kRawWindow = -15;

tl::unexpected<Error> broken() {
  return fail(ErrorKind::kInvalidRequest, "the body is not what its Content-Encoding says");
}

// Gives out room for a piece and takes what was filled, never beyond the limit.
class Sink {
 public:
  Sink(std::string& out, std::size_t limit) : out_(out), limit_(limit) {}

  [[nodiscard]] char* data() { return piece_.data(); }
  [[nodiscard]] static constexpr std::size_t size() { return kPiece; }
  [[nodiscard]] bool take(std::size_t filled) {
    if (filled > limit_ - std::min(limit_, out_.size())) return false;
    out_.append(piece_.data(), filled);
    return true;
  }

 private:
  std::string& out_;
  std::size_t limit_;
  std::array<char, kPiece> piece_;
};

tl::unexpected<Error> too_large() {
  return fail(ErrorKind::kTooLarge, "the body unfolds to more than is allowed");
}

Bytef* as_bytes(const char* text) {
  return reinterpret_cast<Bytef*>(const_cast<char*>(text));  // zlib's next_in is not const
}

// gzip (members may follow each other) and deflate, which some send without its zlib wrapper.
class Inflater {
 public:
  explicit Inflater(bool gzip) : gzip_(gzip) {}
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  Inflater(Inflater&&) = delete;
  Inflater& operator=(Inflater&&) = delete;
  ~Inflater() {
    if (open_) ::inflateEnd(&stream_);
  }

  Result<void> decode(std::string_view bytes, Sink& sink) {
    if (bytes.empty()) return {};
    if (!open_ && !open(bytes.front())) return broken();
    stream_.next_in = as_bytes(bytes.data());
    stream_.avail_in = static_cast<uInt>(bytes.size());
    do {
      if (complete_) {
        if (!gzip_) return broken();
        if (::inflateReset(&stream_) != Z_OK) return broken();
        complete_ = false;
      }
      stream_.next_out = as_bytes(sink.data());
      stream_.avail_out = static_cast<uInt>(Sink::size());
      const int status = ::inflate(&stream_, Z_NO_FLUSH);
      if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) return broken();
      if (!sink.take(Sink::size() - stream_.avail_out)) return too_large();
      complete_ = status == Z_STREAM_END;
      if (status == Z_BUF_ERROR) break;
    } while (stream_.avail_in > 0 || (stream_.avail_out == 0 && !complete_));
    return {};
  }

  [[nodiscard]] bool complete() const { return complete_; }

 private:
  bool open(char first) {
    // A zlib header begins with compression method 8 in its low four bits (RFC 1950, 2.2).
    const bool wrapped = (static_cast<unsigned char>(first) & 0x0fU) == 8;
    const int window = gzip_ ? kGzipWindow : wrapped ? kZlibWindow : kRawWindow;
    open_ = ::inflateInit2(&stream_, window) == Z_OK;
    return open_;
  }

  bool gzip_;
  bool open_ = false;
  bool complete_ = false;
  z_stream stream_{};
};

class ZstdReader {
 public:
  ZstdReader() : context_(::ZSTD_createDCtx(), &::ZSTD_freeDCtx) {
    ::ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, kZstdWindowLog);
  }

  Result<void> decode(std::string_view bytes, Sink& sink) {
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    bool full = false;
    while (in.pos < in.size || full) {
      ZSTD_outBuffer out{sink.data(), Sink::size(), 0};
      const std::size_t left = ::ZSTD_decompressStream(context_.get(), &out, &in);
      if (::ZSTD_isError(left) != 0U) return broken();
      if (!sink.take(out.pos)) return too_large();
      complete_ = left == 0;
      full = out.pos == out.size && !complete_;
    }
    return {};
  }

  [[nodiscard]] bool complete() const { return complete_; }

 private:
  std::unique_ptr<ZSTD_DCtx, decltype(&::ZSTD_freeDCtx)> context_;
  bool complete_ = false;
};

class BrotliReader {
 public:
  BrotliReader()
      : state_(::BrotliDecoderCreateInstance(nullptr, nullptr, nullptr),
               &::BrotliDecoderDestroyInstance) {}

  Result<void> decode(std::string_view bytes, Sink& sink) {
    const auto* next = reinterpret_cast<const std::uint8_t*>(bytes.data());
    std::size_t left = bytes.size();
    if (complete_ && left > 0) return broken();
    while (true) {
      auto* room = reinterpret_cast<std::uint8_t*>(sink.data());
      std::size_t space = Sink::size();
      const BrotliDecoderResult status =
          ::BrotliDecoderDecompressStream(state_.get(), &left, &next, &space, &room, nullptr);
      if (status == BROTLI_DECODER_RESULT_ERROR) return broken();
      if (!sink.take(Sink::size() - space)) return too_large();
      complete_ = status == BROTLI_DECODER_RESULT_SUCCESS;
      if (complete_ && left > 0) return broken();
      if (status != BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT) return {};
    }
  }

  [[nodiscard]] bool complete() const { return complete_; }

 private:
  std::unique_ptr<BrotliDecoderState, decltype(&::BrotliDecoderDestroyInstance)> state_;
  bool complete_ = false;
};

struct Plain {
  static Result<void> decode(std::string_view bytes, std::string& out, std::size_t limit) {
    if (bytes.size() > limit - std::min(limit, out.size())) return too_large();
    out += bytes;
    return {};
  }
};

}  // namespace

struct Decoder::State {
  std::variant<Plain, Inflater, ZstdReader, BrotliReader> reader;
};

Decoder::Decoder(Coding coding) : state_(std::make_unique<State>()) {
  switch (coding) {
    case Coding::kIdentity: break;
    case Coding::kGzip: state_->reader.emplace<Inflater>(true); break;
    case Coding::kDeflate: state_->reader.emplace<Inflater>(false); break;
    case Coding::kZstd: state_->reader.emplace<ZstdReader>(); break;
    case Coding::kBrotli: state_->reader.emplace<BrotliReader>(); break;
  }
}

Decoder::~Decoder() = default;
Decoder::Decoder(Decoder&&) noexcept = default;
Decoder& Decoder::operator=(Decoder&&) noexcept = default;

Result<void> Decoder::decode(std::string_view bytes, std::string& out, std::size_t limit) {
  return std::visit(
      [&](auto& reader) -> Result<void> {
        if constexpr (std::is_same_v<std::decay_t<decltype(reader)>, Plain>) {
          return reader.decode(bytes, out, limit);
        } else {
          Sink sink(out, limit);
          return reader.decode(bytes, sink);
        }
      },
      state_->reader);
}

bool Decoder::complete() const {
  return std::visit(
      [](const auto& reader) {
        if constexpr (std::is_same_v<std::decay_t<decltype(reader)>, Plain>) {
          return true;
        } else {
          return reader.complete();
        }
      },
      state_->reader);
}

std::optional<Coding> coding_of(std::string_view content_encoding) {
  const std::string_view name = trim(content_encoding);
  if (name.empty() || same_text(name, "identity")) return Coding::kIdentity;
  if (same_text(name, "gzip") || same_text(name, "x-gzip")) return Coding::kGzip;
  if (same_text(name, "deflate")) return Coding::kDeflate;
  if (same_text(name, "zstd")) return Coding::kZstd;
  if (same_text(name, "br")) return Coding::kBrotli;
  return std::nullopt;
}

std::string gzip(std::string_view bytes) {
  z_stream stream{};
  ::deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY);
  std::string out(::deflateBound(&stream, static_cast<uLong>(bytes.size())), '\0');
  stream.next_in = as_bytes(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = as_bytes(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  ::deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  ::deflateEnd(&stream);
  return out;
}

}  // namespace ccproxy::http
