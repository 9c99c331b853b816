// The credential in use: found, watched, renewed. Workers ask from their threads; everything that
// changes it runs in one loop, the control loop. It refuses to know requests and dialects.
//
// Refresh tokens are single-use (upstream: a second use ends the sign-in), so there is one renewal
// at a time: in this process because one coroutine does it, across processes under the lock beside
// auth.json, which is read again once the lock is held. What was renewed is on disk before it is
// used and before the lock is released. A renewal that has begun is not cancelled by anybody.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/credential.hpp"
#include "auth/sources.hpp"
#include "auth/standing.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/file_lock.hpp"
#include "config/config.hpp"
#include "net/cancellation.hpp"
#include "net/runtime.hpp"

namespace ccproxy::auth {

// How much a person must care about a notice.
enum class Severity { kInfo, kWarn, kError };
using Notify = std::function<void(Severity, const std::string& message)>;

class Credentials {
 public:
  // `control` runs renewals and must outlive this. `notify` is called in the control loop and from
  // start(), with sentences for the person at this machine; they hold no secrets.
  Credentials(net::Runtime& control, Sources sources, const config::Config& config,
              std::string user_agent, Notify notify);
  Credentials(const Credentials&) = delete;
  Credentials& operator=(const Credentials&) = delete;
  Credentials(Credentials&&) = delete;
  Credentials& operator=(Credentials&&) = delete;
  ~Credentials();

  // What is in use at the moment. From any thread.
  [[nodiscard]] std::shared_ptr<const CredentialStatus> credential_status() const;

  // A credential that can be sent, for a coroutine of `runtime`: at once, unless it has expired and
  // is being renewed. Fails with kUnauthorized (code "upstream_auth") when there is none or a
  // person must sign in again, kBusy when it cannot be renewed at the moment, kClosed when
  // `cancellation` ended the wait (not the renewal).
  [[nodiscard]] Task<Result<Credential>> usable(net::Runtime& runtime,
                                                net::Cancellation& cancellation);

  // Another credential than `refused`, which the upstream has answered with 401: the one that
  // somebody renewed meanwhile, or a renewed one. Fails as usable() does, and when there is none.
  [[nodiscard]] Task<Result<Credential>> other_than(std::string refused, net::Runtime& runtime,
                                                    net::Cancellation& cancellation);

  // The rest is for the control loop.

  // Once a second: looks whether a file has changed, whether the token must be renewed, whether one
  // that could not be written can be now. Looks at the wall clock, so that a machine that slept or
  // whose clock was set acts at once.
  void tick();
  // Takes up another configuration: source, authorization server, certificates.
  void configure(const config::Config& config);
  // Calls `then` once no renewal is under way: a program that ends in the middle of one would lose
  // the sign-in.
  void when_settled(std::function<void()> then);

 private:
  struct Waiter;
  struct Unsaved;

  [[nodiscard]] Task<Result<Credential>> renewed(std::shared_ptr<const CredentialStatus> now,
                                                 std::string refused, net::Runtime& runtime,
                                                 net::Cancellation& cancellation);
  void want_renewal(std::shared_ptr<Waiter> waiter, const std::string& refused);
  static void wake(const std::shared_ptr<Waiter>& waiter);
  [[nodiscard]] bool may_renew(const CredentialStatus& now, bool forced) const;

  [[nodiscard]] Task<void> renew(std::string refused);
  [[nodiscard]] Task<Result<void>> renew_under_lock(std::string refused);
  [[nodiscard]] Task<Result<FileLock>> take_lock();
  [[nodiscard]] Result<void> keep(Stored renewed, Replacement file, FileLock lock);
  void save_again();
  void rest_after_success();
  void note_end(const Result<void>& done);
  void note_failure(const Error& error);
  void note_refusal(const Stored& stored);
  [[nodiscard]] bool is_refused(const Stored& stored) const;

  void check_files();
  void reload();
  void publish(CredentialStatus credential_status);

  net::Runtime& control_;
  Sources sources_;
  config::Config config_;
  std::string user_agent_;
  Notify notify_;

  mutable std::mutex mutex_;
  std::shared_ptr<const CredentialStatus> standing_;  // under the mutex

  std::vector<FileStamp> stamps_;
  std::string refused_digest_;  // of the refresh token that the server will take no more
  std::string renewed_here_;    // the access token that this process obtained last
  std::unique_ptr<Unsaved> unsaved_;
  bool renewing_ = false;
  std::vector<std::shared_ptr<Waiter>> waiters_;
  std::vector<std::function<void()>> settled_;
  Clock::time_point next_try_ = Clock::time_point::min();
  Clock::time_point next_forced_ = Clock::time_point::min();
  Clock::duration pause_{};  // before the next try, after failures
  std::string failure_;      // why the last renewal failed; "" after a success
};

}  // namespace ccproxy::auth
