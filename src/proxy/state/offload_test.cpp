#include "proxy/state/offload.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "anthropic/models_data.hpp"
#include "auth/credentials.hpp"
#include "net/test_loop.hpp"
#include "proxy/state/shared_state.hpp"
#include "proxy/state/test_log.hpp"

namespace ccproxy::proxy {
namespace {

struct WaitingClient final : ClientWait {
  [[nodiscard]] net::Cancellation& while_client_waits() override { return cancellation; }
  net::Cancellation cancellation;
};

class OffloadTest : public testing::Test {
 protected:
  const anthropic::ModelTable models_ = anthropic::parse_models(anthropic::kModelsJson).value();
  const config::Snapshot config_ = std::make_shared<const config::Config>();
  TestLog log_;
  net::Runtime control_;
  auth::Credentials credentials_{
      control_, {}, *config_, "test", [](auth::Severity, const std::string&) {}};
  SharedState state_{config_, models_, credentials_, log_, "unused.db", "1.2.3", false};
};

// Sets `is_here` to whether `work` was done in this thread. Returns what it failed with.
Task<void> run_work(WorkerState& worker, ClientWait& client, std::size_t size, bool& is_here,
                    Result<void>& result) {
  const auto here = std::this_thread::get_id();
  const auto work = [here, &is_here](Parsers with) -> Result<void> {
    is_here = std::this_thread::get_id() == here;
    if (!with.outline.read("[1]")) return fail(ErrorKind::kInternal, "not read");
    return fail(ErrorKind::kInvalidRequest, "as the work says");
  };
  result = co_await offload(worker, client, size, work);
}

struct SizeRow {
  const char* description;
  std::size_t size;
  bool is_here;
};

const SizeRow kSizes[] = {
    {"a small text", 1, true},
    {"a text that is nearly large", kLarge, true},
    {"a large text that is never refused", kLarge + 1, false},
    {"a text that may be refused", kLarge * 4, false},
};

TEST_F(OffloadTest, works_on_large_texts_in_the_pool) {
  for (const SizeRow& row : kSizes) {
    SCOPED_TRACE(row.description);
    net::TestLoop loop;
    WorkerState worker(state_.shared(), loop.runtime());
    WaitingClient client;
    bool is_here = !row.is_here;
    Result<void> result;
    loop.run(run_work(worker, client, row.size, is_here, result));
    EXPECT_EQ(is_here, row.is_here);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().message, "as the work says");
  }
}

TEST_F(OffloadTest, does_not_begin_very_large_work_for_a_client_that_has_left) {
  net::TestLoop loop;
  WorkerState worker(state_.shared(), loop.runtime());
  WaitingClient client;
  client.cancellation.cancel();
  bool is_here = true;
  Result<void> result;
  loop.run(run_work(worker, client, kLarge * 4, is_here, result));
  EXPECT_TRUE(is_here) << "it was not begun";
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::kClosed);
}

// Sets a flag when it is freed.
struct Probe {
  explicit Probe(std::atomic<bool>& is_freed) : freed(is_freed) {}
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;
  ~Probe() { freed = true; }
  std::atomic<bool>& freed;
};

TEST_F(OffloadTest, frees_what_was_made_of_a_text_of_any_size) {
  for (const std::size_t size : {std::size_t{1}, kLarge + 1}) {
    std::atomic<bool> is_freed = false;
    auto probe = std::make_shared<Probe>(is_freed);
    free_offloaded(state_.shared(), size, probe);
    EXPECT_EQ(probe, nullptr);
    while (!is_freed) std::this_thread::yield();
  }
}

}  // namespace
}  // namespace ccproxy::proxy
