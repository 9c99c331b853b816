#include "http/coding.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace ccproxy::http {
namespace {

constexpr std::size_t kSizes[] = {1, 2, 3, 5, 7, 16, 64, std::string::npos};
constexpr std::size_t kRoomy = std::size_t{8} << 20;

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return bytes;
}

// What the recorded samples hold.
std::string sample() {
  std::string text;
  for (int i = 0; i < 60; ++i)
    text += "{\"n\":" + std::to_string(i) + ",\"text\":\"the quick brown fox\"},";
  return text;
}

// sample(), as the brotli and zstd tools of Debian 12 write it.
const std::string kBrotliSample = from_hex(
    "1bdd08802c0eece69b5d58591ed4c8b4caa8cddef0f6941b5de9f4a5080b9a8e0d53371bd8e3500c0f800e1f29c3"
    "309bf860038e12281e7f86fac4f27e3e341379308b184c169bc3cdc3cbf78fc2e174b93dde3ebe7c9de570badc1e"
    "6f1f5fbeae72385d6e8fb78f2f5f77399c2eb7c7dbc797afa71c4e97dbe3ede32b07");
const std::string kZstdSample = from_hex(
    "28b52ffd0468fd030042061411907d6381c5099677b751fa1312a1ee821e4b25744c213fce52091d53c80fb35442"
    "c714f2a32c95d03185fc204b25744c21ff4b25744c212f7ad81502aaeb6d603a992d78110716f07e3888c1020d3c"
    "3ca811c0bbff67f035d6112404ffff0881ce0f01607a20a82e08aa1382ea901892d4ae5fdab958aca00890558dd7"
    "4097");
// Four MiB of zeros.
const std::string kBrotliBomb = from_hex("9bffff3ff82700e2b14020f7fe07");

// The bare deflate stream of a gzip file as gzip() makes it: ten bytes before it, eight behind.
std::string bare_deflate(std::string_view text) {
  const std::string file = gzip(text);
  return file.substr(10, file.size() - 18);
}

std::string zlib_wrapped(std::string_view text) {
  unsigned a = 1, b = 0;  // Adler-32 (RFC 1950, 9)
  for (const char c : text) {
    a = (a + static_cast<unsigned char>(c)) % 65521;
    b = (b + a) % 65521;
  }
  std::string wrapped = "\x78\x9c" + bare_deflate(text);
  for (const unsigned byte : {b >> 8U, b & 255U, a >> 8U, a & 255U})
    wrapped += static_cast<char>(byte);
  return wrapped;
}

// A zstd frame of `blocks` times 128 KiB of one letter; the window is 2^(10 + exponent) bytes.
std::string zstd_frame(unsigned exponent, unsigned blocks) {
  std::string frame = from_hex("28b52ffd00");
  frame += static_cast<char>(exponent << 3U);
  for (unsigned i = 0; i < blocks; ++i) {
    const unsigned header = (128U << 13U) | 2U | (i + 1 == blocks ? 1U : 0U);
    for (const unsigned shift : {0U, 8U, 16U}) frame += static_cast<char>((header >> shift) & 255U);
    frame += 'z';
  }
  return frame;
}

