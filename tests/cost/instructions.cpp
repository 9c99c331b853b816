#include "tests/cost/instructions.hpp"

#include <time.h>

#include <algorithm>
#include <limits>

#ifdef __linux__
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace ccproxy::test {
namespace {

double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

constexpr std::uint64_t kSteps = 200'000;
constexpr double kPerStep = 5;  // instructions, about
constexpr int kMaxRuns = 6;

double timed(FunctionRef<void()> work) {
  const double begin = thread_seconds();
  work();
  return std::max(thread_seconds() - begin, 1e-9);
}

// Runs a loop whose steps depend on each other, as those of a parser do.
void run_known_loop() {
  static volatile std::uint64_t start = 1;  // the compiler cannot remove the loop
  std::uint64_t value = start;
  for (std::uint64_t step = 0; step < kSteps; ++step)
    value = (value >> 1U) ^ (value & 1U ? 0xD800000000000000U : step);
  start = value;
}

#ifdef __linux__
int open_counter() {
  perf_event_attr wanted{};
  wanted.type = PERF_TYPE_HARDWARE;
  wanted.size = sizeof wanted;
  wanted.config = PERF_COUNT_HW_INSTRUCTIONS;
  wanted.exclude_kernel = 1;
  wanted.exclude_hv = 1;
  return static_cast<int>(syscall(SYS_perf_event_open, &wanted, 0, -1, -1, PERF_FLAG_FD_CLOEXEC));
}

double count(int counter) {
  std::uint64_t so_far = 0;
  return read(counter, &so_far, sizeof so_far) == sizeof so_far ? static_cast<double>(so_far) : 0;
}

void close_counter(int counter) { close(counter); }
#else
int open_counter() { return -1; }
double count(int) { return 0; }
void close_counter(int) {}
#endif

}  // namespace

Instructions::Instructions() : counter_(open_counter()) {}

Instructions::~Instructions() {
  if (counter_ >= 0) close_counter(counter_);
}

double Instructions::of(FunctionRef<void()> work, double enough) const {
  if (are_counted()) {
    const double before = count(counter_);
    work();
    return count(counter_) - before;
  }
  double loop_time = std::numeric_limits<double>::max(), work_time = loop_time, estimate = 0;
  for (int run = 0; run < kMaxRuns; ++run) {
    loop_time = std::min(loop_time, timed([] { run_known_loop(); }));
    work_time = std::min(work_time, timed(work));
    loop_time = std::min(loop_time, timed([] { run_known_loop(); }));
    estimate = work_time / loop_time * static_cast<double>(kSteps) * kPerStep;
    if (estimate <= enough) break;
  }
  return estimate;
}

}  // namespace ccproxy::test
