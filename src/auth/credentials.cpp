#include "auth/credentials.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

#include "auth/token_endpoint.hpp"
#include "base/digest.hpp"
#include "base/encoding.hpp"
#include "base/insist.hpp"
#include "http/head.hpp"
#include "net/crypto.hpp"

namespace ccproxy::auth {
namespace {

using config::CredentialSource;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kLeastPause{5};
constexpr std::chrono::minutes kMaxPause{5};
// A token that was renewed because of a 401 and is refused again will not get better by another
// renewal: the account has other trouble.
constexpr std::chrono::minutes kForcedPause{5};
constexpr seconds kLockLimit{15};
constexpr milliseconds kLockLook{50};
constexpr std::size_t kReservedBytes =
    16384;  // bytes, for tokens that are longer than the last ones

std::string digest_of(std::string_view secret) { return base64url(sha256(secret)); }

Stored lay_over(Stored stored, const Grant& grant, WallClock::time_point now) {
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

// Somebody in another loop who waits for a renewal to be over.
struct Credentials::Waiter {
  explicit Waiter(net::Runtime& of) : runtime(of), over(of) {}
  net::Runtime& runtime;
  net::Event over;
};

// A renewed sign-in that could not be written. The lock stays held: what the file still holds is
// spent, and another process that used it would end the sign-in.
struct Credentials::Unsaved {
  Stored stored;
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
  return standing_;
}

Task<Result<Credential>> Credentials::usable(net::Runtime& runtime,
                                             net::Cancellation& cancellation) {
  auto now = credential_status();
  if (now->state != State::kReady) co_return fail(error_of(*now));
  if (!has_expired(*now, WallClock::now())) co_return now->credential;
  co_return co_await renewed(std::move(now), {}, runtime, cancellation);
}

Task<Result<Credential>> Credentials::other_than(std::string refused, net::Runtime& runtime,
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
      want_renewal(waiter, refused);
    } catch (const std::exception&) {
      wake(waiter);  // nobody else would
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
  error.retry_after = kLeastPause;
  co_return fail(std::move(error));
}

// In the control loop. The file may have been renewed by somebody else since it was last looked at.
void Credentials::want_renewal(std::shared_ptr<Waiter> waiter, const std::string& refused) {
  if (!renewing_ && !unsaved_) {
    check_files();
    reload();
  }
  const auto now = credential_status();
  // One that ran out on its way is refused as it should be: nothing has to be forced.
  const bool has_ended = has_expired(*now, WallClock::now());
  const bool is_refused = !refused.empty() && now->credential.secret == refused;
  const bool forced = is_refused && !has_ended;
  const bool is_needed = is_refused || (refused.empty() && has_ended);
  if (is_needed && !renewing_ && may_renew(*now, forced)) {
    if (forced) next_forced_ = Clock::now() + kForcedPause;
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
  if (unsaved_) save_again();
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

// Whatever is thrown on the way (there may be no memory), it is over for whoever waits.
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
    note_end(done);
  } catch (const std::exception&) {
    thrown = std::current_exception();
  }
  for (const auto& waiter : std::exchange(waiters_, {})) wake(waiter);
  for (const auto& then : std::exchange(settled_, {})) then();
  if (thrown) std::rethrow_exception(thrown);
}

void Credentials::note_end(const Result<void>& done) {
  if (done) {
    failure_.clear();
    pause_ = {};
  } else {
    note_failure(done.error());
  }
  check_files();
  reload();
  if (done) rest_after_success();
}

void Credentials::wake(const std::shared_ptr<Waiter>& waiter) {
  insist([&waiter] { waiter->runtime.post([waiter] { waiter->over.notify(); }); });
}

// Success means that another try would change nothing: it was renewed, here or by somebody else, or
// it never can be.
Task<Result<void>> Credentials::renew_under_lock(std::string refused) {
  if (unsaved_) co_return fail(ErrorKind::kIo, "auth.json cannot be written");
  auto lock = co_await take_lock();
  if (!lock) co_return fail(lock.error());
  if (adopt_left_over(sources_.auth_path))
    notify_(Severity::kInfo,
            "a renewed sign-in was taken over that another ccproxy had not put in "
            "place before it was killed");
  auto found = read_stored(sources_.auth_path);
  if (!found) co_return fail(found.error());
  if (!*found || (*found)->kind != StoredKind::kOauth) co_return Result<void>{};
  Stored stored = std::move(**found);
  const bool is_another =
      refused.empty() ? WallClock::now() < renewal_time(stored) : stored.secret != refused;
  if (is_another || stored.refresh.empty() || is_refused(stored)) co_return Result<void>{};

  // Everything that can fail here fails before the refresh token is spent.
  auto file = Replacement::prepare(link_target(sources_.auth_path),
                                   text_of(stored).size() + kReservedBytes);
  if (!file) co_return fail(file.error());
  const auto asked_at = WallClock::now();  // its time runs from here at the latest
  TokenEndpoint endpoint(control_, config_, user_agent_);
  auto grant = co_await endpoint.renew(stored.refresh);
  if (!grant && grant.error().kind == ErrorKind::kUnauthorized) {
    note_refusal(stored);
    co_return Result<void>{};
  }
  if (!grant) co_return fail(grant.error());
  co_return keep(lay_over(std::move(stored), *grant, asked_at), std::move(*file), std::move(*lock));
}

// Not on a thread of its own: it looks again and again, so that this loop is never blocked.
Task<Result<FileLock>> Credentials::take_lock() {
  const auto give_up = Clock::now() + kLockLimit;
  while (true) {
    auto lock = FileLock::try_now(lock_path(sources_.auth_path));
    if (!lock) co_return fail(lock.error());
    if (*lock) co_return std::move(**lock);
    if (Clock::now() >= give_up)
      co_return fail(ErrorKind::kBusy, "another ccproxy holds the lock of auth.json");
    co_await net::sleep(control_, kLockLook);
  }
}

// On disk before it is used, and before the lock is released.
Result<void> Credentials::keep(Stored renewed, Replacement file, FileLock lock) {
  renewed_here_ = renewed.secret;
  auto written = file.commit(text_of(renewed));
  if (written) {
    const std::string until =
        renewed.expires ? " until " + http::http_date(*renewed.expires) : std::string();
    notify_(Severity::kInfo, fmt::format("the sign-in was renewed; the token is good{}", until));
    return {};
  }
  notify_(Severity::kError,
          fmt::format("the sign-in was renewed, but {}: it is used from memory and lost when "
                      "CCProxy ends; writing is tried again",
                      written.error().message));
  unsaved_ = std::make_unique<Unsaved>(
      Unsaved{std::move(renewed), std::move(file), std::move(lock), Clock::now() + kLeastPause});
  return {};
}

void Credentials::save_again() {
  if (Clock::now() < unsaved_->next_try) return;
  unsaved_->next_try = Clock::now() + kLeastPause;
  if (!unsaved_->file.commit(text_of(unsaved_->stored))) return;
  unsaved_.reset();
  notify_(Severity::kInfo, "the renewed sign-in is in auth.json now");
  reload();
}

// Whatever the server says about the life of its tokens, it is not asked all the time.
void Credentials::rest_after_success() {
  Clock::duration rest = kLeastPause;
  const auto expires = credential_status()->expires;
  if (expires) rest = std::min<Clock::duration>(rest, (*expires - WallClock::now()) / 2);
  next_try_ = Clock::now() + std::max<Clock::duration>(rest, milliseconds(500));
}

void Credentials::note_failure(const Error& error) {
  failure_ = error.kind == ErrorKind::kIo || error.kind == ErrorKind::kConfiguration
                 ? "its file cannot be read or written"
                 : error.message;
  pause_ = std::clamp<Clock::duration>(pause_ * 2, kLeastPause, kMaxPause);
  Clock::duration wait = pause_;
  if (error.retry_after)
    wait = std::max(wait, std::min<Clock::duration>(*error.retry_after, kMaxPause));
  next_try_ = Clock::now() + wait;
  notify_(Severity::kWarn,
          fmt::format("the sign-in could not be renewed: {}; next try in {} s", error.message,
                      std::chrono::duration_cast<seconds>(wait).count()));
}

// Remembered beside the file, so that no copy of this program and no restart asks with it again.
void Credentials::note_refusal(const Stored& stored) {
  refused_digest_ = digest_of(stored.refresh);
  (void)replace_file(refusal_path(sources_.auth_path), refused_digest_);  // memory knows it, too
}

bool Credentials::is_refused(const Stored& stored) const {
  return !stored.refresh.empty() && !refused_digest_.empty() &&
         digest_of(stored.refresh) == refused_digest_;
}

void Credentials::check_files() {
  if (stamps_.empty() || stamp_of(sources_.auth_path) != stamps_.front())
    if (std::string mended = fix_permissions(sources_.auth_path); !mended.empty())
      notify_(Severity::kWarn, mended);
  std::vector<std::string> files = files_of(sources_);  // auth.json is the first
  files.push_back(refusal_path(sources_.auth_path));
  stamps_.clear();
  for (const std::string& file : files) stamps_.push_back(stamp_of(file));
}

// Makes the standing from what there is now.
void Credentials::reload() {
  if (const auto digest = read_file(refusal_path(sources_.auth_path), 4096))
    refused_digest_ = *digest;
  std::vector<CredentialCandidate> offers = find_candidates(sources_);
  bool refused = false;
  for (CredentialCandidate& offer : offers) {
    if (offer.source != CredentialSource::kLogin) continue;
    if (unsaved_) {
      offer.stored = unsaved_->stored;
      offer.credential = credential_of(unsaved_->stored);
      offer.expires = unsaved_->stored.expires;
      offer.trouble.clear();
    }
    refused = offer.stored && is_refused(*offer.stored);
  }
  CredentialStatus next = choose(config_.credentials, offers, refused);
  next.unsaved = unsaved_ && next.source == CredentialSource::kLogin;
  if (next.renewable) next.failure = failure_;
  publish(std::move(next));
}

void Credentials::publish(CredentialStatus next) {
  const auto before = credential_status();
  const auto after = std::make_shared<const CredentialStatus>(std::move(next));
  {
    const std::lock_guard lock(mutex_);
    standing_ = after;
  }
  const bool is_same = before && before->state == after->state && before->source == after->source &&
                       before->trouble == after->trouble && kind_of(*before) == kind_of(*after);
  if (is_same && before->credential.secret != after->credential.secret &&
      after->credential.secret != renewed_here_)
    notify_(Severity::kInfo,
            fmt::format("a new credential was taken up from {}", place_of(after->source)));
  if (is_same) return;
  switch (after->state) {
    case State::kReady:
      if (before) notify_(Severity::kInfo, fmt::format("in use now: {}", place_of(after->source)));
      break;
    case State::kMissing:
      if (before) notify_(Severity::kWarn, error_of(*after).message);
      break;
    case State::kLoginRequired:
    case State::kUnusable: notify_(Severity::kError, after->trouble); break;
  }
}

}  // namespace ccproxy::auth
