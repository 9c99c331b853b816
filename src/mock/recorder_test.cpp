#include "mock/recorder.hpp"

#include <gtest/gtest.h>

#include <string>

#include "json/document.hpp"

namespace ccproxy::mock {
namespace {

std::shared_ptr<Record> add(Recorder& recorder, std::uint64_t connection, std::size_t bytes) {
  Record record;
  record.connection = connection;
  auto record_in_list = recorder.begin(std::move(record));
  record_in_list->body.assign(bytes, 'x');
  recorder.count_body(*record_in_list);
  return record_in_list;
}

std::string connections_of(const Recorder& recorder) {
  std::string connections;
  const auto list = json::parse_document(recorder.list(Clock::now()));
  for (const auto& record : *list) connections += record["connection"].dump();
  return connections;
}

TEST(Recorder, drops_the_oldest_when_there_are_too_many) {
  Recorder recorder(3, 1000);
  for (std::uint64_t i = 1; i <= 5; ++i) (void)add(recorder, i, 1);
  EXPECT_EQ(connections_of(recorder), "345");
}

TEST(Recorder, drops_the_oldest_when_they_are_too_large_and_keeps_the_last) {
  Recorder recorder(100, 1000);
  for (std::uint64_t i = 1; i <= 3; ++i) (void)add(recorder, i, 400);
  EXPECT_EQ(connections_of(recorder), "23");
  (void)add(recorder, 4, 5000);
  EXPECT_EQ(connections_of(recorder), "4");
  (void)add(recorder, 5, 900);
  EXPECT_EQ(connections_of(recorder), "5");
}

TEST(Recorder, ignores_a_body_that_completes_after_clear) {
  Recorder recorder(100, 1000);
  auto late = recorder.begin(Record{});
  recorder.clear();
  late->body.assign(5000, 'x');
  recorder.count_body(*late);
  (void)add(recorder, 1, 400);
  (void)add(recorder, 2, 400);
  EXPECT_EQ(connections_of(recorder), "12");
}

}  // namespace
}  // namespace ccproxy::mock
