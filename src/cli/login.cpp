// ccproxy login: a person signs in, or hands over a key or a token, which is stored in auth.json.
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
#include "auth/credential_status.hpp"
#include "auth/sources.hpp"
#include "auth/stored_credential.hpp"
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

using auth::StoredCredential;
using auth::StoredKind;

constexpr std::chrono::minutes kTimeout{10};
constexpr std::chrono::seconds kLockTimeout{15};
constexpr std::size_t kReservedBytes = 16384;  // for what auth.json will hold

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

StoredCredential credential_from(const auth::Grant& grant, WallClock::time_point requested_at) {
  StoredCredential stored;
  stored.secret = grant.access;
  stored.refresh = grant.refresh;
  if (grant.expires_in) stored.expires = requested_at + *grant.expires_in;
  stored.scope = grant.scope;
  stored.account = grant.account_email;
  stored.organization = grant.organization_name;
  json::Document& root = stored.document;
  root["obtained"] = unix_milliseconds(requested_at);
  const auto add = [&](const char* outer, const char* inner, const std::string& value) {
    if (!value.empty()) root[outer][inner] = value;
  };
  add("account", "uuid", grant.account_uuid);
  add("account", "email", grant.account_email);
  add("organization", "uuid", grant.organization_uuid);
  add("organization", "name", grant.organization_name);
  return stored;
}

StoredCredential credential_of_secret(StoredKind kind, std::string secret) {
  StoredCredential stored;
  stored.kind = kind;
  stored.secret = std::move(secret);
  stored.document["obtained"] = unix_milliseconds(WallClock::now());
  return stored;
}

// Moves the file's content to a copy that only its owner can read, since it may hold a secret.
Result<void> move_to_copy(const std::string& path) {
  auto lock = FileLock::wait(auth::lock_path(path), kLockTimeout);  // no writer is in the middle
  if (!lock) return fail(lock.error());
  auto copy = back_up_file(path);
  if (!copy) return fail(ErrorKind::kInternal, copy.error().message + ": move it away yourself");
  return {};
}

std::string description_of(StoredKind kind) {
  switch (kind) {
    case StoredKind::kOauth: return "a sign-in with a Claude account";
    case StoredKind::kToken: return "a long-lived token";
    case StoredKind::kApiKey: return "an API key";
  }
  return {};
}

// Returns why `secret` is not of the requested kind; "" when it may be.
std::string problem_with(StoredKind kind, std::string_view secret) {
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
    result_ = co_await run_steps();
    runtime_.stop();
  }

  Task<Result<void>> run_steps() {
    if (!flags_.api_key) {
      auto agreed = co_await agree();
      if (!agreed) co_return agreed;
    }
    auto cleared = co_await confirm_replacement();
    if (!cleared) co_return cleared;
    if (flags_.api_key) co_return co_await read_secret(StoredKind::kApiKey, "Paste the API key: ");
    if (flags_.token) co_return co_await read_secret(StoredKind::kToken, "Paste the token: ");
    co_return co_await sign_in_by_browser();
  }

  Task<Result<void>> agree();
  Task<Result<void>> confirm_replacement();
  Task<Result<void>> read_secret(StoredKind kind, std::string prompt);
  Task<Result<void>> sign_in_by_browser();
  Task<Result<StoredCredential>> redeem();
  bool wants_another_paste(const Error& error);
  Task<void> read_pastes();
  void print_address(bool manual);
  void note_end_of_input();
  void accept(Result<auth::AuthorizationCode> found, bool was_pasted);
  [[nodiscard]] Result<Replacement> prepare(std::size_t room);
  Result<void> save(Replacement file, const StoredCredential& stored);
  void print_saved(const StoredCredential& stored) const;

  LoginFlags flags_;
  config::Config config_;
  const config::Environment& environment_;
  std::string path_;  // of auth.json
  net::Runtime runtime_;
  Terminal terminal_{runtime_};
  Result<void> result_ = fail(ErrorKind::kShutdown, "interrupted");

  // The code comes either from the manual page, pasted, or from the loopback redirect.
  auth::PkceSession manual_{};
  std::unique_ptr<auth::Callback> callback_;
  std::optional<Result<auth::AuthorizationCode>> found_;
  net::Event changed_{runtime_};
  bool was_pasted_ = false;
  bool timed_out_ = false;
  bool at_prompt_ = false;  // the cursor stands behind a prompt
};

