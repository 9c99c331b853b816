// ccproxy login: a person signs in, or hands over a key or a token; auth.json keeps it.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "auth/authorize.hpp"
#include "auth/callback.hpp"
#include "auth/sources.hpp"
#include "auth/standing.hpp"
#include "auth/stored.hpp"
#include "auth/token_endpoint.hpp"
#include "base/file.hpp"
#include "base/file_lock.hpp"
#include "base/text.hpp"
#include "base/version.hpp"
#include "cli/browser.hpp"
#include "cli/commands.hpp"
#include "cli/terminal.hpp"
#include "config/environment.hpp"
#include "config/file.hpp"
#include "net/runtime.hpp"

namespace ccproxy::cli {
namespace {

using auth::Stored;
using auth::StoredKind;

constexpr std::chrono::minutes kTimeout{10};
constexpr std::chrono::seconds kLockLimit{15};
constexpr std::size_t kReservedBytes = 16384;  // bytes, for what auth.json will hold

constexpr std::string_view kTerms =
    R"(What the provider's terms say, before you sign in with a Claude subscription:

  - Sign-in with a Free, Pro or Max account is meant for Claude Code and Anthropic's own
    applications: https://code.claude.com/docs/en/legal-and-compliance
  - Anthropic may let subscribers with usage credits use certain other tools, billed to those
    credits, and prohibits tools that misrepresent who they are:
    https://support.claude.com/en/articles/13189465
    https://support.claude.com/en/articles/15036540
  - CCProxy signs in through Claude Code's public OAuth client, because the provider offers no
    other, and then says in every request that it is CCProxy. Requests may be refused (those of
    OpenAI-shaped clients above all) or billed to usage credits, and the provider may act on the
    account.
  - An API key is the supported way for other programs: ccproxy login --api-key

)";

Stored stored_from(const auth::Grant& grant, WallClock::time_point asked_at) {
  Stored stored;
  stored.secret = grant.access;
  stored.refresh = grant.refresh;
  if (grant.expires_in) stored.expires = asked_at + *grant.expires_in;
  stored.scope = grant.scope;
  stored.account = grant.account_email;
  stored.organization = grant.organization_name;
  json::Document& root = stored.document;
  root["obtained"] = unix_milliseconds(asked_at);
  const auto add = [&](const char* outer, const char* inner, const std::string& value) {
    if (!value.empty()) root[outer][inner] = value;
  };
  add("account", "uuid", grant.account_uuid);
  add("account", "email", grant.account_email);
  add("organization", "uuid", grant.organization_uuid);
  add("organization", "name", grant.organization_name);
  return stored;
}

Stored stored_secret(StoredKind kind, std::string secret) {
  Stored stored;
  stored.kind = kind;
  stored.secret = std::move(secret);
  stored.document["obtained"] = unix_milliseconds(WallClock::now());
  return stored;
}

// A copy beside it, for its owner only: a secret may be in it.
Result<void> set_aside(const std::string& path) {
  auto lock = FileLock::wait(auth::lock_path(path), kLockLimit);  // what is half written stays
  if (!lock) return fail(lock.error());
  auto kept = keep_copy(path);
  if (!kept) return fail(ErrorKind::kInternal, kept.error().message + ": move it away yourself");
  return {};
}

std::string called(StoredKind kind) {
  switch (kind) {
    case StoredKind::kOauth: return "a sign-in with a Claude account";
    case StoredKind::kToken: return "a long-lived token";
    case StoredKind::kApiKey: return "an API key";
  }
  return {};
}

// Why `secret` is not what was asked for; "" when it may be.
std::string wrong_with(StoredKind kind, std::string_view secret) {
  if (secret.empty()) return "nothing was given";
  if (!std::all_of(secret.begin(), secret.end(), [](char c) { return c > ' ' && c < '\x7f'; }))
    return "it holds blanks or characters that no credential has";
  if (kind == StoredKind::kApiKey && secret.starts_with("sk-ant-oat"))
    return "this is a token, not an API key: ccproxy login --token takes it";
  if (kind == StoredKind::kToken && secret.starts_with("sk-ant-api"))
    return "this is an API key, not a token: ccproxy login --api-key takes it";
  return {};
}

class Login {
 public:
  Login(const LoginFlags& flags, config::Config config, const config::Environment& environment)
      : flags_(flags),
        config_(std::move(config)),
        environment_(environment),
        path_(config::auth_path(environment)) {}