struct Outcome {
  std::string text;
  bool complete = false;
  std::optional<ErrorKind> failed;
  bool operator==(const Outcome&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
  out << outcome.text.size() << " bytes, " << (outcome.complete ? "complete" : "not complete");
  if (outcome.failed) out << ", error " << static_cast<int>(*outcome.failed);
  return out;
}

Outcome decode(Coding coding, std::string_view bytes, std::size_t fragment, std::size_t limit) {
  Decoder decoder(coding);
  Outcome outcome;
  for (std::size_t at = 0; at < bytes.size(); at += std::min(fragment, bytes.size())) {
    const std::string piece(bytes.substr(at, fragment));  // dies after this turn
    auto decoded = decoder.decode(piece, outcome.text, limit);
    if (decoded) continue;
    outcome.failed = decoded.error().kind;
    outcome.text.clear();
    return outcome;
  }
  outcome.complete = decoder.complete();
  return outcome;
}

struct Case {
  const char* description;  // what this row proves
  Coding coding;
  std::string bytes;
  Outcome outcome;
  std::size_t limit = kRoomy;
};

std::vector<Case> readable() {
  const std::string text = sample();
  const std::string zeros(100'000, '\0');
  return {
      {"identity passes", Coding::kIdentity, text, {text, true, {}}},
      {"gzip", Coding::kGzip, gzip(text), {text, true, {}}},
      {"gzip of nothing", Coding::kGzip, gzip(""), {"", true, {}}},
      {"gzip members follow each other",
       Coding::kGzip,
       gzip("one, ") + gzip("") + gzip("two"),
       {"one, two", true, {}}},
      {"deflate in zlib's wrapping", Coding::kDeflate, zlib_wrapped(text), {text, true, {}}},
      {"deflate, bare", Coding::kDeflate, bare_deflate(text), {text, true, {}}},
      {"deflate of nothing, bare", Coding::kDeflate, bare_deflate(""), {"", true, {}}},
      {"deflate of nothing, wrapped", Coding::kDeflate, zlib_wrapped(""), {"", true, {}}},
      {"zstd", Coding::kZstd, kZstdSample, {text, true, {}}},
      {"zstd frames follow each other",
       Coding::kZstd,
       kZstdSample + kZstdSample,
       {text + text, true, {}}},
      {"a zstd window of 8 MiB",
       Coding::kZstd,
       zstd_frame(13, 1),
       {std::string(128 << 10, 'z'), true, {}}},
      {"br", Coding::kBrotli, kBrotliSample, {text, true, {}}},
      {"br of nothing", Coding::kBrotli, "\x06", {"", true, {}}},
      {"exactly as much as is allowed", Coding::kGzip, gzip(zeros), {zeros, true, {}}, 100'000},
      {"identity, exactly as much", Coding::kIdentity, zeros, {zeros, true, {}}, 100'000},
      {"br, many times its size",
       Coding::kBrotli,
       kBrotliBomb,
       {std::string(std::size_t{4} << 20, '\0'), true, {}}},
  };
}

std::vector<Case> unreadable() {
  const std::string text = sample();
  const Outcome refused{"", false, ErrorKind::kInvalidRequest};
  const Outcome too_large{"", false, ErrorKind::kTooLarge};
  const std::string zeros(std::size_t{4} << 20, '\0');
  std::string wrong_sum = gzip(text);
  wrong_sum[wrong_sum.size() - 6] ^= 1;
  return {
      {"gzip with garbage behind it", Coding::kGzip, gzip(text) + "garbage", refused},
      {"gzip with one byte behind it", Coding::kGzip, gzip(text) + std::string(1, '\0'), refused},
      {"wrapped deflate with a byte behind it", Coding::kDeflate, zlib_wrapped(text) + "x",
       refused},
      {"bare deflate with a byte behind it", Coding::kDeflate, bare_deflate(text) + "x", refused},
      {"zstd with one byte behind it", Coding::kZstd, kZstdSample + "x", refused},
      {"zstd with garbage behind it", Coding::kZstd, kZstdSample + "garbage", refused},
      {"br with a byte behind it", Coding::kBrotli, kBrotliSample + "x", refused},
      {"plain text called gzip", Coding::kGzip, text, refused},
      {"plain text called deflate", Coding::kDeflate, text, refused},
      {"plain text called zstd", Coding::kZstd, text, refused},
      {"gzip called zstd", Coding::kZstd, gzip(text), refused},
      {"gzip with a wrong checksum", Coding::kGzip, wrong_sum, refused},
      {"a zstd window of 16 MiB", Coding::kZstd, zstd_frame(14, 1), refused},
      {"a gzip bomb", Coding::kGzip, gzip(zeros), too_large, 1 << 20},
      {"a bomb in the second member", Coding::kGzip, gzip("a") + gzip(zeros), too_large, 1 << 20},
      {"a deflate bomb", Coding::kDeflate, zlib_wrapped(zeros), too_large, 1 << 20},
      {"a zstd bomb", Coding::kZstd, zstd_frame(10, 64), too_large, 1 << 20},
      {"a br bomb", Coding::kBrotli, kBrotliBomb, too_large, 1 << 20},
      {"one byte more than is allowed", Coding::kGzip, gzip("four"), too_large, 3},
      {"identity above the limit", Coding::kIdentity, "four", too_large, 3},
  };
}

void check(const std::vector<Case>& cases) {
  for (const Case& row : cases)
    for (const std::size_t size : kSizes) {
      SCOPED_TRACE(testing::Message() << row.description << ", fragments of " << size);
      const Outcome outcome = decode(row.coding, row.bytes, size, row.limit);
      EXPECT_TRUE(outcome == row.outcome) << outcome << ", expected " << row.outcome;
    }
}

TEST(Decoder, decodes_the_same_at_every_fragment_size) { check(readable()); }

TEST(Decoder, refuses_bombs_and_garbage_at_every_fragment_size) { check(unreadable()); }

TEST(Decoder, is_not_complete_when_the_stream_is_truncated) {
  const std::string text = sample();
  const std::pair<Coding, std::string> streams[] = {{Coding::kGzip, gzip(text)},
                                                    {Coding::kDeflate, zlib_wrapped(text)},
                                                    {Coding::kDeflate, bare_deflate(text)},
                                                    {Coding::kZstd, kZstdSample},
                                                    {Coding::kBrotli, kBrotliSample}};
  for (const auto& [coding, bytes] : streams)
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const Outcome cut = decode(coding, std::string_view(bytes).substr(0, size), 7, kRoomy);
      ASSERT_FALSE(cut.complete) << static_cast<int>(coding) << " cut at " << size;
      ASSERT_FALSE(cut.failed) << static_cast<int>(coding) << " cut at " << size;
    }
}

TEST(Decoder, counts_the_bytes_already_in_the_output_against_the_limit) {
  Decoder decoder(Coding::kGzip);
  std::string out = "12345678";
  EXPECT_EQ(decoder.decode(gzip("abc"), out, 10).error().kind, ErrorKind::kTooLarge);
}

TEST(Decoder, stops_soon_after_the_limit) {
  Decoder decoder(Coding::kBrotli);
  std::string out;
  ASSERT_FALSE(decoder.decode(kBrotliBomb, out, 100'000));
  EXPECT_LE(out.size(), 100'000U);
}

TEST(Decoder, keeps_failing_after_an_error) {
  Decoder decoder(Coding::kGzip);
  std::string out;
  ASSERT_FALSE(decoder.decode("not gzip at all", out, kRoomy));
  EXPECT_FALSE(decoder.decode(gzip("a"), out, kRoomy));
}

TEST(CodingOf, knows_the_codings_in_any_case_and_refuses_lists) {
  EXPECT_EQ(coding_of(""), Coding::kIdentity);
  EXPECT_EQ(coding_of("Identity"), Coding::kIdentity);
  EXPECT_EQ(coding_of("GZip"), Coding::kGzip);
  EXPECT_EQ(coding_of("x-gzip"), Coding::kGzip);
  EXPECT_EQ(coding_of("deflate"), Coding::kDeflate);
  EXPECT_EQ(coding_of(" zstd "), Coding::kZstd);
  EXPECT_EQ(coding_of("br"), Coding::kBrotli);
  EXPECT_EQ(coding_of("gzip, br"), std::nullopt);
  EXPECT_EQ(coding_of("compress"), std::nullopt);
}

}  // namespace
}  // namespace ccproxy::http