// Shows the provider's terms and asks whether the person goes on.
Task<Result<void>> Login::agree() {
  fmt::print("{}", kTerms);
  if (flags_.yes) co_return Result<void>{};
  if (!terminal_.has_person())
    co_return fail(
        ErrorKind::kInvalidRequest,
        "there is no terminal to ask on: with --yes you say that you have read this and go on");
  auto yes = co_await terminal_.confirm("Go on?");
  if (!yes) co_return fail(yes.error());
  if (!*yes) co_return fail(ErrorKind::kForbidden, "not signed in; nothing was changed");
  co_return Result<void>{};
}

// auth.json holds one credential: an old one is replaced only when the person agrees.
Task<Result<void>> Login::confirm_replacement() {
  const auto there = auth::read_stored(path_);
  if (there && !*there) co_return Result<void>{};
  const std::string what = there ? description_of((*there)->kind) +
                                       ((*there)->account.empty() ? "" : ", " + (*there)->account)
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
  co_return move_to_copy(path_);
}

Task<Result<void>> Login::read_secret(StoredKind kind, std::string prompt) {
  auto line = co_await terminal_.read_secret_line(std::move(prompt));
  if (!line && line.error().kind == ErrorKind::kClosed) line = std::string();
  if (!line) co_return fail(line.error());
  const std::string_view secret = trim(*line);
  if (std::string wrong = problem_with(kind, secret); !wrong.empty())
    co_return fail(ErrorKind::kInvalidRequest, std::move(wrong));
  if (!secret.starts_with("sk-ant-"))
    fmt::print("This does not look like a credential of Anthropic's; it is stored as it is.\n");
  const StoredCredential stored = credential_of_secret(kind, std::string(secret));
  auto file = prepare(0);
  if (!file) co_return fail(file.error());
  co_return save(std::move(*file), stored);
}

// Waits for the redirect to the loopback listener and for a pasted code at the same time. The first
// of them wins.
Task<Result<void>> Login::sign_in_by_browser() {
  // A code can be redeemed once: everything that could prevent saving the token comes before that.
  auto file = prepare(kReservedBytes);
  if (!file) co_return fail(file.error());
  manual_ = auth::begin_pkce_session(config_.oauth.manual_redirect);
  const bool manual = flags_.manual || (!flags_.no_browser && !has_browser());
  if (!manual) {
    auto listening = auth::Callback::listen(
        runtime_,
        [this](Result<auth::AuthorizationCode> found) { accept(std::move(found), false); });
    if (!listening) co_return fail(listening.error());
    callback_ = std::move(*listening);
  }
  print_address(manual);
  terminal_.on_interrupt([this] { changed_.notify(); });
  runtime_.spawn(read_pastes());
  net::Deadline limit(runtime_, [this] {
    timed_out_ = true;
    changed_.notify();
  });
  limit.expires_after(kTimeout);
  Result<StoredCredential> redeemed = fail(ErrorKind::kUnauthorized, "");
  do {
    while (!found_ && !timed_out_ && !terminal_.interrupted()) co_await changed_.wait();
    terminal_.stop_waiting();
    redeemed = co_await redeem();
  } while (!redeemed && wants_another_paste(redeemed.error()));
  Result<void> done = redeemed ? save(std::move(*file), *redeemed) : fail(redeemed.error());
  if (callback_) {
    const bool good = done.has_value();
    co_await callback_->finish(good, good ? "CCProxy is signed in." : "CCProxy is not signed in.");
  }
  co_return done;
}