  int run() {
    runtime_.spawn(sign_in());
    runtime_.run();
    if (result_) return kOk;
    if (terminal_.interrupted()) {
      fmt::print(stderr, "\nccproxy: not signed in; nothing was changed\n");
      return kInterrupted;
    }
    if (at_prompt_) fmt::print("\n");
    fmt::print(stderr, "ccproxy: {}\n", result_.error().message);
    switch (result_.error().kind) {
      case ErrorKind::kInvalidRequest: return kUsage;
      case ErrorKind::kConfiguration: return kBadConfiguration;
      default: return kFailure;
    }
  }

 private:
  Task<void> sign_in() {
    result_ = co_await sign_in_as_asked();
    runtime_.stop();
  }

  Task<Result<void>> sign_in_as_asked() {
    if (!flags_.api_key) {
      auto agreed = co_await agree();
      if (!agreed) co_return agreed;
    }
    auto cleared = co_await clear_the_way();
    if (!cleared) co_return cleared;
    if (flags_.api_key) co_return co_await take_secret(StoredKind::kApiKey, "Paste the API key: ");
    if (flags_.token) co_return co_await take_secret(StoredKind::kToken, "Paste the token: ");
    co_return co_await through_the_browser();
  }

  Task<Result<void>> agree();
  Task<Result<void>> clear_the_way();
  Task<Result<void>> take_secret(StoredKind kind, std::string prompt);
  Task<Result<void>> through_the_browser();
  Task<Result<Stored>> redeem();
  bool asks_again(const Error& error);
  Task<void> read_pastes();
  void tell_where(bool manual);
  void tell_no_more_pastes();
  void take(Result<auth::AuthorizationCode> found, bool was_pasted);
  [[nodiscard]] Result<Replacement> prepare(std::size_t room);
  Result<void> keep(Replacement file, const Stored& stored);
  void tell_kept(const Stored& stored) const;

  LoginFlags flags_;
  config::Config config_;
  const config::Environment& environment_;
  std::string path_;  // of auth.json
  net::Runtime runtime_;
  Terminal terminal_{runtime_};
  Result<void> result_ = fail(ErrorKind::kShutdown, "interrupted");

