// For tests of translated exchanges: a sink that remembers what it is given and may stop taking it,
// and an exchange that replies to it. Only tests include this.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/translation/context.hpp"
#include "proxy/translation/reply_sink.hpp"
#include "proxy/upstream/worker_fixture.hpp"

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

// An exchange of a client, with everything around it. Its members refer to each other. `scripts`,
// `config` and `models` are those of WorkerFixture.
struct ExchangeFixture {
  explicit ExchangeFixture(std::vector<http::Script> scripts, config::Config config = {},
                           std::string_view models = anthropic::kModelsJson)
      : fixture(std::move(scripts), std::move(config), models) {}

  WorkerFixture fixture;
  telemetry::Receipt receipt;
  http::RequestHead head;
  MemorySink sink;
  UpstreamCall call{fixture.worker(), nullptr, receipt};
  ExchangeContext exchange{fixture.worker(), fixture.config(), sink, head, call, receipt, {}};
};

}  // namespace ccproxy::proxy
