#include "auth/credentials.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "auth/auth_fixture.hpp"
#include "http/test_upstream.hpp"
#include "net/test_loop.hpp"

namespace ccproxy::auth {
namespace {

using config::CredentialSource;
using http::Script;
using http::Upstream;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::string grant(const std::string& number, int expires_in = 28800) {
  return http::ok(Document{
      {"access_token", "at-" + number},
      {"refresh_token", "rt-" + number},
      {"expires_in",
       expires_in}}.dump());
}

const std::string kInvalidGrant =
    "HTTP/1.1 400 Bad Request\r\nContent-Length: 25\r\n\r\n{\"error\":\"invalid_grant\"}";

// A home folder, an authorization server that follows a script, and the credentials between them.
class Renewal : public testing::Test {
 protected:
  // Each script serves one connection: every request comes on one of its own.
  void serve(std::vector<std::string> responses) {
    std::vector<Script> scripts;
    for (std::string& response : responses)
      scripts.push_back({{http::kPause, std::move(response)}});
    server = std::make_unique<Upstream>(loop, std::move(scripts));
    config.oauth.token_url = "http://127.0.0.1:" + std::to_string(server->origin().port) + "/token";
  }

  Credentials& make() {
    Sources sources;
    sources.auth_path = home.auth();
    sources.api_key = api_key;
    current = std::make_unique<Credentials>(loop.runtime(), sources, config, "ccproxy/test",
                                            [this](Severity, const std::string& message) {
                                              if (no_memory > 0) {
                                                --no_memory;
                                                throw std::bad_alloc();
                                              }
                                              notices.push_back(message);
                                            });
    return *current;
  }

  [[nodiscard]] std::string secret() const {
    return current->credential_status()->credential.secret;
  }
  [[nodiscard]] std::size_t request_count() const { return server ? server->requests().size() : 0; }

  // Ticks once and waits until the renewal that this began is over.
  Task<void> tick_until_settled() {
    current->tick();
    net::Event settled(loop.runtime());
    current->when_settled([&settled] { settled.notify(); });
    co_await settled.wait();
  }

  Task<Result<Credential>> use() {
    net::Cancellation never;
    co_return co_await current->usable(loop.runtime(), never);
  }
  Task<void> use(Result<Credential>& into) { into = co_await use(); }
  Task<void> use_until(net::Cancellation& cancellation, Result<Credential>& into) {
    into = co_await current->usable(loop.runtime(), cancellation);
  }
  Task<Result<Credential>> replacement_for(std::string refused) {
    net::Cancellation never;
    co_return co_await current->replacement_for(std::move(refused), loop.runtime(), never);
  }

  // All of them at once, and then one after another.
  Task<void> use_beside(std::vector<Result<Credential>>& into) {
    net::Beside beside(loop.runtime());
    for (Result<Credential>& each : into) beside.start(use(each));
    co_await beside.wait();
  }
  Task<void> use_in_turn(std::vector<Result<Credential>>& into) {
    for (Result<Credential>& each : into) co_await use(each);
  }
  Task<void> run_beside(Task<void> one, Task<void> other) {
    net::Beside beside(loop.runtime());
    beside.start(std::move(one));
    beside.start(std::move(other));
    co_await beside.wait();
  }

  Task<void> ask_and_tick(std::vector<Result<Credential>>& into) {
    for (Result<Credential>& each : into) {
      co_await use(each);
      for (int i = 0; i < 5; ++i) current->tick();
    }
  }

  Task<void> tick_then_ask(std::vector<Result<Credential>>& into) {
    co_await tick_until_settled();
    co_await ask_and_tick(into);
  }

  Task<void> refuse_in_turn(std::vector<std::string> refused,
                            std::vector<Result<Credential>>& into) {
    return refuse_late(std::move(refused), milliseconds(0), into);
  }
  // Each after its own delay.
  Task<void> refuse_late(std::vector<std::string> refused, milliseconds pause,
                         std::vector<Result<Credential>>& into) {
    for (std::string& each : refused) {
      co_await net::sleep(loop.runtime(), pause);
      auto other = co_await replacement_for(std::move(each));
      into.push_back(std::move(other));
    }
  }

  Task<void> leave_and_settle(net::Cancellation& cancellation, Result<Credential>& into) {
    co_await run_beside(use_until(cancellation, into), leave_soon(cancellation));
    EXPECT_EQ(secret(), "at-1") << "the renewal is not over yet";
    co_await tick_until_settled();
  }

