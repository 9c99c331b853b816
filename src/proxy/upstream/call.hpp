// One request to the upstream and its response: which credential goes with it, which connection
// carries it, and the two cases in which it is sent a second time. It refuses to know what the
// request asks for and what becomes of the response.
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

// What is sent beside the body. `head` must outlive the call of send() or upload().
struct UpstreamTarget {
  const http::RequestHead& head;
  std::string target;    // path and query
  bool decoded = false;  // the body goes out without its Content-Encoding
};

// The beginning of the body of an error, or of another short response; usually all of it.
struct ErrorBody {
  std::string text{};
  std::optional<Error> broke{};  // why `text` is not the whole body
};

class UpstreamCall final : public ClientWait {
 public:
  // All must outlive it. `client` is nullptr when no client waits for the response. What happens on
  // the way is noted in `receipt`.
  UpstreamCall(WorkerState& worker, http::ServerConnection* client, telemetry::Receipt& receipt);

  // Sends the whole of `body` and waits for the head of the response. After a 401 the request is
  // sent again with another credential, once, where there is one; else the 401 is returned like any
  // other response. Fails when there is no credential, when there is no response, and with kClosed
  // when cancel() ended it.
  [[nodiscard]] Task<Result<http::ResponseHead>> send(const UpstreamTarget& target,
                                                      std::string_view body);

  // Sends the client's body as it comes, piece by piece, without a limit on its size. It is never
  // sent again.
  [[nodiscard]] Task<Result<http::ResponseHead>> upload(const UpstreamTarget& target);

  // The response, once one of these has returned its head.
  [[nodiscard]] http::Call& response() { return *call_; }
  [[nodiscard]] std::shared_ptr<http::Call> shared_response() const { return call_; }

  // Reads at most 64 KiB and the rest of a piece: as much as is held back until its end is known.
  // All of that must come within timeouts.firstByteSeconds, or timeouts.idleUpstreamSeconds where
  // these are fewer.
  [[nodiscard]] Task<ErrorBody> read_error_body();
  // The body that is sent in place of an error's body that broke off: an error of this program's in
  // Anthropic's shape that says so.
  [[nodiscard]] std::string broken_error_body(const http::ResponseHead& head,
                                              const ErrorBody& body) const;

  // Reads a response whose content is complete to its end, so that its connection can carry
  // another, and aborts it after 200 ms.
  [[nodiscard]] Task<void> drain_response();

  // False when the last request found no connection, so that the upstream knows nothing of it.
  [[nodiscard]] bool was_sent() const { return was_sent_; }

  // Waits before the next attempt, or before more of a response is read. Fails with kClosed when
  // cancel() ended it.
  [[nodiscard]] Task<Result<void>> pause(Clock::duration duration);

  // For other waits of the same exchange: cancelled when the client leaves, and by cancel().
  [[nodiscard]] net::Cancellation& while_client_waits() override;

  // Ends what is under way and whatever would begin later. `why` is kShutdown or kClientGone.
  void cancel(ErrorKind why);
  // The error that ended a wait, or the reason for cancel() where that ended it.
  [[nodiscard]] Error explain(Error error) const;

  // The path of the base URL, which stands before every path there.
  [[nodiscard]] const std::string& prefix() const { return upstream_->prefix; }

 private:
  [[nodiscard]] Task<Result<auth::Credential>> find_credential();
  [[nodiscard]] Task<Result<http::ResponseHead>> send_with_resend(const UpstreamRequest& request,
                                                                  std::string_view body);
  [[nodiscard]] Task<Result<void>> open(bool fresh);
  void note_response(const http::ResponseHead& response);
  void note_renewal_failed(const Error& error);

  WorkerState& worker_;
  http::ServerConnection* client_;
  telemetry::Receipt& receipt_;
  std::shared_ptr<Upstream> upstream_;  // must outlive every call on it
  net::Cancellation cancellation_;      // ends whatever waits for the upstream
  std::optional<ErrorKind> cancelled_for_{};
  std::shared_ptr<http::Call> call_;
  bool was_sent_ = false;
};

}  // namespace ccproxy::proxy