void Login::print_address(bool manual) {
  const std::string printed = auth::authorize_url(config_.oauth, manual_);
  if (manual) {
    fmt::print(
        "Open this address in a browser, on any machine, and paste the code that it shows:\n");
  } else {
    const std::string opened = auth::authorize_url(config_.oauth, callback_->session());
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
  fmt::print("\n{}\n\nThis waits for {} minutes; Ctrl-C ends it.\n", printed, kTimeout.count());
  std::fflush(stdout);
}

// Prompts for codes until one fits or the redirect came.
Task<void> Login::read_pastes() {
  while (!found_) {
    at_prompt_ = terminal_.has_person();
    auto line = co_await terminal_.read_line("Paste the code here: ");
    if (!line) {
      if (line.error().kind == ErrorKind::kClosed && !found_) note_end_of_input();
      co_return;
    }
    at_prompt_ = false;
    if (trim(*line).empty()) continue;
    std::vector<auth::PkceSession> others;
    if (callback_) others.push_back(callback_->session());
    auto read = auth::read_paste(*line, manual_, others);
    if (!read && read.error().kind == ErrorKind::kInvalidRequest) {
      fmt::print("That does not fit: {}.\n", read.error().message);
      continue;
    }
    accept(std::move(read), true);
  }
}

// Called when the input has ended: without a listener nothing else can come.
void Login::note_end_of_input() {
  if (!callback_)
    return accept(fail(ErrorKind::kClosed, "not signed in: the input ended before a code came"),
                  false);
  fmt::print(
      "{}The input has ended, so nothing can be pasted; the browser can still finish the "
      "sign-in.\n",
      std::exchange(at_prompt_, false) ? "\n" : "");
  std::fflush(stdout);
}

void Login::accept(Result<auth::AuthorizationCode> found, bool was_pasted) {
  if (found_) return;
  was_pasted_ = was_pasted;
  found_ = std::move(found);
  changed_.notify();
}

Task<Result<StoredCredential>> Login::redeem() {
  if (terminal_.interrupted()) co_return fail(ErrorKind::kShutdown, "interrupted");
  if (!found_)
    co_return fail(ErrorKind::kTimedOut,
                   fmt::format("nobody signed in within {} minutes; start again when you are ready",
                               kTimeout.count()));
  if (!*found_) co_return fail(found_->error());
  const auto requested_at = WallClock::now();
  auth::TokenEndpoint endpoint(runtime_, config_, fmt::format("ccproxy/{}", version()));
  auth::AuthorizationCode& authorization_code = **found_;
  terminal_.on_interrupt([this] { runtime_.stop(); });
  auto grant = co_await endpoint.redeem(std::move(authorization_code.code),
                                        std::move(authorization_code.session));
  terminal_.on_interrupt({});  // the token is saved in a moment: it must not be lost
  if (grant) co_return credential_from(*grant, requested_at);
  const bool is_refused = grant.error().kind == ErrorKind::kUnauthorized;
  co_return fail(grant.error().kind,
                 fmt::format("not signed in: {}{}", grant.error().message,
                             is_refused ? " (codes are good once, and for a few minutes)" : ""));
}

// A refused code may have been cut off or be an old one, so a person can paste another.
bool Login::wants_another_paste(const Error& error) {
  if (error.kind != ErrorKind::kUnauthorized || !was_pasted_ || !terminal_.has_person())
    return false;
  fmt::print("That did not work: {}.\n", error.message);
  found_.reset();
  terminal_.on_interrupt([this] { changed_.notify(); });
  runtime_.spawn(read_pastes());
  return true;
}

// Takes the lock where it was ever used: a running server may be renewing the credential.
Result<Replacement> Login::prepare(std::size_t room) {
  std::optional<FileLock> held;
  if (stamp_of(auth::lock_path(path_)).exists) {
    auto lock = FileLock::wait(auth::lock_path(path_), kLockTimeout);
    if (!lock) return fail(lock.error());
    held = std::move(*lock);
  }
  return Replacement::prepare(link_target(path_), room);
}

Result<void> Login::save(Replacement file, const StoredCredential& stored) {
  auto lock = FileLock::wait(auth::lock_path(path_), kLockTimeout);
  if (!lock) return fail(lock.error());
  if (auto written = file.commit(auth::text_of(stored)); !written)
    return fail(
        ErrorKind::kInternal,
        fmt::format("signed in, but {}: nothing was saved; sign in again when there is room",
                    written.error().message));
  if (const std::string report = auth::fix_permissions(path_); !report.empty())
    fmt::print("\n{}.\n", report);
  print_saved(stored);
  return {};
}

void Login::print_saved(const StoredCredential& stored) const {
  fmt::print("\n{}{}{}.\nSaved in {}, readable by you only.\n",
             stored.kind == StoredKind::kOauth
                 ? "Signed in"
                 : "auth.json now holds " + description_of(stored.kind),
             stored.account.empty() ? "" : " as " + stored.account,
             stored.organization.empty() ? "" : " (" + stored.organization + ")", path_);
  const auto credential_status = auth::choose(
      config_.credentials, auth::find_candidates(auth::sources_of(environment_)), false);
  if (credential_status.source == config::CredentialSource::kLogin) {
    for (const config::CredentialSource source : credential_status.shadowed)
      fmt::print("It takes precedence over {}.\n", auth::place_of(source));
    fmt::print("A running server uses it at once. To start one: ccproxy start\n");
  } else {
    fmt::print(
        "It is not in use: the configuration selects {}. To use it: ccproxy config set "
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
