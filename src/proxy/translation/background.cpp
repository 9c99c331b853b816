#include "proxy/translation/background.hpp"

#include <chrono>
#include <exception>
#include <optional>
#include <utility>

#include "base/retry_on_bad_alloc.hpp"
#include "proxy/state/ending.hpp"
#include "proxy/state/offload.hpp"
#include "proxy/state/running_response.hpp"
#include "proxy/translation/context.hpp"
#include "proxy/translation/reply_sink.hpp"
#include "proxy/translation/translation.hpp"

namespace ccproxy::proxy {
namespace {

constexpr std::chrono::seconds kRetryAfter{1};

Error too_many_in_the_background() {
  return {ErrorKind::kBusy,
          "too many responses in the background (limits.connections, or the files that the system "
          "lets CCProxy have open): try again later",
          "", "", kRetryAfter};
}

}  // namespace

Task<Result<ResponseMode>> response_mode(WorkerState& worker, ClientWait& client,
                                         std::string_view body) {
  ResponseMode mode;
  const auto read = [body, &mode](Parsers with) -> Result<void> {
    if (body.find("\"background\"") == std::string_view::npos) return {};
    if (!with.outline.read(body)) return {};
    const json::Value request = with.outline.root();
    mode.is_background = request["background"].boolean().value_or(false);
    mode.streams = request["stream"].boolean().value_or(false);
    return {};
  };
  auto done = co_await offload(worker, client, body.size(), read);
  if (!done) co_return fail(done.error());
  co_return mode;
}

struct BackgroundResponse::Start {
  explicit Start(net::Runtime& runtime) : known(runtime) {}

  void set(Result<QueuedResponse> value) {
    result.emplace(std::move(value));
    known.notify();
  }

  net::Event known;
  std::optional<Result<QueuedResponse>> result{};
};

BackgroundResponse::BackgroundResponse(WorkerState& worker, config::Snapshot config,
                                       http::RequestHead head, Route route,
                                       const telemetry::Receipt& requester,
                                       DescriptorReservation place)
    : worker_(worker),
      place_(std::move(place)),
      config_(std::move(config)),
      head_(std::move(head)),
      route_(std::move(route)),
      upstream_(worker, nullptr, receipt_),
      hold_(worker.shared.held, MemoryReservation::For::kRequest) {
  receipt_.id = requester.id;
  receipt_.method = requester.method;
  receipt_.route = requester.route;
  receipt_.client = requester.client;
  receipt_.key = requester.key;
}

Task<Result<QueuedResponse>> BackgroundResponse::start(RequestBody body, MemoryReservation& hold) {
  hold_.take_over(hold);
  const auto start = std::make_shared<Start>(worker_.runtime);
  const auto self = shared_from_this();
  worker_.background.add(self);
  try {
    worker_.runtime.spawn(run(self, std::move(body), start));
  } catch (const std::exception&) {
    worker_.background.remove(this);
    throw;
  }
  co_await start->known.wait();
  co_return std::move(*start->result);
}

Task<void> BackgroundResponse::run(std::shared_ptr<BackgroundResponse> self, RequestBody body,
                                   std::shared_ptr<Start> start) {
  Result<void> served;
  try {
    served = co_await self->translate(std::move(body), *start);
  } catch (const std::exception& error) {  // no memory, as a rule; the response is interrupted
    self->worker_.shared.log.write_message(telemetry::Level::kError, "exception", error.what());
    served =
        fail({ErrorKind::kBusy, "this response could not be run: try again", "", "", kRetryAfter});
    note_ending(self->receipt_, served.error());
  }
  if (start->result) {
    telemetry::write_receipt(self->worker_.shared.log, self->receipt_, Clock::now());
  } else {  // the exchange that waits for start() sends the error and writes its own receipt
    retry_on_bad_alloc([&] {
      start->set(fail(served ? Error{ErrorKind::kInternal, "nothing was queued"}
                             : self->upstream_.explain(served.error())));
    });
  }
  self->worker_.background.remove(self.get());
}

Task<Result<void>> BackgroundResponse::translate(RequestBody body, Start& start) {
  NullSink sink;
  const ExchangeContext exchange{worker_, *config_, sink, head_, upstream_, receipt_, {}};
  Translation translation(exchange, route_, hold_);
  Translation::OnQueued on_queued = [&start, this](QueuedResponse queued) {
    queued.running->on_cancel([weak = weak_from_this()] {
      if (const auto response = weak.lock()) response->upstream_.cancel(ErrorKind::kClientGone);
    });
    start.set(std::move(queued));
  };
  co_return co_await translation.run_in_background(std::move(body), std::move(on_queued));
}

Task<Result<QueuedResponse>> start_in_background(WorkerState& worker, config::Snapshot config,
                                                 const http::RequestHead& head, const Route& route,
                                                 const telemetry::Receipt& requester,
                                                 RequestBody body, MemoryReservation& hold) {
  DescriptorReservation place = worker.shared.descriptors.reserve_background();
  if (!place) co_return fail(too_many_in_the_background());
  const auto response = std::make_shared<BackgroundResponse>(
      worker, std::move(config), copy_of(head), route, requester, std::move(place));
  co_return co_await response->start(std::move(body), hold);
}

void BackgroundResponse::cut() { upstream_.cancel(ErrorKind::kShutdown); }

}  // namespace ccproxy::proxy
