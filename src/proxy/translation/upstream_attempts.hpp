// Sends a translated request until the upstream accepts it, or until another attempt would not
// help. A 400 that says what is wrong with the request corrects it, once; a model that has retired
// is replaced by its successor, once; a busy or unreachable upstream gets the request again after a
// wait (translation/retry). It refuses to know how a request is decoded and what becomes of the
// response.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "dialect/request/context.hpp"
#include "http/head.hpp"
#include "proxy/state/model_facts.hpp"
#include "proxy/translation/context.hpp"

namespace ccproxy::proxy {

// A client's request in the form of the Messages API.
struct TranslatedRequest {
  SchemaOwner owner{};         // of the schemas in it
  std::string model{};         // the id that is sent
  dialect::Decoded decoded{};  // `body` may end in a paused turn
};

// What refusals have taught about one request; it does not hold for other requests to the model.
struct RequestCorrections {
  std::optional<std::int64_t> max_tokens{};  // for which the context has room
  std::vector<std::string_view> refused_tool_members{};
};

class UpstreamAttempts {
 public:
  // Decodes the client's request again, for TranslatedRequest::model and under corrections().
  // Returns true when `body` or `betas` have become others. Fails when a client that wants
  // strict translation must learn what cannot be translated.
  using DecodeAgain = std::function<Task<Result<bool>>()>;

  // `exchange` and `request` must outlive it. `path` is that of the upstream's endpoint, without
  // the prefix of the base URL.
  UpstreamAttempts(const ExchangeContext& exchange, std::string_view path,
                   TranslatedRequest& request, DecodeAgain decode_again)
      : exchange_(exchange),
        path_(path),
        request_(request),
        decode_again_(std::move(decode_again)) {}

  // Sends `request` until the response is a success, or an error that another attempt would not
  // mend; returns its head. The body of a success is still to be read, that of an error is
  // error_body(). Fails as UpstreamCall::send() does when there is no response, and as DecodeAgain
  // does.
  [[nodiscard]] Task<Result<http::ResponseHead>> send();

  // Of the last response that was an error; cut at 64 KiB.
  [[nodiscard]] const std::string& error_body() const { return error_body_; }
  [[nodiscard]] const RequestCorrections& corrections() const { return corrections_; }

  // The reply has begun: from now on the request goes to the model that it went to before, as it
  // was decoded then.
  void freeze_request() { may_correct_ = may_follow_retirement_ = false; }

 private:
  [[nodiscard]] Task<Result<http::ResponseHead>> send_once();
  [[nodiscard]] Task<std::string> read_error_body(const http::ResponseHead& head);
  [[nodiscard]] Task<Result<bool>> change_request(const http::ResponseHead& head);
  [[nodiscard]] Task<Result<bool>> correct();
  [[nodiscard]] bool take_correction();
  [[nodiscard]] Task<Result<bool>> follow_retirement();
  [[nodiscard]] std::optional<Clock::duration> retry_wait(
      const Result<http::ResponseHead>& response) const;

  const ExchangeContext& exchange_;
  std::string_view path_;
  TranslatedRequest& request_;
  DecodeAgain decode_again_;
  RequestCorrections corrections_;
  std::string error_body_;
  bool may_correct_ = true;
  bool may_follow_retirement_ = true;
};

}  // namespace ccproxy::proxy
