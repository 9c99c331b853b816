#include "auth/callback.hpp"

#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/test_loop.hpp"

namespace ccproxy::auth {
namespace {

using std::chrono::milliseconds;

// Returns everything that the browser receives until the connection ends.
Task<void> visit(net::TestLoop& loop, std::string ip, std::uint16_t port, std::string request,
                 std::string& seen) {
  auto stream =
      co_await net::dial(loop.runtime(), loop.resolver(), ip, port, std::chrono::seconds(5));
  if (!stream) {
    seen = "no connection";
    co_return;
  }
  (*stream)->expires_after(std::chrono::seconds(10));
  (void)co_await (*stream)->write(request);
  constexpr std::size_t kMax = 65'536;
  const std::string all = co_await net::read_exactly(**stream, kMax);
  seen = all;
}

class CallbackTest : public testing::Test {
 public:
  CallbackTest() {
    auto listening = Callback::listen(loop.runtime(), [this](Result<AuthorizationCode> redirect) {
      ++calls;
      found = std::move(redirect);
    });
    if (listening) callback = std::move(*listening);
  }

  void SetUp() override { ASSERT_NE(callback, nullptr); }

  [[nodiscard]] std::uint16_t port() const {
    const std::string& uri = callback->session().redirect_uri;
    return static_cast<std::uint16_t>(std::stoul(uri.substr(uri.rfind(':') + 1)));
  }
  [[nodiscard]] std::string with_state(const std::string& query) const {
    return "/callback?" + query + "&state=" + callback->session().state;
  }
  [[nodiscard]] std::string get(const std::string& target) const {
    return fmt::format("GET {} HTTP/1.1\r\nHost: localhost:{}\r\n\r\n", target, port());
  }
  net::TestLoop loop;
  int calls = 0;
  std::optional<Result<AuthorizationCode>> found;
  std::unique_ptr<Callback> callback;
};

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// What the browser received, and the outcome of the sign-in.
Task<void> visit_and_finish(net::TestLoop& loop, Callback& callback, std::uint16_t port,
                            std::string request, bool good, std::string message,
                            std::string& before, std::string& seen) {
  net::Beside beside(loop.runtime());
  beside.start(visit(loop, "127.0.0.1", port, request, seen));
  co_await net::sleep(loop.runtime(), milliseconds(100));
  before = seen;
  co_await callback.finish(good, message);
  co_await beside.wait();
}

TEST_F(CallbackTest, shows_the_outcome_once_it_is_known) {
  std::string before, seen;
  loop.run(visit_and_finish(loop, *callback, port(), get(with_state("code=c%2B1")), true,
                            "Signed in as <i>\"you\" & me</i>.", before, seen));
  EXPECT_EQ(before, "") << "the code was not redeemed yet";
  EXPECT_TRUE(seen.starts_with("HTTP/1.1 200 ")) << seen;
  EXPECT_TRUE(contains(seen, "<h1>Signed in</h1>")) << seen;
  EXPECT_TRUE(contains(seen, "&lt;i&gt;&quot;you&quot; &amp; me&lt;/i&gt;")) << seen;
  EXPECT_TRUE(contains(seen, "default-src 'none'")) << "the page loads nothing";
  EXPECT_TRUE(contains(seen, "no-store")) << "the page's address holds a code";
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->code, "c+1");
  EXPECT_EQ((*found)->session.verifier, callback->session().verifier);
  EXPECT_EQ(calls, 1);
}

TEST_F(CallbackTest, reports_a_refusal) {
  std::string before, seen;
  loop.run(visit_and_finish(loop, *callback, port(), get(with_state("error=access_denied")), false,
                            "You said no.", before, seen));
  EXPECT_TRUE(contains(seen, "<h1>Not signed in</h1>")) << seen;
  ASSERT_TRUE(found && !*found);
  EXPECT_EQ(found->error().kind, ErrorKind::kForbidden);
}

TEST_F(CallbackTest, keeps_waiting_after_a_wrong_state) {
  std::string wrong, before, seen;
  const auto both = [](net::TestLoop& in, CallbackTest& test, std::string& refused,
                       std::string& held, std::string& outcome) -> Task<void> {
    const std::string forged = test.get("/callback?code=c&state=forged");
    co_await visit(in, "127.0.0.1", test.port(), forged, refused);
    EXPECT_EQ(test.calls, 0);
    co_await visit_and_finish(in, *test.callback, test.port(), test.get(test.with_state("code=c")),
                              true, "Done.", held, outcome);
  };
  loop.run(both(loop, *this, wrong, before, seen));
  EXPECT_TRUE(wrong.starts_with("HTTP/1.1 400 ")) << wrong;
  EXPECT_TRUE(contains(wrong, "Not signed in")) << wrong;
  EXPECT_FALSE(contains(wrong, "forged")) << "nothing that it sent is shown";
  EXPECT_TRUE(seen.starts_with("HTTP/1.1 200 ")) << seen;
  EXPECT_EQ(calls, 1);
}

// Some browsers send the request twice to have the page sooner.
TEST_F(CallbackTest, takes_one_redirect_and_replies_to_all_that_wait) {
  std::string one, two;
  const auto twice = [](net::TestLoop& in, CallbackTest& test, std::string& first,
                        std::string& second) -> Task<void> {
    net::Beside beside(in.runtime());
    const std::string request = test.get(test.with_state("code=c"));
    beside.start(visit(in, "127.0.0.1", test.port(), request, first));
    beside.start(visit(in, "127.0.0.1", test.port(), request, second));
    co_await net::sleep(in.runtime(), milliseconds(100));
    co_await test.callback->finish(true, "Done.");
    co_await beside.wait();
  };
  loop.run(twice(loop, *this, one, two));
  EXPECT_TRUE(contains(one, "Signed in")) << one;
  EXPECT_TRUE(contains(two, "Signed in")) << two;
  EXPECT_EQ(calls, 1);
}

struct Stranger {
  const char* name;
  const char* method;
  const char* target;
  const char* host;  // {} stands for the port
  int status;
};

const Stranger kStrangers[] = {
    {"a foreign name that resolves to this machine", "GET", "/callback{}", "evil.example:{}", 404},
    {"a foreign name that begins like localhost", "GET", "/callback{}", "localhost.evil.example:{}",
     404},
    {"another port", "GET", "/callback{}", "localhost:1", 404},
    {"no port", "GET", "/callback{}", "localhost", 404},
    {"another path", "GET", "/callback/x{}", "localhost:{}", 404},
    {"an icon, which browsers request by themselves", "GET", "/favicon.ico", "localhost:{}", 404},
    {"another method", "POST", "/callback{}", "localhost:{}", 404},
    {"no query", "GET", "/callback", "localhost:{}", 400},
    {"a state without a code", "GET", "/callback{}&code=", "[::1]:{}", 400},
};

TEST_F(CallbackTest, refuses_other_requests) {
  const auto all = [](net::TestLoop& in, CallbackTest& test) -> Task<void> {
    for (const Stranger& row : kStrangers) {
      SCOPED_TRACE(row.name);
      const std::string query = "?state=" + test.callback->session().state +
                                (std::string_view(row.target).ends_with("code=") ? "" : "&code=c");
      const std::string request =
          fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\n\r\n", row.method,
                      fmt::format(fmt::runtime(row.target), query),
                      fmt::format(fmt::runtime(row.host), test.port()));
      std::string seen;
      co_await visit(in, "127.0.0.1", test.port(), request, seen);
      EXPECT_TRUE(seen.starts_with(fmt::format("HTTP/1.1 {} ", row.status))) << seen;
    }
  };
  loop.run(all(loop, *this));
  EXPECT_EQ(calls, 0);
}

TEST_F(CallbackTest, stops_listening_when_it_is_destroyed) {
  const std::uint16_t where = port();
  const auto gone = [](net::TestLoop& in, CallbackTest& test, std::uint16_t at) -> Task<void> {
    std::string held, after;
    net::Beside beside(in.runtime());
    beside.start(visit(in, "127.0.0.1", at, test.get(test.with_state("code=c")), held));
    co_await net::sleep(in.runtime(), milliseconds(100));
    test.callback.reset();
    co_await beside.wait();
    EXPECT_EQ(held, "");
    co_await visit(in, "127.0.0.1", at, "x", after);
    EXPECT_EQ(after, "no connection");
  };
  loop.run(gone(loop, *this, where));
}

TEST_F(CallbackTest, listens_on_both_loopback_addresses) {
  const auto other = net::Listener::tcp(loop.runtime(), "::1", 0, false);
  if (!other) GTEST_SKIP() << "this machine has no IPv6";
  std::string seen;
  loop.run(visit(loop, "::1", port(), get("/"), seen));
  EXPECT_TRUE(seen.starts_with("HTTP/1.1 404 ")) << seen;
}

}  // namespace
}  // namespace ccproxy::auth
