// A reply of the simulated API before it is sent: head, body in steps with pauses, how it ends, and
// what is wrong with it on purpose. It is plain data; delivery.cpp writes it to a connection.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mock/fault.hpp"
#include "mock/message.hpp"
#include "mock/script.hpp"

namespace ccproxy::mock {

enum class Ending {
  kWhole,  // in order
  kClose,  // the connection closes in the middle
  kAbort,  // the same without the TLS close_notify
  kReset,  // the connection is reset
  kStall,  // nothing more until the client leaves
  kPings,  // a ping every `interval` until the client leaves
};

// How the head frames the body.
enum class Framing {
  kRight,       // a length, or chunks
  kUntilClose,  // by no field, in HTTP/1.0
  kTwoLengths,
  kLengthAndChunks,
};

// What happens to the connection after a whole reply.
enum class AfterReply {
  kKeep,
  kClose,               // announced in the head
  kCloseSilently,       // closed without an announcement
  kCloseAtNextRequest,  // closed when the next request has arrived
};

struct Reply {
  int status = 200;
  std::string fields{};       // header lines, without those that frame the body
  bool has_length = true;     // false: the body is sent in chunks
  std::vector<Step> steps{};  // of the body
  Milliseconds delay{0};      // before the head

  Ending ending = Ending::kWhole;
  Framing framing = Framing::kRight;
  AfterReply after_reply = AfterReply::kKeep;
  std::int64_t length_error = 0;  // Content-Length minus the size of the body
  bool sends_nothing = false;     // not even a head is sent
  std::size_t slice = 0;          // bytes of one write, framing included; 0: a write for each step
  Milliseconds interval{0};       // between slices, or between pings
  Milliseconds stall_limit = std::chrono::minutes(10);  // how long a stall lasts at most
  bool interim = false;                                 // 103 and 100 are sent first
};

[[nodiscard]] Reply json_reply(int status, std::string body);
[[nodiscard]] Reply error_reply(int status, std::string_view type, std::string_view message,
                                std::string_view request_id);

[[nodiscard]] Reply stream_reply(std::vector<Step> steps);
[[nodiscard]] std::vector<Step> steps_of(const std::vector<Event>& events, const Pace& pace);

// Changes a finished reply as the fault says. The caller carries out kHugeEvent and kEarly.
void apply_fault(Reply& reply, const Fault& fault, std::string_view request_id);

// Joins steps without a pause between them, so that they leave in one write.
void join_steps(Reply& reply);

[[nodiscard]] std::size_t body_size(const Reply& reply);

}  // namespace ccproxy::mock
