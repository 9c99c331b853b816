// Records received requests, so that a test can inspect them later. The oldest are dropped beyond
// the limits.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "http/head.hpp"

namespace ccproxy::mock {

struct Record {
  std::uint64_t connection = 0;      // counted from 1
  std::uint64_t request_number = 0;  // counted from 1 on each connection
  http::RequestHead head{};
  std::string body{};            // may be only the beginning
  std::uint64_t body_bytes = 0;  // all that were received
  Clock::time_point arrived{};   // when the head was read
  int status = 0;                // of the reply; 0 while there is none
  bool done = false;
  std::optional<Clock::time_point> left_at{};  // when the client left before the end
  std::size_t counted_bytes = 0;               // bytes of the body in the recorder's sum
};

class Recorder {
 public:
  Recorder(std::size_t max_records, std::size_t max_bytes)
      : max_records_(max_records), max_bytes_(max_bytes) {}

  // Adds a record and returns it, so that the caller can complete it.
  [[nodiscard]] std::shared_ptr<Record> begin(Record record);
  // Adds the bytes of the body to the sum. Call it once, when the body is complete.
  void count_body(Record& record);

  void clear();

  // Returns a JSON list, oldest first. Its times are milliseconds since `start`.
  [[nodiscard]] std::string list(Clock::time_point start) const;

 private:
  void trim();

  std::size_t max_records_, max_bytes_;
  std::size_t bytes_ = 0;
  std::deque<std::shared_ptr<Record>> records_;
};

}  // namespace ccproxy::mock
