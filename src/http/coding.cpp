#include "http/coding.hpp"

#include <brotli/decode.h>
#define ZLIB_CONST  // makes zlib's input const
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <new>

#include "base/text.hpp"

namespace ccproxy::http {
namespace {

constexpr std::size_t kStepBytes = 16 * 1024;  // decoded at a time
constexpr int kGzipWindow = MAX_WBITS + 16;
constexpr int kZlibWindow = MAX_WBITS;
constexpr int kRawWindow = -MAX_WBITS;
constexpr int kMaxZstdWindow = 23;  // 8 MiB, which every decoder must support (RFC 9659)

// The result of one step of a decompressor.
struct Step {
  std::size_t consumed = 0, produced = 0;
  bool ended = false;  // the encoded stream is complete
  bool broken = false;
};

// What differs between the codings. step() is called until it consumes and produces nothing more.
class Decompressor {
 public:
  Decompressor() = default;
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;
  Decompressor(Decompressor&&) = delete;
  Decompressor& operator=(Decompressor&&) = delete;
  virtual ~Decompressor() = default;
  [[nodiscard]] virtual Step step(std::string_view bytes, char* into, std::size_t room) = 0;
  // Prepares for another stream behind the end of the last one, whose first byte is `first`.
  // Returns false when this coding allows none, or none begins with that byte.
  [[nodiscard]] virtual bool restart(char first) = 0;
};

class ZlibDecompressor final : public Decompressor {
 public:
  explicit ZlibDecompressor(Coding coding) : coding_(coding) {
    const int window = coding == Coding::kGzip ? kGzipWindow : kZlibWindow;
    if (inflateInit2_(&stream_, window, ZLIB_VERSION, static_cast<int>(sizeof stream_)) != Z_OK)
      throw std::bad_alloc();
  }
  ZlibDecompressor(const ZlibDecompressor&) = delete;
  ZlibDecompressor& operator=(const ZlibDecompressor&) = delete;
  ZlibDecompressor(ZlibDecompressor&&) = delete;
  ZlibDecompressor& operator=(ZlibDecompressor&&) = delete;
  ~ZlibDecompressor() override { inflateEnd(&stream_); }

  Step step(std::string_view bytes, char* into, std::size_t room) override {
    if (coding_ == Coding::kDeflate && !knows_format_) return detect_format(bytes, into, room);
    return inflate_some(bytes, into, room);
  }

  // A gzip file may have several members (RFC 1952, 2.2).
  bool restart(char first) override {
    return coding_ == Coding::kGzip && first == '\x1f' && inflateReset(&stream_) == Z_OK;
  }

 private:
  // "deflate" is the zlib format, but some senders omit its header (RFC 9110, 8.4.1.2). The first
  // two bytes show which it is: no usual beginning of a bare stream is a valid zlib header.
  Step detect_format(std::string_view bytes, char* into, std::size_t room) {
    const std::size_t consumed = std::min(bytes.size(), first_.size() - first_size_);
    std::copy_n(bytes.begin(), consumed, first_.begin() + static_cast<std::ptrdiff_t>(first_size_));
    first_size_ += consumed;
    if (first_size_ < first_.size()) return {consumed, 0, false, false};
    knows_format_ = true;
    const unsigned method = static_cast<unsigned char>(first_[0]);
    const unsigned flags = static_cast<unsigned char>(first_[1]);
    const bool is_zlib = (method & 15U) == Z_DEFLATED && (method * 256 + flags) % 31 == 0;
    if (!is_zlib) inflateReset2(&stream_, kRawWindow);
    const Step begun = inflate_some({first_.data(), first_.size()}, into, room);
    return {consumed, begun.produced, begun.ended, begun.broken || begun.consumed < first_.size()};
  }

  Step inflate_some(std::string_view bytes, char* into, std::size_t room) {
    const std::size_t offered =
        std::min(bytes.size(), std::size_t{1} << 30);  // zlib counts in uInt
    stream_.next_in = reinterpret_cast<const unsigned char*>(bytes.data());
    stream_.avail_in = static_cast<uInt>(offered);
    stream_.next_out = reinterpret_cast<unsigned char*>(into);
    stream_.avail_out = static_cast<uInt>(room);
    const int result = inflate(&stream_, Z_NO_FLUSH);
    return {offered - stream_.avail_in, room - stream_.avail_out, result == Z_STREAM_END,
            result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR};
  }

  Coding coding_;
  z_stream stream_{};
  bool knows_format_ = false;
  std::array<char, 2> first_{};
  std::size_t first_size_ = 0;
};

class ZstdDecompressor final : public Decompressor {
 public:
  ZstdDecompressor() : stream_(ZSTD_createDStream(), &ZSTD_freeDStream) {
    if (!stream_) throw std::bad_alloc();
    ZSTD_DCtx_setParameter(stream_.get(), ZSTD_d_windowLogMax, kMaxZstdWindow);
  }

  Step step(std::string_view bytes, char* into, std::size_t room) override {
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    ZSTD_outBuffer out{into, room, 0};
    const std::size_t result = ZSTD_decompressStream(stream_.get(), &out, &in);
    return {in.pos, out.pos, result == 0, ZSTD_isError(result) != 0};
  }

  // Several frames may follow each other, skippable ones among them (RFC 8878, 3.1).
  bool restart(char first) override { return first == '\x28' || (first & 0xf0) == 0x50; }

