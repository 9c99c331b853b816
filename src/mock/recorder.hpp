// Keeps what was received, so that a test can look at it later. Bounded: the oldest go first.
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
  std::uint64_t connection = 0;     // which one, from 1
  std::uint64_t on_connection = 0;  // which request on it, from 1
  http::RequestHead head{};
  std::string body{};            // perhaps only its beginning
  std::uint64_t body_bytes = 0;  // all that came
  Clock::time_point arrived{};   // the head
  int status = 0;                // of the answer; 0 while there is none
  bool done = false;
  std::optional<Clock::time_point> left{};  // when the client went before the end
  std::size_t counted = 0;                  // the recorder's: bytes in its sum
};

class Recorder {
 public:
  Recorder(std::size_t most_records, std::size_t most_bytes)
      : most_records_(most_records), most_bytes_(most_bytes) {}

  // Starts a record; the caller goes on filling it.
  [[nodiscard]] std::shared_ptr<Record> begin(Record record);
  // To be told once the body is there, so that its bytes count.
  void count_body(Record& record);

  void clear();

  // A JSON list, oldest first; times in milliseconds since `start`.
  [[nodiscard]] std::string list(Clock::time_point start) const;

 private:
  void trim();

  std::size_t most_records_, most_bytes_;
  std::size_t bytes_ = 0;
  std::deque<std::shared_ptr<Record>> records_;
};

}  // namespace ccproxy::mock
