// One request to the upstream and its answer: which credential goes with it, which connection
// carries it, and the two cases in which it is sent a second time. It refuses to know what is asked
// and what becomes of the answer.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "auth/credential.hpp"
#include "base/error.hpp"
#include "http/client.hpp"
#include "http/server_connection.hpp"
#include "net/cancellation.hpp"
#include "proxy/state/client_wait.hpp"
#include "proxy/state/upstream.hpp"
#include "proxy/upstream/request.hpp"
#include "telemetry/access_log.hpp"

namespace ccproxy::proxy {

struct WorkerState;

// What is asked: the client's head, where it goes, and whether its body goes out unfolded.
struct UpstreamTarget {
  const http::RequestHead& head;
  std::string target;  // path and query
  bool decoded = false;
};

// The beginning of the body of an error, or of another short answer; usually all of it.
struct ErrorBody {
  std::string text{};
  std::optional<Error> broke{};  // why it is not whole
};

class UpstreamCall final : public ClientWait {
 public:
  // Everything must outlive it. `client` is nullptr when nobody waits for the answer. `receipt` is
  // told what happened on the way.
  UpstreamCall(WorkerState& worker, http::ServerConnection* client, telemetry::Receipt& receipt);

  // Sends the whole of `body` and waits for the head of the answer. A 401 is answered with another
  // credential once, where there is one; else its head is returned like every other. Fails when
  // there is no credential and no answer, and with kClosed when cancel() ended it.
  [[nodiscard]] Task<Result<http::ResponseHead>> ask(const UpstreamTarget& asked,
                                                     std::string_view body);

  // Sends the client's body as it comes, piece by piece, without a limit of ours. Never sent again.
  [[nodiscard]] Task<Result<http::ResponseHead>> upload(const UpstreamTarget& asked);

  // The answer's body, once one of these has returned a head.
  [[nodiscard]] http::Call& answer() { return *call_; }
  [[nodiscard]] std::shared_ptr<http::Call> shared_response() const { return call_; }

  // Reads at most 64 KiB, or a piece more: as much as is held back until its end is known. All of
  // that has timeouts.firstByteSeconds, or timeouts.idleUpstreamSeconds where these are fewer.
  [[nodiscard]] Task<ErrorBody> read_error_body();
  // What stands in the place of an error's body that is not whole: one of ours that says so, in
  // Anthropic's shape.
  [[nodiscard]] std::string broken_error_body(const http::ResponseHead& head,
                                              const ErrorBody& came) const;

  // The answer has said all that matters: reads to its end, so that its connection can carry
  // another, unless that takes longer than a moment.
  [[nodiscard]] Task<void> drain_response();

  // False when no connection was had for the last request, so that the upstream knows nothing of
  // it.
  [[nodiscard]] bool was_sent() const { return was_sent_; }

  // Waits before the next attempt, or before more of an answer is read. Fails with kClosed when
  // cancel() ended it.
  [[nodiscard]] Task<Result<void>> pause(Clock::duration duration);

  // For what is waited for beside ask(): cancelled when the client leaves, and by cancel().
  [[nodiscard]] net::Cancellation& while_client_waits() override;

  // Ends what is under way and what would begin, because of kShutdown or kClientGone.
  void cancel(ErrorKind why);
  // Which of the reasons that can end a wait it really was.
  [[nodiscard]] Error explain(Error error) const;

  // The path that stands before every path there.
  [[nodiscard]] const std::string& prefix() const { return upstream_->prefix; }

 private:
  [[nodiscard]] Task<Result<auth::Credential>> find_credential();
  [[nodiscard]] Task<Result<http::ResponseHead>> send(const UpstreamRequest& request,
                                                      std::string_view body);
  [[nodiscard]] Task<Result<void>> open(bool fresh);
  void note_response(const http::ResponseHead& answer);
  void note_renewal_failed(const Error& error);

  WorkerState& worker_;
  http::ServerConnection* client_;
  telemetry::Receipt& receipt_;
  std::shared_ptr<Upstream> upstream_;  // outlives every call on it
  net::Cancellation cancellation_;      // ends whatever waits for the upstream
  std::optional<ErrorKind> cancelled_for_{};
  std::shared_ptr<http::Call> call_;
  bool was_sent_ = false;
};

}  // namespace ccproxy::proxy