  // What other programs do meanwhile.
  Task<void> sign_in_elsewhere(std::optional<FileLock>& lock) {
    co_await net::sleep(loop.runtime(), milliseconds(200));
    home.write("auth.json", sign_in(hours(8), "at-5", "rt-5"));
    lock.reset();
  }
  Task<void> leave_soon(net::Cancellation& cancellation) {
    co_await net::sleep(loop.runtime(), milliseconds(10));
    cancellation.cancel();
  }
  Task<void> put_a_folder_in_its_place() {
    co_await net::sleep(loop.runtime(), milliseconds(15));
    std::filesystem::remove(home.auth());
    std::filesystem::create_directories(home.at("auth.json/in-the-way"));
  }

  net::TestLoop loop;
  Home home;
  config::Config config;
  std::string api_key;
  std::unique_ptr<Upstream> server;
  std::unique_ptr<Credentials> current;
  std::vector<std::string> notices;
  int no_memory = 0;  // so many of the next notices throw std::bad_alloc
};

Result<Credential> nothing() { return fail(ErrorKind::kInternal, "not called"); }

TEST_F(Renewal, renews_before_the_token_expires_and_writes_it) {
  home.write("auth.json", sign_in(std::chrono::minutes(4)));
  serve({grant("2")});
  make();
  loop.run(tick_until_settled());
  EXPECT_EQ(secret(), "at-2");
  EXPECT_EQ(request_count(), 1U);
  const Document file = home.auth_file();
  EXPECT_EQ(file["access"], "at-2");
  EXPECT_EQ(file["refresh"], "rt-2");
  EXPECT_EQ(file["mine"].dump(), "[1,2]") << "unknown members are preserved";
  EXPECT_NEAR(file["expires"].get<double>(), static_cast<double>(in(hours(8))), 60'000);
  EXPECT_EQ(home.mode_of("auth.json"), 0600U);
  EXPECT_EQ(home.mode_of("auth.json.lock"), 0600U);
}

TEST_F(Renewal, does_not_renew_early) {
  home.write("auth.json", sign_in(hours(1)));
  serve({grant("2")});
  make();
  loop.run(tick_until_settled());
  EXPECT_EQ(request_count(), 0U);
  EXPECT_EQ(secret(), "at-1");
}

TEST_F(Renewal, renews_once_for_all_waiters) {
  home.write("auth.json", sign_in(-seconds(10)));
  serve({grant("2"), kInvalidGrant});
  make();
  std::vector<Result<Credential>> results(50, nothing());
  loop.run(use_beside(results));
  for (const auto& result : results) {
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_EQ(result->secret, "at-2");
  }
  EXPECT_EQ(request_count(), 1U);
}

// The waiters would wait for ever, and so would the end of the program.
TEST_F(Renewal, wakes_all_waiters_when_it_throws) {
  home.write("auth.json", sign_in(-seconds(10)));
  serve({grant("2")});
  make();
  no_memory = 2;  // for the notice of success, and then for that of failure
  int thrown = 0;
  loop.runtime().set_exception_handler([&thrown](std::string_view) { ++thrown; });
  std::vector<Result<Credential>> results(3, nothing());
  loop.run(use_beside(results));
  EXPECT_EQ(thrown, 1);
  bool is_settled = false;
  current->when_settled([&is_settled] { is_settled = true; });
  EXPECT_TRUE(is_settled);
  current->tick();
  EXPECT_EQ(secret(), "at-2") << "the renewed token is on disk";
}

TEST_F(Renewal, keeps_the_old_refresh_token_when_the_response_has_none) {
  home.write("auth.json", sign_in(-seconds(10)));
  serve({http::ok(R"({"access_token":"at-2","expires_in":100})")});
  make();
  loop.run(tick_until_settled());
  EXPECT_EQ(home.auth_file()["refresh"], "rt-1");
  EXPECT_EQ(home.auth_file()["access"], "at-2");
}

TEST_F(Renewal, requires_a_login_after_a_refusal_and_does_not_retry) {
  home.write("auth.json", sign_in(-seconds(10)));
  const std::string before = home.read("auth.json");
  serve({kInvalidGrant});
  Credentials& credentials = make();
  std::vector<Result<Credential>> results(5, nothing());
  loop.run(ask_and_tick(results));
  for (const auto& result : results) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::kUnauthorized);
    EXPECT_NE(result.error().message.find("login required"), std::string::npos);
  }
  EXPECT_EQ(credentials.credential_status()->state, State::kLoginRequired);
  EXPECT_EQ(request_count(), 1U);
  EXPECT_EQ(home.read("auth.json"), before) << "the file is unchanged";
  EXPECT_EQ(std::count_if(notices.begin(), notices.end(),
                          [](const std::string& text) {
                            return text.find("ccproxy login") != std::string::npos;
                          }),
            1)
      << "the notice comes once";
}

TEST_F(Renewal, remembers_a_refusal_over_a_restart_until_a_new_sign_in) {
  home.write("auth.json", sign_in(-seconds(10)));
  serve({kInvalidGrant});
  make();
  loop.run(tick_until_settled());
  make();
  EXPECT_EQ(current->credential_status()->state, State::kLoginRequired);
  home.write("auth.json", sign_in(hours(8), "at-9", "rt-9"));
  current->tick();
  EXPECT_EQ(current->credential_status()->state, State::kReady);
  EXPECT_EQ(secret(), "at-9");
}

TEST_F(Renewal, backs_off_after_failures_and_uses_the_token_until_it_expires) {
  home.write("auth.json", sign_in(std::chrono::minutes(2)));
  serve({"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"});
  Credentials& credentials = make();
  std::vector<Result<Credential>> results(3, nothing());
  loop.run(tick_then_ask(results));
  for (const auto& result : results) {
    ASSERT_TRUE(result);
    EXPECT_EQ(result->secret, "at-1");
  }
  EXPECT_EQ(request_count(), 1U);
  EXPECT_NE(credentials.credential_status()->failure, "");
}

TEST_F(Renewal, fails_with_retry_after_while_it_cannot_renew) {
  home.write("auth.json", sign_in(-seconds(1)));
  serve({"HTTP/1.1 429 No\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n"});
  make();
  std::vector<Result<Credential>> results(3, nothing());
  loop.run(use_in_turn(results));
  for (const auto& result : results) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::kBusy);
    EXPECT_TRUE(result.error().retry_after);
  }
  EXPECT_EQ(request_count(), 1U) << "the server's retry-after is not over";
}

