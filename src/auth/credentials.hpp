// The credential in use: it is found, watched and renewed here. Workers read it from their threads;
// everything that changes it runs in one loop, the control loop. It refuses to know requests and
// dialects.
//
// Refresh tokens are single-use (upstream, a second use ends the sign-in), so only one renewal runs
// at a time: within this process one coroutine does it, and across processes it holds the lock
// beside auth.json and reads the file again under the lock. A renewed sign-in is on disk before it
// is used and before the lock is released. A renewal that has begun is never cancelled.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/credential.hpp"
#include "auth/credential_status.hpp"
#include "auth/sources.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/file_lock.hpp"
#include "config/config.hpp"
#include "net/cancellation.hpp"
#include "net/runtime.hpp"

namespace ccproxy::auth {

// How much a notice matters to a person.
enum class Severity { kInfo, kWarn, kError };
using Notify = std::function<void(Severity, const std::string& message)>;

class Credentials {
 public:
  // `control` runs renewals and must outlive this. `notify` is called in the control loop and by
  // the constructor, with sentences for the person at this machine; they hold no secrets.
  Credentials(net::Runtime& control, Sources sources, const config::Config& config,
              std::string user_agent, Notify notify);
  Credentials(const Credentials&) = delete;
  Credentials& operator=(const Credentials&) = delete;
  Credentials(Credentials&&) = delete;
  Credentials& operator=(Credentials&&) = delete;
  ~Credentials();

  // The current status. From any thread.
  [[nodiscard]] std::shared_ptr<const CredentialStatus> credential_status() const;

  // Returns a credential that can be sent, to a coroutine of `runtime`: at once, unless it has
  // expired and is being renewed. Fails with kUnauthorized (code "upstream_auth") when there is
  // none or a person must sign in again, with kBusy when it cannot be renewed at the moment, and
  // with kClosed when `cancellation` ended the wait; the renewal itself goes on.
  [[nodiscard]] Task<Result<Credential>> usable(net::Runtime& runtime,
                                                net::Cancellation& cancellation);

  // Returns another credential than `refused`, which upstream has refused with 401: one that was
  // renewed meanwhile, or that is renewed now. Fails as usable() does, and when there is none.
  [[nodiscard]] Task<Result<Credential>> replacement_for(std::string refused, net::Runtime& runtime,
                                                         net::Cancellation& cancellation);

  // The functions below are for the control loop alone.

  // To be called once a second. Checks whether a file has changed, whether the token must be
  // renewed, and whether one that could not be written can be written now. It reads the wall clock,
  // so that it acts at once on a machine that slept or whose clock was set.
  void tick();
  // Applies another configuration: source, authorization server, certificates.
  void configure(const config::Config& config);
  // Calls `then` once no renewal is under way. A program that ends during a renewal would lose the
  // sign-in.
  void when_settled(std::function<void()> then);

 private:
  struct Waiter;
  struct Unsaved;

  [[nodiscard]] Task<Result<Credential>> renewed(std::shared_ptr<const CredentialStatus> now,
                                                 std::string refused, net::Runtime& runtime,
                                                 net::Cancellation& cancellation);
  void request_renewal(std::shared_ptr<Waiter> waiter, const std::string& refused);
  static void wake(const std::shared_ptr<Waiter>& waiter);
  [[nodiscard]] bool may_renew(const CredentialStatus& now, bool forced) const;

  [[nodiscard]] Task<void> renew(std::string refused);
  [[nodiscard]] Task<Result<void>> renew_under_lock(std::string refused);
  [[nodiscard]] Task<Result<FileLock>> acquire_lock();
  [[nodiscard]] Result<void> save(StoredCredential renewed, Replacement file, FileLock lock);
  void retry_save();
  void delay_next_renewal();
  void note_result(const Result<void>& done);
  void note_failure(const Error& error);
  void remember_refusal(const StoredCredential& stored);
  [[nodiscard]] bool is_refused(const StoredCredential& stored) const;

  void check_files();
  void reload();
  void publish(CredentialStatus next);

  net::Runtime& control_;
  Sources sources_;
  config::Config config_;
  std::string user_agent_;
  Notify notify_;

  mutable std::mutex mutex_;
  std::shared_ptr<const CredentialStatus> status_;  // guarded by the mutex

  std::vector<FileStamp> stamps_;
  std::string refused_digest_;  // digest of the refresh token that the server no longer accepts
  std::string renewed_here_;    // the access token that this process obtained last
  std::unique_ptr<Unsaved> unsaved_;
  bool renewing_ = false;
  std::vector<std::shared_ptr<Waiter>> waiters_;
  std::vector<std::function<void()>> settled_;
  Clock::time_point next_try_ = Clock::time_point::min();
  Clock::time_point next_forced_ = Clock::time_point::min();
  Clock::duration pause_{};  // before the next renewal, after failures
  std::string failure_;      // why the last renewal failed; empty after a success
};

}  // namespace ccproxy::auth
