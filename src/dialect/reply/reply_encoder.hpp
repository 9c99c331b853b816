// The way back: the encoder is fed the events of Anthropic's response and appends the bytes that
// the client gets. Streamed and whole replies of a dialect are fed the same events, so that they
// cannot drift apart. An encoder refuses to know sockets and clocks.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "anthropic/event.hpp"
#include "base/error.hpp"
#include "dialect/reply/reply_state.hpp"

namespace ccproxy::dialect {

// A comment line that every client's parser skips. It fills silence and stands for upstream's
// pings.
inline constexpr std::string_view kKeepAlive = ": keepalive\n\n";

// What identifies a reply. The sender chooses it.
struct ReplyIdentity {
  std::string id;            // with its prefix chatcmpl-, cmpl- or resp_
  std::int64_t created = 0;  // seconds since 1970
};

class ReplyEncoder {
 public:
  // `plan` must outlive the encoder.
  explicit ReplyEncoder(const ReplyPlan& plan) : reply_(plan) {}
  ReplyEncoder(const ReplyEncoder&) = delete;
  ReplyEncoder& operator=(const ReplyEncoder&) = delete;
  virtual ~ReplyEncoder() = default;

  // Takes one event and appends what the client gets for it, which may be nothing. After an
  // upstream message that paused, the events of the next message follow: it stays one reply.
  virtual void on(const anthropic::MessageEvent& event, std::string& out) = 0;

  // No event follows. A reply that is not complete by now ends with an error.
  void finish(std::string& out);

  // Ends the reply with an error of ours; a Failure event does the same with upstream's. Later
  // calls append nothing.
  void fail(const Error& error, std::string& out);

  // True when the last message stopped with pause_turn: the caller either sends the turn on and
  // feeds the next message, or calls finish().
  [[nodiscard]] bool paused() const { return reply_.is_paused(); }

  // What the reply has cost so far.
  [[nodiscard]] Tokens tokens() const { return reply_.tokens(); }
  // Upstream's word for why the last message stopped, still escaped; empty before it has.
  [[nodiscard]] std::string_view stop_reason() const { return reply_.stop_reason(); }

  // About how many bytes the reply has at its beginning, and once more at its end, beside the
  // model's output.
  [[nodiscard]] virtual std::size_t echoed_bytes() const { return 0; }

  // What the response contained and this dialect cannot express, for x-ccproxy-ignored; each once.
  [[nodiscard]] const std::vector<std::string>& ignored() const { return ignored_; }

  // 200, or the status of the error that ended the reply. A client that streams has got 200 when
  // its reply has begun.
  [[nodiscard]] int status() const { return reply_.status(); }

 protected:
  [[nodiscard]] ReplyState& reply() { return reply_; }
  [[nodiscard]] const ReplyState& reply() const { return reply_; }
  [[nodiscard]] const ReplyPlan& plan() const { return reply_.plan(); }

  // Calls `take` with what `event` holds. Nothing follows the end of a reply, and no dialect can
  // express an event or a delta whose kind is unknown: both are dropped here.
  template <typename Take>
  void dispatch(const anthropic::MessageEvent& event, Take take) {
    if (reply_.is_over()) return;
    std::visit(
        [&](const auto& one) {
          using Event = std::remove_cvref_t<decltype(one)>;
          if constexpr (!std::is_same_v<Event, anthropic::OtherDelta> &&
                        !std::is_same_v<Event, anthropic::Unknown>)
            take(one);
        },
        event);
  }

  // Adds `what` to ignored().
  void ignore(std::string_view what);

 private:
  // Append the end of a complete reply, or of one that fails with an error of ours. They are called
  // at most once, and must end the ReplyState.
  virtual void complete(std::string& out) = 0;
  virtual void end_with_error(const Error& error, std::string& out) = 0;

  ReplyState reply_;
  std::vector<std::string> ignored_;
};

}  // namespace ccproxy::dialect
