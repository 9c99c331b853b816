#include "auth/credentials.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

#include "auth/token_endpoint.hpp"
#include "base/digest.hpp"
#include "base/encoding.hpp"
#include "base/retry_on_bad_alloc.hpp"
#include "http/head.hpp"
#include "net/crypto.hpp"

namespace ccproxy::auth {
namespace {

using config::CredentialSource;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kMinPause{5};
constexpr std::chrono::minutes kMaxPause{5};
// The limit for renewals because of a 401. A renewed token that is refused again does not get
// better by another renewal: something else is wrong with the account.
constexpr std::chrono::minutes kForcedRenewalPause{5};
constexpr seconds kLockTimeout{15};
constexpr milliseconds kLockPollInterval{50};
constexpr std::size_t kReservedBytes = 16384;  // for tokens that are longer than the last ones

std::string digest_of(std::string_view secret) { return base64url(sha256(secret)); }

StoredCredential apply_grant(StoredCredential stored, const Grant& grant,
                             WallClock::time_point now) {
  stored.secret = grant.access;
  if (!grant.refresh.empty()) stored.refresh = grant.refresh;
  stored.expires.reset();
  if (grant.expires_in) stored.expires = now + *grant.expires_in;
  if (!stored.expires) stored.document.erase("expires");
  if (!grant.scope.empty()) stored.scope = grant.scope;
  stored.document["obtained"] = unix_milliseconds(now);
  return stored;
}

}  // namespace

// A coroutine in another loop that waits for the end of a renewal.
struct Credentials::Waiter {
  explicit Waiter(net::Runtime& of) : runtime(of), over(of) {}
  net::Runtime& runtime;
  net::Event over;
};

// A renewed sign-in that could not be written. The lock stays held, since the token in the file is
// spent, and another process that used it would end the sign-in.
struct Credentials::Unsaved {
  StoredCredential stored;
  Replacement file;
  FileLock lock;
  Clock::time_point next_try;
};

Credentials::Credentials(net::Runtime& control, Sources sources, const config::Config& config,
                         std::string user_agent, Notify notify)
    : control_(control),
      sources_(std::move(sources)),
      config_(config),
      user_agent_(std::move(user_agent)),
      notify_(std::move(notify)) {
  check_files();
  reload();
}

Credentials::~Credentials() = default;

std::shared_ptr<const CredentialStatus> Credentials::credential_status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

Task<Result<Credential>> Credentials::usable(net::Runtime& runtime,
                                             net::Cancellation& cancellation) {
  auto now = credential_status();
  if (now->state != State::kReady) co_return fail(error_of(*now));
  if (!has_expired(*now, WallClock::now())) co_return now->credential;
  co_return co_await renewed(std::move(now), {}, runtime, cancellation);
}

Task<Result<Credential>> Credentials::replacement_for(std::string refused, net::Runtime& runtime,
                                                      net::Cancellation& cancellation) {
  auto now = credential_status();
  if (now->state != State::kReady) co_return fail(error_of(*now));
  if (now->credential.secret != refused) co_return now->credential;
  co_return co_await renewed(std::move(now), std::move(refused), runtime, cancellation);
}

Task<Result<Credential>> Credentials::renewed(std::shared_ptr<const CredentialStatus> now,
                                              std::string refused, net::Runtime& runtime,
                                              net::Cancellation& cancellation) {
  const auto waiter = std::make_shared<Waiter>(runtime);
  control_.post([this, waiter, refused] {
    try {
      request_renewal(waiter, refused);
    } catch (const std::exception&) {
      wake(waiter);  // no renewal would do it
      throw;
    }
  });
  cancellation.arm([waiter] { waiter->over.notify(); });
  co_await waiter->over.wait();
  cancellation.disarm();
  if (cancellation.cancelled()) co_return fail(ErrorKind::kClosed, "the wait was ended");

  now = credential_status();
  if (now->state != State::kReady) co_return fail(error_of(*now));
  if (!has_expired(*now, WallClock::now()) && now->credential.secret != refused)
    co_return now->credential;
  if (now->failure.empty()) co_return fail(error_of(*now));
  Error error{ErrorKind::kBusy,
              fmt::format("CCProxy's sign-in has expired and could not be renewed yet ({}). It "
                          "tries again by itself.",
                          now->failure)};
  error.code = "upstream_auth";
  error.retry_after = kMinPause;
  co_return fail(std::move(error));
}

// Runs in the control loop. Another process may have renewed the file since it was last checked.
void Credentials::request_renewal(std::shared_ptr<Waiter> waiter, const std::string& refused) {
  if (!renewing_ && !unsaved_) {
    check_files();
    reload();
  }
  const auto now = credential_status();
  // A token that expired on its way is refused rightly: that is no forced renewal.
  const bool has_ended = has_expired(*now, WallClock::now());
  const bool is_refused = !refused.empty() && now->credential.secret == refused;
  const bool forced = is_refused && !has_ended;
  const bool is_needed = is_refused || (refused.empty() && has_ended);
  if (is_needed && !renewing_ && may_renew(*now, forced)) {
    if (forced) next_forced_ = Clock::now() + kForcedRenewalPause;
    renewing_ = true;
    control_.spawn(renew(refused));
  }
  if (renewing_) {
    waiters_.push_back(std::move(waiter));
  } else {
    wake(waiter);
  }
}

bool Credentials::may_renew(const CredentialStatus& now, bool forced) const {
  const auto when = Clock::now();
  return now.state == State::kReady && now.renewable && when >= next_try_ &&
         (!forced || when >= next_forced_);
}

void Credentials::tick() {
  if (renewing_) return;
  if (unsaved_) retry_save();
  const auto before = stamps_;
  check_files();
  if (stamps_ != before) reload();
  const auto now = credential_status();
  if (!now->renew_at || WallClock::now() < *now->renew_at || !may_renew(*now, false)) return;
  renewing_ = true;
  control_.spawn(renew({}));
}

void Credentials::configure(const config::Config& config) {
  config_ = config;
  reload();
}

void Credentials::when_settled(std::function<void()> then) {
  if (renewing_) {
    settled_.push_back(std::move(then));
  } else {
    then();
  }
}

// Whatever is thrown on the way, such as a lack of memory, the waiters are woken.
Task<void> Credentials::renew(std::string refused) {
  Result<void> done;
  try {
    done = co_await renew_under_lock(std::move(refused));
  } catch (const std::exception& error) {
    done = fail(ErrorKind::kInternal, error.what());
  }
  renewing_ = false;
  std::exception_ptr thrown;
  try {
    note_result(done);
  } catch (const std::exception&) {
    thrown = std::current_exception();
  }
  for (const auto& waiter : std::exchange(waiters_, {})) wake(waiter);
  for (const auto& then : std::exchange(settled_, {})) then();
  if (thrown) std::rethrow_exception(thrown);
}

void Credentials::note_result(const Result<void>& done) {
  if (done) {
    failure_.clear();
    pause_ = {};
  } else {
    note_failure(done.error());
  }
  check_files();
  reload();
  if (done) delay_next_renewal();
}

void Credentials::wake(const std::shared_ptr<Waiter>& waiter) {
  retry_on_bad_alloc([&waiter] { waiter->runtime.post([waiter] { waiter->over.notify(); }); });
}

// Success means that another try would change nothing: the sign-in was renewed, here or by another
// process, or it can never be renewed.
Task<Result<void>> Credentials::renew_under_lock(std::string refused) {
  if (unsaved_) co_return fail(ErrorKind::kIo, "auth.json cannot be written");
  auto lock = co_await acquire_lock();
  if (!lock) co_return fail(lock.error());
  if (adopt_left_over(sources_.auth_path))
    notify_(Severity::kInfo,
            "a renewed sign-in was recovered that another ccproxy had not put in place before it "
            "was killed");
  auto found = read_stored(sources_.auth_path);
  if (!found) co_return fail(found.error());
  if (!*found || (*found)->kind != StoredKind::kOauth) co_return Result<void>{};
  StoredCredential stored = std::move(**found);
  const bool is_another =
      refused.empty() ? WallClock::now() < renewal_time(stored) : stored.secret != refused;
  if (is_another || stored.refresh.empty() || is_refused(stored)) co_return Result<void>{};

  // Everything that can fail here must fail before the refresh token is spent.
  auto file = Replacement::prepare(link_target(sources_.auth_path),
                                   text_of(stored).size() + kReservedBytes);
  if (!file) co_return fail(file.error());
  const auto requested_at = WallClock::now();  // the token's life begins here at the earliest
  TokenEndpoint endpoint(control_, config_, user_agent_);
  auto grant = co_await endpoint.renew(stored.refresh);
  if (!grant && grant.error().kind == ErrorKind::kUnauthorized) {
    remember_refusal(stored);
    co_return Result<void>{};
  }
  if (!grant) co_return fail(grant.error());
  co_return save(apply_grant(std::move(stored), *grant, requested_at), std::move(*file),
                 std::move(*lock));
}

// Polls the lock, so that this loop is never blocked and no thread is needed.
Task<Result<FileLock>> Credentials::acquire_lock() {
  const auto give_up = Clock::now() + kLockTimeout;
  while (true) {
    auto lock = FileLock::try_now(lock_path(sources_.auth_path));
    if (!lock) co_return fail(lock.error());
    if (*lock) co_return std::move(**lock);
    if (Clock::now() >= give_up)
      co_return fail(ErrorKind::kBusy, "another ccproxy holds the lock of auth.json");
    co_await net::sleep(control_, kLockPollInterval);
  }
}

// Writes the renewed sign-in before it is used and before the lock is released.
Result<void> Credentials::save(StoredCredential renewed, Replacement file, FileLock lock) {
  renewed_here_ = renewed.secret;
  auto written = file.commit(text_of(renewed));
  if (written) {
    const std::string until =
        renewed.expires ? " until " + http::http_date(*renewed.expires) : std::string();
    notify_(Severity::kInfo, fmt::format("the sign-in was renewed; the token is good{}", until));
    return {};
  }
  notify_(Severity::kError,
          fmt::format("the sign-in was renewed, but {}: it is kept in memory and lost when "
                      "CCProxy ends; CCProxy goes on trying to write it",
                      written.error().message));
  unsaved_ = std::make_unique<Unsaved>(
      Unsaved{std::move(renewed), std::move(file), std::move(lock), Clock::now() + kMinPause});
  return {};
}

void Credentials::retry_save() {
  if (Clock::now() < unsaved_->next_try) return;
  unsaved_->next_try = Clock::now() + kMinPause;
  if (!unsaved_->file.commit(text_of(unsaved_->stored))) return;
  unsaved_.reset();
  notify_(Severity::kInfo, "the renewed sign-in has been written to auth.json");
  reload();
}

// Limits how often the server is asked to renew, whatever it says about the life of its tokens.
void Credentials::delay_next_renewal() {
  Clock::duration rest = kMinPause;
  const auto expires = credential_status()->expires;
  if (expires) rest = std::min<Clock::duration>(rest, (*expires - WallClock::now()) / 2);
  next_try_ = Clock::now() + std::max<Clock::duration>(rest, milliseconds(500));
}

void Credentials::note_failure(const Error& error) {
  failure_ = error.kind == ErrorKind::kIo || error.kind == ErrorKind::kConfiguration
                 ? "its file cannot be read or written"
                 : error.message;
  pause_ = std::clamp<Clock::duration>(pause_ * 2, kMinPause, kMaxPause);
  Clock::duration wait = pause_;
  if (error.retry_after)
    wait = std::max(wait, std::min<Clock::duration>(*error.retry_after, kMaxPause));
  next_try_ = Clock::now() + wait;
  notify_(Severity::kWarn,
          fmt::format("the sign-in could not be renewed: {}; next try in {} s", error.message,
                      std::chrono::duration_cast<seconds>(wait).count()));
}

// The digest is also stored beside the file, so that neither another process nor a restart sends
// this token again.
void Credentials::remember_refusal(const StoredCredential& stored) {
  refused_digest_ = digest_of(stored.refresh);
  (void)replace_file(refusal_path(sources_.auth_path), refused_digest_);  // this process knows it
}

bool Credentials::is_refused(const StoredCredential& stored) const {
  return !stored.refresh.empty() && !refused_digest_.empty() &&
         digest_of(stored.refresh) == refused_digest_;
}

void Credentials::check_files() {
  if (stamps_.empty() || stamp_of(sources_.auth_path) != stamps_.front())
    if (std::string found = fix_permissions(sources_.auth_path); !found.empty())
      notify_(Severity::kWarn, found);
  std::vector<std::string> files = files_of(sources_);  // auth.json is the first of them
  files.push_back(refusal_path(sources_.auth_path));
  stamps_.clear();
  for (const std::string& file : files) stamps_.push_back(stamp_of(file));
}

// Computes the status from what the sources hold now.
void Credentials::reload() {
  if (const auto digest = read_file(refusal_path(sources_.auth_path), 4096))
    refused_digest_ = *digest;
  std::vector<CredentialCandidate> candidates = find_candidates(sources_);
  bool refused = false;
  for (CredentialCandidate& candidate : candidates) {
    if (candidate.source != CredentialSource::kLogin) continue;
    if (unsaved_) {
      candidate.stored = unsaved_->stored;
      candidate.credential = credential_of(unsaved_->stored);
      candidate.expires = unsaved_->stored.expires;
      candidate.problem.clear();
    }
    refused = candidate.stored && is_refused(*candidate.stored);
  }
  CredentialStatus next = choose(config_.credentials, candidates, refused);
  next.unsaved = unsaved_ && next.source == CredentialSource::kLogin;
  if (next.renewable) next.failure = failure_;
  publish(std::move(next));
}

void Credentials::publish(CredentialStatus next) {
  const auto before = credential_status();
  const auto after = std::make_shared<const CredentialStatus>(std::move(next));
  {
    const std::lock_guard lock(mutex_);
    status_ = after;
  }
  const bool is_same = before && before->state == after->state && before->source == after->source &&
                       before->problem == after->problem && kind_of(*before) == kind_of(*after);
  if (is_same && before->credential.secret != after->credential.secret &&
      after->credential.secret != renewed_here_)
    notify_(Severity::kInfo,
            fmt::format("a new credential was loaded from {}", place_of(after->source)));
  if (is_same) return;
  switch (after->state) {
    case State::kReady:
      if (before) notify_(Severity::kInfo, fmt::format("now in use: {}", place_of(after->source)));
      break;
    case State::kMissing:
      if (before) notify_(Severity::kWarn, error_of(*after).message);
      break;
    case State::kLoginRequired:
    case State::kUnusable: notify_(Severity::kError, after->problem); break;
  }
}

}  // namespace ccproxy::auth
