// The way back: the events of Anthropic's answer go in, the client's bytes come out. Per dialect
// there are two, for a stream and for a whole answer, fed by the same events, so that they cannot
// drift apart. An encoder refuses to know sockets and clocks.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "anthropic/event.hpp"
#include "base/error.hpp"
#include "dialect/reply/usage.hpp"

namespace ccproxy::dialect {

// A comment line that every client's parser skips: for silence and for upstream's pings.
inline constexpr std::string_view kKeepAlive = ": keepalive\n\n";

// What an answer is known by, chosen by whoever sends it.
struct ReplyIdentity {
  std::string id;            // with its chatcmpl-, cmpl- or resp_
  std::int64_t created = 0;  // seconds since 1970
};

class ReplyEncoder {
 public:
  ReplyEncoder() = default;
  ReplyEncoder(const ReplyEncoder&) = delete;
  ReplyEncoder& operator=(const ReplyEncoder&) = delete;
  virtual ~ReplyEncoder() = default;

  // Takes one event and appends what the client gets for it, perhaps nothing. After an upstream
  // message that paused, the events of the next message follow: it stays one answer.
  virtual void on(const anthropic::MessageEvent& event, std::string& out) = 0;

  // No event follows. An answer that is not complete by now is told as broken.
  virtual void finish(std::string& out) = 0;

  // Ends the answer with an error of ours; a Failure event does the same with upstream's. Nothing
  // that comes later is told.
  virtual void fail(const Error& error, std::string& out) = 0;

  // True when the last message ended in pause_turn: the caller either sends it on and feeds the
  // next message, or calls finish().
  [[nodiscard]] virtual bool paused() const = 0;

  // What the answer has cost so far, and upstream's word for why it ended ("" before it has).
  [[nodiscard]] virtual Tokens tokens() const = 0;
  [[nodiscard]] virtual std::string_view stop_reason() const = 0;

  // About how many bytes it tells of itself at its beginning and once more at its end, beside what
  // the model has said.
  [[nodiscard]] virtual std::size_t weight() const { return 0; }

  // What the answer has brought that this dialect cannot tell, for x-ccproxy-ignored; each once.
  [[nodiscard]] const std::vector<std::string>& ignored() const { return ignored_; }

  // 200, or what the error's status is. A stream that has begun cannot tell it any more.
  [[nodiscard]] virtual int status() const = 0;

 protected:
  void ignore(std::string_view what) {
    if (std::find(ignored_.begin(), ignored_.end(), what) == ignored_.end())
      ignored_.emplace_back(what);
  }

 private:
  std::vector<std::string> ignored_;
};

}  // namespace ccproxy::dialect
