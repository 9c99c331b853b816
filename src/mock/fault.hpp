// The list of faults that a request can ask for, by the names that scripts, the header x-mock-fault
// and models named mock-fault-NAME use. It refuses to know how a fault is carried out: reply.cpp
// and delivery.cpp do that.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace ccproxy::mock {

enum class FaultKind {
  kStatus,         // status=CODE[:RETRY_AFTER]: an error reply
  kReset,          // the connection is reset before the reply
  kResetMid,       // [=EVENTS] reset after a part of the reply
  kEndMid,         // [=EVENTS] the body ends in order, but the message is cut
  kCloseMid,       // [=EVENTS] closed in the middle of a chunk
  kStall,          // [=SECONDS] no reply until the client leaves
  kStallMid,       // [=EVENTS] nothing more after a part of the reply
  kDrip,           // [=MS] head and body byte by byte
  kSplit,          // [=BYTES[:MS]] head and body in pieces of that size
  kErrorMid,       // [=EVENTS] an error event in the middle, then the end
  kCrlf,           // lines of the stream end in CR LF
  kCr,             // lines of the stream end in CR
  kNoBlankEnd,     // the last event lacks its blank line
  kGzip,           // compressed, whatever Accept-Encoding says
  kHttp10,         // an HTTP/1.0 reply without a length, ended by closing
  kInterim,        // 103 and 100 before the reply
  kCloseAfter,     // the reply has Connection: close
  kDeadKeepalive,  // [=late] the connection closes after the reply unannounced
  kBadLength,      // [=BYTES] Content-Length is wrong by that many
  kTwoLengths,     // [=te] two Content-Lengths, or one beside Transfer-Encoding
  kTlsAbort,       // cut without the TLS close_notify; the body has no length
  kSlowHead,       // [=MS] the reply begins late
  kHugeEvent,      // [=BYTES] one text delta of that size
  kPingsOnly,      // [=MS] a ping that often and nothing else until the client leaves
  kEarly,          // [=STATUS] a reply before the body is read, then closed
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
  std::optional<std::int64_t> value{};   // the number after '='
  std::optional<std::int64_t> second{};  // the number after ':'
  std::string word{};                    // the word after '=', such as "late"
};

// Parses NAME, NAME=NUMBER, NAME=NUMBER:NUMBER or NAME=WORD. Fails with kConfiguration; the message
// for an unknown name lists all names.
[[nodiscard]] Result<Fault> parse_fault(std::string_view text);

}  // namespace ccproxy::mock
