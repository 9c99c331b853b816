// The program under a limit of the system on its memory: what a client promises takes nothing, and
// a request that no memory is left for ends alone.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "http/coding.hpp"
#include "store/archive.hpp"
#include "store/store_fixture.hpp"
#include "support/responses.hpp"
#include "support/road.hpp"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CCPROXY_HAS_SHADOW 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define CCPROXY_HAS_SHADOW 1
#endif
#endif

namespace ccproxy::test {
namespace {

class Memory : public testing::TestWithParam<unsigned> {
 protected:
  void SetUp() override {
#ifdef CCPROXY_HAS_SHADOW
    GTEST_SKIP() << "the sanitizers reserve terabytes";
#endif
  }
  // Address space of a running program.
  static void limit(Process& process, rlim_t megabytes) {
    rlimit wanted{};
    ASSERT_EQ(::prlimit(process.pid(), RLIMIT_AS, nullptr, &wanted), 0);
    wanted.rlim_cur = megabytes << 20;
    ASSERT_EQ(::prlimit(process.pid(), RLIMIT_AS, &wanted, nullptr), 0);
  }
  // What it takes of that, in megabytes.
  static std::size_t address_space(const Process& process) {
    std::ifstream file("/proc/" + std::to_string(process.pid()) + "/statm");
    std::size_t pages = 0;
    file >> pages;
    return (pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE))) >> 20;
  }
  static bool is_well(const ProxyFixture& fixture) {
    return ask(fixture.port(), "GET", "/health").status == 200 &&
           ask(fixture.port(), "POST", "/v1/messages", kWhole, kFields).status == 200;
  }
};
INSTANTIATE_TEST_SUITE_P(Workers, Memory, testing::Values(1U, 2U));

std::string promising(const std::string& length, const std::string& path = "/v1/messages") {
  return "POST " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + length +
         "\r\n\r\n{\"model\":";
}

TEST_P(Memory, is_not_taken_by_what_is_promised) {
  ProxyFixture fixture(Plan{.workers = GetParam()});
  limit(fixture.proxy(), 2048);
  const std::size_t before = resident_bytes(fixture.proxy().pid());
  std::vector<std::unique_ptr<RawClient>> clients;
  for (const char* path :
       {"/v1/messages", "/v1/chat/completions", "/v1/responses", "/v1/messages/batches"})
    for (int i = 0; i < 50; ++i) {
      clients.push_back(std::make_unique<RawClient>(fixture.port()));
      clients.back()->send(promising("33554432", path));
    }
  EXPECT_TRUE(is_well(fixture));
  EXPECT_LT(resident_bytes(fixture.proxy().pid()), before + room_to_grow(32));
}

TEST_P(Memory, is_not_taken_by_a_promise_of_a_terabyte) {
  ProxyFixture fixture(
      Plan{.workers = GetParam(),
           .config = R"({"limits":{"bodyBytes":1099511627776,"heldBytes":1099511627776}})"});
  RawClient client(fixture.port());
  client.send(promising("1000000000000"));
  EXPECT_TRUE(is_well(fixture));
}

// The limits let it in, and then there is not as much: the others do not notice.
TEST_P(Memory, that_is_not_there_ends_one_request) {
  ProxyFixture fixture(
      Plan{.workers = GetParam(),
           .config = R"({"limits":{"bodyBytes":1099511627776,"heldBytes":1099511627776}})"});
  ASSERT_TRUE(is_well(fixture));
  limit(fixture.proxy(), 600);
  const std::string piece(std::size_t{1} << 20, 'x');
  for (const char* path : {"/v1/messages", "/v1/chat/completions", "/v1/responses"}) {
    SCOPED_TRACE(path);
    RawClient client(fixture.port());
    client.send(promising("2000000000", path) + "\"");
    for (int i = 0; i < 1500 && client.send(piece); ++i)
      if (client.wait_for("\r\n\r\n", std::chrono::milliseconds(1))) break;
    const Reply reply = client.read_reply();
    EXPECT_EQ(reply.status, 503) << reply.raw;
    EXPECT_EQ(reply.field("retry-after"), "1");
    EXPECT_TRUE(is_well(fixture));
  }
}

// A response that is kept, larger than half of what glibc reserves for a thread: there are two of
// it when it is read.
void keep_large(const ProxyFixture& fixture, const std::string& id) {
  auto archive = store::Archive::open(fixture.home() + "/responses.db");
  ASSERT_TRUE(archive);
  const auto keep = [&id](store::Responses& kept) {
    store::StoredResponse large{.id = id, .scope = "", .status = store::Status::kCompleted};
    large.object = R"({"pad":")" + std::string(std::size_t{40} << 20, 'a') + R"("})";
    return kept.begin(large, {});
  };
  EXPECT_TRUE(store::run_work(**archive, keep));
}

// What the store's thread has no memory for is told to whoever asked: it ended the program.
TEST_P(Memory, that_is_not_there_for_the_store_ends_one_question) {
  const std::string id = "resp_large";
  ProxyFixture fixture(Plan{.workers = GetParam()});
  keep_large(fixture, id);
  ASSERT_TRUE(is_well(fixture));
  ASSERT_EQ(ask_stored(fixture, "GET", "resp_none").status, 404);
  const std::size_t before = address_space(fixture.proxy());
  limit(fixture.proxy(), before + 10);
  const Reply refused = ask_stored(fixture, "GET", id);
  EXPECT_EQ(refused.status, 503) << refused.raw.substr(0, 500);
  EXPECT_EQ(refused.field("retry-after"), "1");
  EXPECT_NE(refused.body.find("memory"), std::string::npos) << refused.body.substr(0, 500);
  EXPECT_TRUE(is_well(fixture));
  limit(fixture.proxy(), before + 20);
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(std::make_unique<RawClient>(fixture.port()));
    const std::string query = i % 2 == 0 ? "" : "?stream=true";
    clients.back()->send(request("GET", std::string(kResponses) + "/" + id + query));
  }
  for (const auto& client : clients) EXPECT_TRUE(client->wait_for("HTTP/1.1 "));  // this or that
  clients.clear();
  EXPECT_TRUE(is_well(fixture));
  limit(fixture.proxy(), before + 2048);
  EXPECT_EQ(ask_stored(fixture, "GET", id).status, 200) << "it was there all the time";
}

// A small body that unfolds into a large one is counted as it unfolds.
TEST_P(Memory, of_a_coded_body_is_held_against_the_limit) {
  ProxyFixture fixture(
      Plan{.workers = GetParam(), .config = R"({"limits":{"heldBytes":2000000}})"});
  const std::string coded = http::gzip(std::string(std::size_t{30} << 20, ' '));
  const std::size_t before = resident_bytes(fixture.proxy().pid());
  const Reply reply = ask(fixture.port(), "POST", "/v1/messages", coded,
                          std::string(kFields) + "Content-Encoding: gzip\r\n");
  EXPECT_EQ(reply.status, 503) << reply.raw;
  EXPECT_LT(resident_bytes(fixture.proxy().pid()), before + room_to_grow(8));
  EXPECT_TRUE(is_well(fixture));
}

}  // namespace
}  // namespace ccproxy::test
