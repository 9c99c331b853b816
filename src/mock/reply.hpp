// One answer as it will leave: head, body in pieces with pauses, how it ends, and what is wrong
// with it on purpose. Plain data; delivery puts it on a connection.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mock/answer.hpp"
#include "mock/fault.hpp"
#include "mock/script.hpp"

namespace ccproxy::mock {

enum class Ending {
  kWhole,  // as it should
  kClose,  // the connection closes in the middle
  kAbort,  // the same, without the alert that ends TLS
  kReset,  // the peer sees a reset
  kStall,  // nothing more until the client goes
  kPings,  // a ping every `beat` until the client goes
};

// What the head says about the body's end.
enum class Framing {
  kRight,       // a length, or chunks
  kUntilClose,  // nothing, in HTTP/1.0
  kTwoLengths,
  kLengthAndChunks,
};

// What happens to the connection after a whole answer.
enum class Afterwards {
  kKeep,
  kClose,        // announced in the head
  kDieAtOnce,    // closed without a word
  kDieNextTime,  // closed when the next request has come
};

struct Reply {
  int status = 200;
  std::string fields{};       // header lines, without those that frame the body
  bool has_length = true;     // else it goes out in chunks
  std::vector<Step> steps{};  // the body
  Milliseconds delay{0};      // before the head

  Ending ending = Ending::kWhole;
  Framing framing = Framing::kRight;
  Afterwards afterwards = Afterwards::kKeep;
  std::int64_t length_error = 0;  // how much more than the body Content-Length says
  bool silent = false;            // not even a head
  std::size_t slice = 0;  // bytes of one write, head and chunk lines included; 0: as they are
  Milliseconds beat{0};   // between slices, or between pings
  Milliseconds patience = std::chrono::minutes(10);  // how long a stall is kept up
  bool interim = false;                              // 103 and 100 come first
};

[[nodiscard]] Reply json_reply(int status, std::string body);
[[nodiscard]] Reply error_reply(int status, std::string_view type, std::string_view message,
                                std::string_view request_id);

[[nodiscard]] Reply stream_reply(std::vector<Step> steps);
[[nodiscard]] std::vector<Step> steps_of(const std::vector<Event>& events, const Pace& pace);

// Makes a fault true of a finished reply. kHugeEvent and kEarly are not its to deal with.
void spoil(Reply& reply, const Fault& fault, std::string_view request_id);

// Steps that no pause divides become one, so that they leave in one write.
void join_steps(Reply& reply);

[[nodiscard]] std::size_t body_size(const Reply& reply);

}  // namespace ccproxy::mock
