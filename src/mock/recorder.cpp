#include "mock/recorder.hpp"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include "json/reader.hpp"
#include "json/writer.hpp"

namespace ccproxy::mock {
namespace {

std::string base64(std::string_view bytes) {
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8U | (k < count ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k)
      text += k <= count ? kDigits[group >> (18U - 6U * k) & 63U] : '=';
  }
  return text;
}

std::int64_t milliseconds(Clock::duration time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
}

// Writes the body as a string when that preserves every byte, else as Base64.
void write_body(json::Writer& out, const std::string& body) {
  std::string quoted;
  json::append_quoted(quoted, body);
  const auto back = json::string_of(quoted);
  if (back && *back == body) {
    out.key("body").raw(quoted);
  } else {
    out.member("body_base64", base64(body));
  }
}

void write_record(json::Writer& out, const Record& record, Clock::time_point start) {
  out.begin_object();
  out.member("connection", record.connection).member("request", record.request_number);
  out.member("method", record.head.method).member("target", record.head.target);
  out.key("headers").begin_array();
  for (const http::Field& field : record.head.fields)
    out.begin_array().value(field.name).value(field.value).end_array();
  out.end_array();
  write_body(out, record.body);
  out.member("body_bytes", record.body_bytes);
  out.member("at_ms", milliseconds(record.arrived - start));
  if (record.status != 0) out.member("status", record.status);
  out.member("done", record.done).member("aborted", record.left_at.has_value());
  if (record.left_at) out.member("left_ms", milliseconds(*record.left_at - record.arrived));
  out.end_object();
}

}  // namespace

std::shared_ptr<Record> Recorder::begin(Record record) {
  records_.push_back(std::make_shared<Record>(std::move(record)));
  auto shared = records_.back();
  trim();
  return shared;
}

void Recorder::count_body(Record& record) {
  const bool is_recorded = std::any_of(records_.rbegin(), records_.rend(),
                                       [&](const auto& one) { return one.get() == &record; });
  if (!is_recorded) return;  // clear() was called meanwhile
  record.counted_bytes = record.body.size();
  bytes_ += record.counted_bytes;
  trim();
}

void Recorder::clear() {
  records_.clear();
  bytes_ = 0;
}

void Recorder::trim() {
  while (records_.size() > max_records_ || (bytes_ > max_bytes_ && records_.size() > 1)) {
    bytes_ -= records_.front()->counted_bytes;
    records_.pop_front();
  }
}

std::string Recorder::list(Clock::time_point start) const {
  std::string text;
  json::Writer out(text);
  out.begin_array();
  for (const auto& record : records_) write_record(out, *record, start);
  out.end_array();
  return text;
}

}  // namespace ccproxy::mock
