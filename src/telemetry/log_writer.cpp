#include "telemetry/log_writer.hpp"

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>
#include <new>
#include <thread>
#include <utility>
#include <vector>

namespace ccproxy::telemetry {
namespace {

constexpr std::size_t kMaxQueued = std::size_t{4} << 20;  // bytes
constexpr std::chrono::seconds kRetryInterval{1};
constexpr std::size_t kLineOverhead = 64;  // bytes that a queued line takes besides its text

// An exception, as a rule a lack of memory, counts as a line not written and does not end the
// thread.
template <class Work>
bool safely(const Work& work) {
  try {
    return work();
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace

struct LogWriter::State {
  State(LogFile of, Notices all) : file(std::move(of)), notices(std::move(all)) {}

  void run();
  // What the thread takes from the queue at once: the lines, and what was requested meanwhile.
  struct Work {
    std::vector<std::string> lines;
    std::uint64_t left_out = 0;
    bool reopens = false;
  };
  bool take(Work& work);
  void do_all(const Work& work);
  bool reopen_file();

  LogFile file;  // used by the thread alone
  Notices notices;

  std::mutex mutex;
  std::condition_variable changed, ended;
  std::vector<std::string> lines;
  std::size_t queued = 0;      // bytes, including those being written
  std::uint64_t left_out = 0;  // number of lines
  bool reopens = false;
  bool is_failing = false;  // the last line could not be written
  bool is_ending = false;
  bool has_ended = false;
};

LogWriter::LogWriter(LogFile file, Notices notices)
    : state_(std::make_shared<State>(std::move(file), std::move(notices))) {
  std::thread([state = state_] { state->run(); }).detach();
}

LogWriter::~LogWriter() {
  std::unique_lock lock(state_->mutex);
  state_->is_ending = true;
  state_->changed.notify_one();
  state_->ended.wait_for(lock, kLastWait, [this] { return state_->has_ended; });
}

void LogWriter::write(std::string line) {
  const std::lock_guard lock(state_->mutex);
  const std::size_t cost = line.size() + kLineOverhead;
  if (state_->queued + cost > kMaxQueued) {
    ++state_->left_out;
    return;
  }
  try {
    state_->lines.push_back(std::move(line));
  } catch (const std::bad_alloc&) {
    ++state_->left_out;
    return;
  }
  state_->queued += cost;
  if (state_->lines.size() == 1) state_->changed.notify_one();
}

void LogWriter::count_lost_line() {
  const std::lock_guard lock(state_->mutex);
  ++state_->left_out;
}

void LogWriter::reopen() {
  const std::lock_guard lock(state_->mutex);
  state_->reopens = true;
  state_->changed.notify_one();
}

// Waits for work. Returns false when there is none and none can come.
bool LogWriter::State::take(Work& work) {
  const auto has_work = [this] { return is_ending || reopens || !lines.empty(); };
  std::unique_lock lock(mutex);
  if (left_out == 0) {
    changed.wait(lock, has_work);
  } else if (is_failing) {
    changed.wait_for(lock, kRetryInterval, has_work);  // a full disk may have room again
  }
  if (is_ending && lines.empty() && (left_out == 0 || is_failing)) return false;
  work = {std::exchange(lines, {}), std::exchange(left_out, 0), std::exchange(reopens, false)};
  return true;
}

bool LogWriter::State::reopen_file() {
  const auto opened = file.reopen();
  return opened || file.write(notices.failed(opened.error().message));
}

void LogWriter::State::do_all(const Work& work) {
  if (work.reopens) (void)safely([this] { return reopen_file(); });
  std::uint64_t lost = 0;
  std::size_t done = 0;
  for (const std::string& line : work.lines) {
    if (!safely([&] { return file.write(line); })) ++lost;
    done += line.size() + kLineOverhead;
  }
  // The notice comes behind the lines that fit, which were logged before.
  const std::uint64_t missing = work.left_out + lost;
  const auto write_notice = [&] { return file.write(notices.left_out(missing)); };
  const bool is_reported = missing == 0 || (lost == 0 && safely(write_notice));
  const std::lock_guard lock(mutex);
  queued -= done;
  is_failing = !is_reported;
  if (is_failing) left_out += missing;
}

void LogWriter::State::run() {
  for (Work work; take(work);) do_all(work);
  const std::lock_guard lock(mutex);
  has_ended = true;
  ended.notify_all();
}

}  // namespace ccproxy::telemetry