TEST_F(Renewal, renews_once_after_a_401_and_only_for_the_refused_token) {
  home.write("auth.json", sign_in(hours(8)));
  serve({grant("2"), grant("3")});
  make();
  std::vector<Result<Credential>> results;
  loop.run(refuse_in_turn({"at-1", "at-1", "at-2"}, results));
  ASSERT_EQ(results.size(), 3U);
  ASSERT_TRUE(results[0]);
  EXPECT_EQ(results[0]->secret, "at-2");
  ASSERT_TRUE(results[1]);
  EXPECT_EQ(results[1]->secret, "at-2") << "the refused token had been replaced already";
  EXPECT_FALSE(results[2]) << "a new token that fails at once is not renewed again";
  EXPECT_EQ(request_count(), 1U);
}

TEST_F(Renewal, renews_after_a_401_whenever_the_token_expired_on_its_way) {
  home.write("auth.json", sign_in(seconds(-1)));
  serve({grant("2", 1), grant("3")});
  make();
  std::vector<Result<Credential>> results;
  loop.run(refuse_late({"at-1", "at-2"}, milliseconds(1100), results));
  ASSERT_EQ(results.size(), 2U);
  ASSERT_TRUE(results[0]);
  EXPECT_EQ(results[0]->secret, "at-2");
  ASSERT_TRUE(results[1]) << results[1].error().message;
  EXPECT_EQ(results[1]->secret, "at-3");
}

TEST_F(Renewal, loads_a_renewal_by_another_process) {
  home.write("auth.json", sign_in(-seconds(1)));
  serve({kInvalidGrant});
  make();
  home.write("auth.json", sign_in(hours(8), "at-7", "rt-7"));  // no tick has seen it yet
  Result<Credential> used = nothing();
  loop.run(use(used));
  ASSERT_TRUE(used);
  EXPECT_EQ(used->secret, "at-7");
  EXPECT_EQ(request_count(), 0U);
}

TEST_F(Renewal, waits_for_the_lock_and_reads_the_file_again) {
  home.write("auth.json", sign_in(-seconds(1)));
  serve({kInvalidGrant});
  make();
  Result<Credential> used = nothing();
  auto lock = FileLock::try_now(lock_path(home.auth()));
  ASSERT_TRUE(lock && *lock);
  loop.run(run_beside(use(used), sign_in_elsewhere(*lock)));
  ASSERT_TRUE(used);
  EXPECT_EQ(used->secret, "at-5");
  EXPECT_EQ(request_count(), 0U);
}

TEST_F(Renewal, goes_on_when_its_waiter_is_cancelled) {
  home.write("auth.json", sign_in(-seconds(1)));
  serve({grant("2")});
  make();
  Result<Credential> used = nothing();
  net::Cancellation cancellation;
  loop.run(leave_and_settle(cancellation, used));
  ASSERT_FALSE(used);
  EXPECT_EQ(used.error().kind, ErrorKind::kClosed);
  EXPECT_EQ(secret(), "at-2");
}

