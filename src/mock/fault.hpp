// What can go wrong on purpose. One list, by the names that scripts, the header x-mock-fault and
// models named mock-fault-NAME use. It refuses to know how a fault is carried out: delivery does.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace ccproxy::mock {

enum class FaultKind {
  kStatus,         // status=CODE[:RETRY_AFTER]: an error answer
  kReset,          // the connection is reset instead of an answer
  kResetMid,       // [=EVENTS] reset after some of the answer
  kEndMid,         // [=EVENTS] the body ends in order, the answer is cut
  kCloseMid,       // [=EVENTS] closed in the middle of a chunk
  kStall,          // [=SECONDS] no answer until the client goes
  kStallMid,       // [=EVENTS] nothing more after some of the answer
  kDrip,           // [=MS] head and body byte by byte
  kSplit,          // [=BYTES[:MS]] head and body in small pieces that respect no border
  kErrorMid,       // [=EVENTS] an error event in the middle, then the end
  kCrlf,           // lines of the stream end in CR LF
  kCr,             // lines of the stream end in CR
  kNoBlankEnd,     // the last event lacks its blank line
  kGzip,           // compressed, though nobody asked
  kHttp10,         // an HTTP/1.0 answer without a length, ended by closing
  kInterim,        // 103 and 100 before the answer
  kCloseAfter,     // the answer says Connection: close
  kDeadKeepalive,  // [=late] the connection dies behind the answer without a word
  kBadLength,      // [=BYTES] Content-Length is wrong by that many
  kTwoLengths,     // [=te] two Content-Lengths, or one beside Transfer-Encoding
  kTlsAbort,       // cut, without the alert that ends TLS; the body has no length
  kSlowHead,       // [=MS] the answer begins late
  kHugeEvent,      // [=BYTES] one text delta of that size
  kPingsOnly,      // [=MS] a ping that often and nothing else until the client goes
  kEarly,          // [=STATUS] answered before the body is read, then closed
};

struct FaultName {
  std::string_view name;
  FaultKind kind;
};

inline constexpr std::array<FaultName, 25> kFaultNames = {{
    {"status", FaultKind::kStatus},
    {"reset", FaultKind::kReset},
    {"reset-mid", FaultKind::kResetMid},
    {"end-mid", FaultKind::kEndMid},
    {"close-mid", FaultKind::kCloseMid},
    {"stall", FaultKind::kStall},
    {"stall-mid", FaultKind::kStallMid},
    {"drip", FaultKind::kDrip},
    {"split", FaultKind::kSplit},
    {"error-mid", FaultKind::kErrorMid},
    {"crlf", FaultKind::kCrlf},
    {"cr", FaultKind::kCr},
    {"no-blank-end", FaultKind::kNoBlankEnd},
    {"gzip", FaultKind::kGzip},
    {"http10", FaultKind::kHttp10},
    {"interim", FaultKind::kInterim},
    {"close-after", FaultKind::kCloseAfter},
    {"dead-keepalive", FaultKind::kDeadKeepalive},
    {"bad-length", FaultKind::kBadLength},
    {"two-lengths", FaultKind::kTwoLengths},
    {"tls-abort", FaultKind::kTlsAbort},
    {"slow-head", FaultKind::kSlowHead},
    {"huge-event", FaultKind::kHugeEvent},
    {"pings-only", FaultKind::kPingsOnly},
    {"early", FaultKind::kEarly},
}};

struct Fault {
  FaultKind kind;
  std::optional<std::int64_t> value{};   // the number behind '='
  std::optional<std::int64_t> second{};  // and the one behind ':'
  std::string word{};                    // or the word
};

// Reads NAME, NAME=NUMBER, NAME=NUMBER:NUMBER or NAME=WORD. Fails with kConfiguration; the message
// lists the names there are.
[[nodiscard]] Result<Fault> parse_fault(std::string_view text);

}  // namespace ccproxy::mock