  // The two ways back from the browser, open at the same time.
  auth::PkceSession manual_{};
  std::unique_ptr<auth::Callback> callback_;
  std::optional<Result<auth::AuthorizationCode>> found_;
  net::Event changed_{runtime_};
  bool was_pasted_ = false;
  bool too_late_ = false;
  bool at_prompt_ = false;  // the cursor stands behind a question
};

// What the terms say, and whether the person goes on.
Task<Result<void>> Login::agree() {
  fmt::print("{}", kTerms);
  if (flags_.yes) co_return Result<void>{};
  if (!terminal_.has_person())
    co_return fail(ErrorKind::kInvalidRequest,
                   "nobody can be asked here: --yes says that you have read this and go on");
  auto yes = co_await terminal_.confirm("Go on?");
  if (!yes) co_return fail(yes.error());
  if (!*yes) co_return fail(ErrorKind::kForbidden, "not signed in; nothing was changed");
  co_return Result<void>{};
}

// One credential is kept. What is there is replaced only when the person says so.
Task<Result<void>> Login::clear_the_way() {
  const auto there = auth::read_stored(path_);
  if (there && !*there) co_return Result<void>{};
  const std::string what =
      there ? called((*there)->kind) + ((*there)->account.empty() ? "" : ", " + (*there)->account)
            : "something that cannot be read (it will be kept as a .bak file)";
  fmt::print("auth.json holds {}.\n", what);
  if (!flags_.yes && !terminal_.has_person())
    co_return fail(ErrorKind::kInvalidRequest, "--yes replaces it; `ccproxy logout` removes it");
  if (!flags_.yes) {
    auto yes = co_await terminal_.confirm("Replace it?");
    if (!yes) co_return fail(yes.error());
    if (!*yes) co_return fail(ErrorKind::kForbidden, "nothing was changed");
  }
  if (there) co_return Result<void>{};
  co_return set_aside(path_);
}

Task<Result<void>> Login::take_secret(StoredKind kind, std::string prompt) {
  auto line = co_await terminal_.ask_secret(std::move(prompt));
  if (!line && line.error().kind == ErrorKind::kClosed) line = std::string();
  if (!line) co_return fail(line.error());
  const std::string_view secret = trim(*line);
  if (std::string wrong = wrong_with(kind, secret); !wrong.empty())
    co_return fail(ErrorKind::kInvalidRequest, std::move(wrong));
  if (!secret.starts_with("sk-ant-"))
    fmt::print("It does not look like one of Anthropic's; it is taken as it is.\n");
  const Stored stored = stored_secret(kind, std::string(secret));
  auto file = prepare(0);
  if (!file) co_return fail(file.error());
  co_return keep(std::move(*file), stored);
}

// Both ways at once: the browser is sent back to a listener of ours, and a code can be pasted.
// Whichever comes first wins.
Task<Result<void>> Login::through_the_browser() {
  // A code is good once: what could keep its token from being saved comes first.
  auto file = prepare(kReservedBytes);
  if (!file) co_return fail(file.error());
  manual_ = auth::begin_attempt(config_.oauth.manual_redirect);
  const bool manual = flags_.manual || (!flags_.no_browser && !has_browser());
  if (!manual) {
    auto listening = auth::Callback::listen(
        runtime_, [this](Result<auth::AuthorizationCode> found) { take(std::move(found), false); });
    if (!listening) co_return fail(listening.error());
    callback_ = std::move(*listening);
  }
  tell_where(manual);
  terminal_.on_interrupt([this] { changed_.notify(); });
  runtime_.spawn(read_pastes());
  net::Deadline limit(runtime_, [this] {
    too_late_ = true;
    changed_.notify();
  });
  limit.expires_after(kTimeout);
  Result<Stored> redeemed = fail(ErrorKind::kUnauthorized, "");
  do {
    while (!found_ && !too_late_ && !terminal_.interrupted()) co_await changed_.wait();
    terminal_.stop_waiting();
    redeemed = co_await redeem();
  } while (!redeemed && asks_again(redeemed.error()));
  Result<void> done = redeemed ? keep(std::move(*file), *redeemed) : fail(redeemed.error());
  if (callback_) {
    const bool good = done.has_value();
    co_await callback_->finish(good, good ? "CCProxy is signed in." : "CCProxy is not signed in.");
  }
  co_return done;
}

void Login::tell_where(bool manual) {
  const std::string printed = auth::authorize_url(config_.oauth, manual_);
  if (manual) {
    fmt::print(
        "Open this address in a browser, on any machine, and paste the code that it shows:\n");
  } else {
    const std::string opened = auth::authorize_url(config_.oauth, callback_->attempt());
    if (!flags_.no_browser && open_browser(opened)) {
      fmt::print(
          "Your browser opens now. If it does not, open this address, and paste the code that "
          "it shows:\n");
    } else {
      fmt::print(
          "Open this address in a browser on this machine:\n\n{}\n\nor this one on any "
          "machine, and paste the code that it shows:\n",
          opened);
    }
  }
  fmt::print("\n{}\n\nThis waits for {} minutes; Ctrl-C leaves.\n", printed, kTimeout.count());
  std::fflush(stdout);
}

// Asks again and again, until something fits or came by the browser.
Task<void> Login::read_pastes() {
  while (!found_) {
    at_prompt_ = terminal_.has_person();
    auto line = co_await terminal_.ask("Paste the code here: ");
    if (!line) {
      if (line.error().kind == ErrorKind::kClosed && !found_) tell_no_more_pastes();
      co_return;
    }
    at_prompt_ = false;
    if (trim(*line).empty()) continue;
    std::vector<auth::PkceSession> others;
    if (callback_) others.push_back(callback_->attempt());
    auto read = auth::read_paste(*line, manual_, others);
    if (!read && read.error().kind == ErrorKind::kInvalidRequest) {
      fmt::print("That does not fit: {}.\n", read.error().message);
      continue;
    }
    take(std::move(read), true);
  }
}

// The input has ended. Without a listener nothing else can come.
void Login::tell_no_more_pastes() {
  if (!callback_)
    return take(fail(ErrorKind::kClosed, "not signed in: the input ended before a code came"),
                false);
  fmt::print("{}Nothing can be pasted any more; the browser can still come back.\n",
             std::exchange(at_prompt_, false) ? "\n" : "");
  std::fflush(stdout);
}

void Login::take(Result<auth::AuthorizationCode> found, bool was_pasted) {
  if (found_) return;
  was_pasted_ = was_pasted;
  found_ = std::move(found);
  changed_.notify();
}

Task<Result<Stored>> Login::redeem() {
  if (terminal_.interrupted()) co_return fail(ErrorKind::kShutdown, "interrupted");
  if (!found_)
    co_return fail(ErrorKind::kTimedOut,
                   fmt::format("nobody signed in within {} minutes; start again when you are ready",
                               kTimeout.count()));
  if (!*found_) co_return fail(found_->error());
  const auto asked_at = WallClock::now();
  auth::TokenEndpoint endpoint(runtime_, config_, fmt::format("ccproxy/{}", version()));
  auth::AuthorizationCode& redeemable = **found_;
  terminal_.on_interrupt([this] { runtime_.stop(); });
  auto grant = co_await endpoint.redeem(std::move(redeemable.code), std::move(redeemable.attempt));
  terminal_.on_interrupt({});  // what is kept now is kept: the rest takes a moment
  if (grant) co_return stored_from(*grant, asked_at);
  const bool is_refused = grant.error().kind == ErrorKind::kUnauthorized;
  co_return fail(grant.error().kind,
                 fmt::format("not signed in: {}{}", grant.error().message,
                             is_refused ? " (codes are good once, and for a few minutes)" : ""));
}

// A code that was refused may have been cut, or be an old one: a person can paste another.
bool Login::asks_again(const Error& error) {
  if (error.kind != ErrorKind::kUnauthorized || !was_pasted_ || !terminal_.has_person())
    return false;
  fmt::print("That did not work: {}.\n", error.message);
  found_.reset();
  terminal_.on_interrupt([this] { changed_.notify(); });
  runtime_.spawn(read_pastes());
  return true;
}

// Under the lock, where anybody has ever taken it: a running server may be renewing what is there.
Result<Replacement> Login::prepare(std::size_t room) {
  std::optional<FileLock> held;
  if (stamp_of(auth::lock_path(path_)).exists) {
    auto lock = FileLock::wait(auth::lock_path(path_), kLockLimit);
    if (!lock) return fail(lock.error());
    held = std::move(*lock);
  }
  return Replacement::prepare(link_target(path_), room);
}

Result<void> Login::keep(Replacement file, const Stored& stored) {
  auto lock = FileLock::wait(auth::lock_path(path_), kLockLimit);
  if (!lock) return fail(lock.error());
  if (auto written = file.commit(auth::text_of(stored)); !written)
    return fail(ErrorKind::kInternal,
                fmt::format("signed in, but {}: nothing is kept, start again when there is room",
                            written.error().message));
  if (const std::string mended = auth::fix_permissions(path_); !mended.empty())
    fmt::print("\n{}.\n", mended);
  tell_kept(stored);
  return {};
}

void Login::tell_kept(const Stored& stored) const {
  fmt::print("\n{}{}{}.\nKept in {}, readable by you only.\n",
             stored.kind == StoredKind::kOauth ? "Signed in"
                                               : "This is in auth.json now: " + called(stored.kind),
             stored.account.empty() ? "" : " as " + stored.account,
             stored.organization.empty() ? "" : " (" + stored.organization + ")", path_);
  const auto credential_status = auth::choose(
      config_.credentials, auth::find_candidates(auth::sources_of(environment_)), false);
  if (credential_status.source == config::CredentialSource::kLogin) {
    for (const config::CredentialSource source : credential_status.shadowed)
      fmt::print("It goes before {}, which is there too.\n", auth::place_of(source));
    fmt::print("A running server takes it up by itself. To start one: ccproxy start\n");
  } else {
    fmt::print(
        "It is not in use: the configuration asks for {}. To use it: ccproxy config set "
        "credentials auto\n",
        auth::name_of(config_.credentials));
  }
}

}  // namespace

int login(const LoginFlags& flags) {
  const config::Environment environment = config::read_environment();
  auto loaded = config::load(config::config_path(environment));
  if (!loaded) return report_error(loaded.error());
  if (auto applied = config::apply_environment(environment, loaded->config); !applied)
    return report_error(applied.error());
  Login login(flags, std::move(loaded->config), environment);
  return login.run();
}

}  // namespace ccproxy::cli
