// For tests of translated replies: a sink that remembers what it is given, and may stop taking it.
// Only tests include this.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "proxy/translation/reply_sink.hpp"

namespace ccproxy::proxy {

class MemorySink final : public ReplySink {
 public:
  Task<Result<void>> reply(int code, std::string_view lines, std::string_view text) override {
    status = code;
    fields = lines;
    body = text;
    is_ended = true;
    co_return Result<void>{};
  }
  void begin(int code, std::string_view lines) override {
    status = code;
    fields = lines;
  }
  Task<Result<void>> write(std::string_view piece) override {
    if (is_gone) co_return fail(ErrorKind::kClientGone, "the client left");
    body += piece;
    if (on_write) on_write();
    co_return Result<void>{};
  }
  Task<Result<void>> end(std::string_view last) override {
    body += last;
    is_ended = true;
    co_return Result<void>{};
  }
  void close() override { is_closed = true; }

  int status = 0;  // 0 as long as there is no reply
  std::string fields, body;
  bool is_ended = false, is_closed = false;
  bool is_gone = false;  // writing fails
  std::function<void()> on_write;
};

}  // namespace ccproxy::proxy