 private:
  std::unique_ptr<ZSTD_DStream, decltype(&ZSTD_freeDStream)> stream_;
};

class BrotliDecompressor final : public Decompressor {
 public:
  BrotliDecompressor()
      : state_(BrotliDecoderCreateInstance(nullptr, nullptr, nullptr),
               &BrotliDecoderDestroyInstance) {
    if (!state_) throw std::bad_alloc();
  }

  Step step(std::string_view bytes, char* into, std::size_t room) override {
    std::size_t in_left = bytes.size(), out_left = room;
    const auto* in = reinterpret_cast<const std::uint8_t*>(bytes.data());
    auto* out = reinterpret_cast<std::uint8_t*>(into);
    const auto result =
        BrotliDecoderDecompressStream(state_.get(), &in_left, &in, &out_left, &out, nullptr);
    return {bytes.size() - in_left, room - out_left, result == BROTLI_DECODER_RESULT_SUCCESS,
            result == BROTLI_DECODER_RESULT_ERROR};
  }

  bool restart(char) override { return false; }

 private:
  std::unique_ptr<BrotliDecoderState, decltype(&BrotliDecoderDestroyInstance)> state_;
};

std::unique_ptr<Decompressor> make_decompressor(Coding coding) {
  switch (coding) {
    case Coding::kIdentity: return nullptr;
    case Coding::kZstd: return std::make_unique<ZstdDecompressor>();
    case Coding::kBrotli: return std::make_unique<BrotliDecompressor>();
    case Coding::kGzip:
    case Coding::kDeflate: break;
  }
  return std::make_unique<ZlibDecompressor>(coding);
}

}  // namespace

std::optional<Coding> coding_of(std::string_view content_encoding) {
  const std::string_view name = trim(content_encoding);
  if (name.empty() || same_text(name, "identity")) return Coding::kIdentity;
  if (same_text(name, "gzip") || same_text(name, "x-gzip")) return Coding::kGzip;
  if (same_text(name, "deflate")) return Coding::kDeflate;
  if (same_text(name, "zstd")) return Coding::kZstd;
  if (same_text(name, "br")) return Coding::kBrotli;
  return std::nullopt;
}

struct Decoder::State {
  explicit State(Coding coding) : decompressor(make_decompressor(coding)) {}
  Result<void> decompress(std::string_view bytes, std::string& out, std::size_t limit, Room room);

  std::unique_ptr<Decompressor> decompressor;  // nullptr for kIdentity
  bool complete = false;
  bool broken = false;
};

Decoder::Decoder(Coding coding) : state_(std::make_unique<State>(coding)) {}
Decoder::~Decoder() = default;
Decoder::Decoder(Decoder&&) noexcept = default;
Decoder& Decoder::operator=(Decoder&&) noexcept = default;

bool Decoder::complete() const { return !state_->decompressor || state_->complete; }

Result<void> Decoder::decode(std::string_view bytes, std::string& out, std::size_t limit) {
  constexpr auto kAnyRoom = [](std::size_t) -> Result<void> { return {}; };
  return decode(bytes, out, limit, kAnyRoom);
}

Result<void> Decoder::decode(std::string_view bytes, std::string& out, std::size_t limit,
                             Room room) {
  if (state_->decompressor) return state_->decompress(bytes, out, limit, room);
  if (out.size() > limit || bytes.size() > limit - out.size())
    return fail(ErrorKind::kTooLarge, "the body is too large");
  if (auto fits = room(bytes.size()); !fits) return fits;
  out += bytes;
  return {};
}

Result<void> Decoder::State::decompress(std::string_view bytes, std::string& out, std::size_t limit,
                                        Room room) {
  const auto refuse = [&](ErrorKind kind, const char* why) {
    broken = true;
    return fail(kind, why);
  };
  if (broken) return refuse(ErrorKind::kInvalidRequest, "the body's Content-Encoding is broken");
  std::array<char, kStepBytes> piece;
  bool full = false;  // the last step has filled `piece`, so there may be more output
  while (!bytes.empty() || full) {
    if (complete && !bytes.empty()) {
      if (!decompressor->restart(bytes.front()))
        return refuse(ErrorKind::kInvalidRequest, "something follows the end of the coded body");
      complete = false;
    }
    const Step step = decompressor->step(bytes, piece.data(), piece.size());
    if (step.broken)
      return refuse(ErrorKind::kInvalidRequest, "the body is not of its Content-Encoding");
    if (out.size() > limit || step.produced > limit - out.size())
      return refuse(ErrorKind::kTooLarge, "the body unfolds to more than is allowed");
    if (auto fits = room(step.produced); !fits) {
      broken = true;
      return fits;
    }
    out.append(piece.data(), step.produced);
    bytes.remove_prefix(step.consumed);
    complete = step.ended;
    full = !complete && step.produced == piece.size();
  }
  return {};
}

std::string gzip(std::string_view bytes) {
  z_stream stream{};
  constexpr int kMemory = 8;  // zlib's default
  if (deflateInit2_(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindow, kMemory,
                    Z_DEFAULT_STRATEGY, ZLIB_VERSION, static_cast<int>(sizeof stream)) != Z_OK)
    throw std::bad_alloc();
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<const unsigned char*>(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<unsigned char*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace ccproxy::http