TEST_F(Renewal, uses_a_renewal_from_memory_and_writes_it_later) {
  home.write("auth.json", sign_in(-seconds(1)));
  serve({grant("2")});
  make();
  Result<Credential> used = nothing();
  loop.run(run_beside(use(used), put_a_folder_in_its_place()));
  ASSERT_TRUE(used) << used.error().message;
  EXPECT_EQ(used->secret, "at-2");
  EXPECT_TRUE(current->credential_status()->unsaved);
  auto other = FileLock::try_now(lock_path(home.auth()));
  ASSERT_TRUE(other);
  EXPECT_FALSE(*other) << "no other process may spend the old token meanwhile";

  std::filesystem::remove_all(home.auth());
  std::this_thread::sleep_for(seconds(5));
  current->tick();
  EXPECT_FALSE(current->credential_status()->unsaved);
  EXPECT_EQ(home.auth_file()["access"], "at-2");
  EXPECT_EQ(home.auth_file()["refresh"], "rt-2");
}

TEST_F(Renewal, does_not_renew_when_the_file_cannot_be_written) {
  home.write("auth.json", sign_in(-seconds(1)));
  serve({grant("2")});
  make();
  // No file can be created beside one whose name has the maximum length.
  const std::string long_name(255, 'a');
  home.write(long_name, home.read("auth.json"));
  std::filesystem::remove(home.auth());
  std::filesystem::create_symlink(home.at(long_name), home.auth());
  Result<Credential> used = nothing();
  loop.run(use(used));
  ASSERT_FALSE(used);
  EXPECT_EQ(used.error().kind, ErrorKind::kBusy);
  EXPECT_EQ(used.error().message.find(home.auth()), std::string::npos)
      << "the client's error names no path";
  EXPECT_EQ(request_count(), 0U) << "the refresh token is not spent";
  EXPECT_EQ(home.auth_file()["refresh"], "rt-1");
}

TEST_F(Renewal, writes_through_a_symbolic_link) {
  home.write("dotfiles/auth.json", sign_in(-seconds(1)));
  std::filesystem::create_symlink(home.at("dotfiles/auth.json"), home.auth());
  serve({grant("2")});
  make();
  loop.run(tick_until_settled());
  EXPECT_TRUE(std::filesystem::is_symlink(home.auth()));
  EXPECT_EQ(Document::parse(home.read("dotfiles/auth.json"))["access"], "at-2");
}

TEST_F(Renewal, never_shows_a_secret) {
  home.write("auth.json", sign_in(-seconds(1)), 0644);
  serve({grant("2"), kInvalidGrant});
  make();
  loop.run(tick_until_settled());
  ASSERT_FALSE(notices.empty());
  for (const std::string& notice : notices) {
    EXPECT_EQ(notice.find("at-"), std::string::npos) << notice;
    EXPECT_EQ(notice.find("rt-"), std::string::npos) << notice;
  }
}

TEST_F(Renewal, follows_the_files_of_other_credentials) {
  api_key = "sk-env";
  make();
  EXPECT_EQ(secret(), "sk-env");
  home.write("auth.json", R"({"type":"api_key","key":"sk-stored"})");
  current->tick();
  EXPECT_EQ(secret(), "sk-stored");
  EXPECT_EQ(current->credential_status()->credential.kind, CredentialKind::kApiKey);
  home.write("auth.json", "edited into nonsense");
  current->tick();
  EXPECT_EQ(current->credential_status()->state, State::kUnusable);
  EXPECT_EQ(home.read("auth.json"), "edited into nonsense");
  std::filesystem::remove(home.auth());
  current->tick();
  EXPECT_EQ(secret(), "sk-env");
  config.credentials = CredentialSource::kClient;
  current->configure(config);
  EXPECT_EQ(current->credential_status()->credential.kind, CredentialKind::kClient);
  config.credentials = CredentialSource::kLogin;
  current->configure(config);
  EXPECT_EQ(current->credential_status()->state, State::kMissing);
}

TEST_F(Renewal, says_what_to_do_when_there_is_no_credential) {
  make();
  Result<Credential> used = nothing();
  loop.run(use(used));
  ASSERT_FALSE(used);
  EXPECT_EQ(used.error().kind, ErrorKind::kUnauthorized);
  EXPECT_EQ(used.error().code, "upstream_auth");
  EXPECT_NE(used.error().message.find("ANTHROPIC_API_KEY"), std::string::npos);
  EXPECT_NE(used.error().message.find("ccproxy login"), std::string::npos);
}

}  // namespace
}  // namespace ccproxy::auth
