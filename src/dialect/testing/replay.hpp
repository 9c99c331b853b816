// Feeds recorded event streams to an encoder, for tests. It splits lines itself, since this room
// does not include http.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "anthropic/event.hpp"
#include "anthropic/surrogate_filter.hpp"
#include "dialect/chat/encoder.hpp"
#include "dialect/responses/encoder.hpp"

namespace ccproxy::dialect::test {

inline constexpr std::size_t kFragments[] = {1, 2, 3, 5, 7, 16, 64, std::string::npos};

inline ReplyIdentity identity_of(const ReplyPlan& plan) {
  return {plan.text_completion ? "cmpl-1" : "chatcmpl-1", 1'770'000'000};
}

// One reply: pieces of an event stream go in, what the client gets comes out.
class Replay {
 public:
  explicit Replay(const ReplyPlan& plan) : encoder_(make_chat_encoder(plan, identity_of(plan))) {}
  explicit Replay(std::unique_ptr<ReplyEncoder> encoder) : encoder_(std::move(encoder)) {}

  void feed(std::string_view bytes) {
    for (const char c : bytes) {
      if (c != '\n') {
        line_ += c;
        continue;
      }
      take_line();
      line_.clear();
    }
  }

  // The upstream's response has ended. Returns all that the client has got.
  std::string finish() {
    encoder_->finish(out_);
    return out_;
  }

  ReplyEncoder& encoder() { return *encoder_; }
  // What the client has got so far.
  [[nodiscard]] const std::string& output() const { return out_; }

 private:
  void take_line() {
    if (line_.ends_with('\r')) line_.pop_back();
    if (line_.starts_with("event: ")) name_ = line_.substr(7);
    if (line_.starts_with("data: ")) data_ += (data_.empty() ? "" : "\n") + line_.substr(6);
    if (!line_.empty() || data_.empty()) return;
    const auto event = anthropic::read_event(reader_, name_, data_);
    if (event)
      whole_.pass(*event, [this](const auto& whole) { encoder_->on(whole, out_); });
    else
      encoder_->fail(event.error(), out_);
    name_.clear();
    data_.clear();
  }

  anthropic::EventReader reader_;
  anthropic::SurrogateFilter whole_;
  std::unique_ptr<ReplyEncoder> encoder_;
  std::string line_, name_, data_, out_;
};

inline std::string replay(std::string_view events, Replay run, std::size_t fragment) {
  for (std::size_t at = 0; at < events.size(); at += std::min(fragment, events.size()))
    run.feed(events.substr(at, fragment));
  return run.finish();
}

// Returns what a Chat Completions client gets for an event stream that arrives in pieces of
// `fragment` bytes.
inline std::string replay(std::string_view events, const ReplyPlan& plan,
                          std::size_t fragment = std::string::npos) {
  return replay(events, Replay(plan), fragment);
}

// Makes an encoder of Responses whose clock stands still.
inline std::unique_ptr<ResponsesEncoder> responses_encoder(const ReplyPlan& plan,
                                                           EventLog* log = nullptr) {
  return std::make_unique<ResponsesEncoder>(
      plan, ReplyIdentity{"resp_abcdefghijklmnopqrstuv", 1'770'000'000}, log,
      [] { return std::int64_t{1'770'000'009}; });
}

// Returns what a Responses client gets for the event stream.
inline std::string replay_response(std::string_view events, const ReplyPlan& plan,
                                   std::size_t fragment = std::string::npos) {
  return replay(events, Replay(responses_encoder(plan)), fragment);
}

}  // namespace ccproxy::dialect::test
