// The program under a system limit on its memory: a Content-Length alone takes no memory, and a
// request for which there is no memory ends alone.
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
#include "support/proxy_fixture.hpp"
#include "support/responses.hpp"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CCPROXY_HAS_SHADOW 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define CCPROXY_HAS_SHADOW 1
#endif
#endif

namespace ccproxy::test {
namespace {

class MemoryLimit : public testing::TestWithParam<unsigned> {
 protected:
  void SetUp() override {
#ifdef CCPROXY_HAS_SHADOW
    GTEST_SKIP() << "the sanitizers reserve terabytes";
#endif
  }
  // Limits the address space of a running process.
  static void limit(Process& process, rlim_t megabytes) {
    rlimit wanted{};
    ASSERT_EQ(::prlimit(process.pid(), RLIMIT_AS, nullptr, &wanted), 0);
    wanted.rlim_cur = megabytes << 20;
    ASSERT_EQ(::prlimit(process.pid(), RLIMIT_AS, &wanted, nullptr), 0);
  }
  // Returns the address space that it uses, in megabytes.
  static std::size_t address_space(const Process& process) {
    std::ifstream file("/proc/" + std::to_string(process.pid()) + "/statm");
    std::size_t pages = 0;
    file >> pages;
    return (pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE))) >> 20;
  }
  static bool is_well(const ProxyFixture& fixture) {
    return send_request(fixture.port(), "GET", "/health").status == 200 &&
           send_request(fixture.port(), "POST", "/v1/messages", kWholeBody, kAnthropicFields)
                   .status == 200;
  }
};
INSTANTIATE_TEST_SUITE_P(Workers, MemoryLimit, testing::Values(1U, 2U));

std::string head_announcing(const std::string& length, const std::string& path = "/v1/messages") {
  return "POST " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + length +
         "\r\n\r\n{\"model\":";
}

TEST_P(MemoryLimit, lets_announced_bodies_take_no_memory) {
  ProxyFixture fixture(Plan{.workers = GetParam()});
  limit(fixture.proxy(), 2048);
  const std::size_t before = resident_bytes(fixture.proxy().pid());
  std::vector<std::unique_ptr<RawClient>> clients;
  for (const char* path :
       {"/v1/messages", "/v1/chat/completions", "/v1/responses", "/v1/messages/batches"})
    for (int i = 0; i < 50; ++i) {
      clients.push_back(std::make_unique<RawClient>(fixture.port()));
      clients.back()->send(head_announcing("33554432", path));
    }
  EXPECT_TRUE(is_well(fixture));
  EXPECT_LT(resident_bytes(fixture.proxy().pid()), before + allowed_growth(32));
}

TEST_P(MemoryLimit, lets_an_announced_terabyte_take_no_memory) {
  ProxyFixture fixture(
      Plan{.workers = GetParam(),
           .config = R"({"limits":{"bodyBytes":1099511627776,"heldBytes":1099511627776}})"});
  RawClient client(fixture.port());
  client.send(head_announcing("1000000000000"));
  EXPECT_TRUE(is_well(fixture));
}

// The configured limits admit the body, then the memory runs out: other clients do not notice.
TEST_P(MemoryLimit, ends_only_the_request_that_exceeds_it) {
  ProxyFixture fixture(
      Plan{.workers = GetParam(),
           .config = R"({"limits":{"bodyBytes":1099511627776,"heldBytes":1099511627776}})"});
  ASSERT_TRUE(is_well(fixture));
  limit(fixture.proxy(), 600);
  const std::string piece(std::size_t{1} << 20, 'x');
  for (const char* path : {"/v1/messages", "/v1/chat/completions", "/v1/responses"}) {
    SCOPED_TRACE(path);
    RawClient client(fixture.port());
    client.send(head_announcing("2000000000", path) + "\"");
    for (int i = 0; i < 1500 && client.send(piece); ++i)
      if (client.wait_for("\r\n\r\n", std::chrono::milliseconds(1))) break;
    const Reply reply = client.read_reply();
    EXPECT_EQ(reply.status, 503) << reply.raw;
    EXPECT_EQ(reply.field("retry-after"), "1");
    EXPECT_TRUE(is_well(fixture));
  }
}

// Stores a response that is larger than half of what glibc reserves for a thread. Reading it needs
// it twice.
void store_large_response(const ProxyFixture& fixture, const std::string& id) {
  auto archive = store::Archive::open(fixture.home() + "/responses.db");
  ASSERT_TRUE(archive);
  const auto begin_response = [&id](store::Responses& responses) {
    store::StoredResponse large{.id = id, .scope = "", .status = store::Status::kCompleted};
    large.object = R"({"pad":")" + std::string(std::size_t{40} << 20, 'a') + R"("})";
    return responses.begin(large, {});
  };
  EXPECT_TRUE(store::run_work(**archive, begin_response));
}

// Before, a read for which the archive's thread had no memory ended the program.
TEST_P(MemoryLimit, ends_only_the_store_query_that_exceeds_it) {
  const std::string id = "resp_large";
  ProxyFixture fixture(Plan{.workers = GetParam()});
  store_large_response(fixture, id);
  ASSERT_TRUE(is_well(fixture));
  ASSERT_EQ(request_stored(fixture, "GET", "resp_none").status, 404);
  const std::size_t before = address_space(fixture.proxy());
  limit(fixture.proxy(), before + 10);
  const Reply refused = request_stored(fixture, "GET", id);
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
  for (const auto& client : clients) EXPECT_TRUE(client->wait_for("HTTP/1.1 "));  // with any status
  clients.clear();
  EXPECT_TRUE(is_well(fixture));
  limit(fixture.proxy(), before + 2048);
  EXPECT_EQ(request_stored(fixture, "GET", id).status, 200) << "it was there all the time";
}

// A small compressed body is counted as it is decompressed.
TEST_P(MemoryLimit, counts_a_compressed_body_as_it_is_decompressed) {
  ProxyFixture fixture(
      Plan{.workers = GetParam(), .config = R"({"limits":{"heldBytes":2000000}})"});
  const std::string coded = http::gzip(std::string(std::size_t{30} << 20, ' '));
  const std::size_t before = resident_bytes(fixture.proxy().pid());
  const Reply reply = send_request(fixture.port(), "POST", "/v1/messages", coded,
                                   std::string(kAnthropicFields) + "Content-Encoding: gzip\r\n");
  EXPECT_EQ(reply.status, 503) << reply.raw;
  EXPECT_LT(resident_bytes(fixture.proxy().pid()), before + allowed_growth(8));
  EXPECT_TRUE(is_well(fixture));
}

}  // namespace
}  // namespace ccproxy::test
