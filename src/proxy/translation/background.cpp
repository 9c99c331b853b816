#include "proxy/translation/background.hpp"

#include <chrono>
#include <exception>
#include <optional>
#include <utility>

#include "base/retry_on_bad_alloc.hpp"
#include "proxy/state/ending.hpp"
#include "proxy/state/running_response.hpp"
#include "proxy/translation/context.hpp"
#include "proxy/translation/reply_sink.hpp"
#include "proxy/translation/translation.hpp"

namespace ccproxy::proxy {

struct BackgroundResponse::Waiting {
  explicit Waiting(net::Runtime& runtime) : told(runtime) {}

  void tell(Result<Queued> what) {
    result.emplace(std::move(what));
    told.notify();
  }

  net::Event told;
  std::optional<Result<Queued>> result{};
};

BackgroundResponse::BackgroundResponse(WorkerState& worker, config::Snapshot config,
                                       http::RequestHead head, Route route,
                                       const telemetry::Receipt& asked, Place place)
    : worker_(worker),
      place_(std::move(place)),
      config_(std::move(config)),
      head_(std::move(head)),
      route_(std::move(route)),
      upstream_(worker, nullptr, receipt_),
      hold_(worker.shared.held, MemoryReservation::For::kRequest) {
  receipt_.id = asked.id;
  receipt_.method = asked.method;
  receipt_.route = asked.route;
  receipt_.client = asked.client;
  receipt_.key = asked.key;
}

Task<Result<Queued>> BackgroundResponse::start(RequestBody body, MemoryReservation& hold) {
  hold_.take_over(hold);
  const auto waiting = std::make_shared<Waiting>(worker_.runtime);
  const auto self = shared_from_this();
  worker_.background.add(self);
  try {
    worker_.runtime.spawn(run(self, std::move(body), waiting));
  } catch (const std::exception&) {
    worker_.background.remove(this);
    throw;
  }
  co_await waiting->told.wait();
  co_return std::move(*waiting->result);
}

Task<void> BackgroundResponse::run(std::shared_ptr<BackgroundResponse> self, RequestBody body,
                                   std::shared_ptr<Waiting> waiting) {
  Result<void> served;
  try {
    served = co_await self->translate(std::move(body), *waiting);
  } catch (const std::exception& error) {  // no memory, as a rule; what was begun is interrupted
    self->worker_.shared.log.say(telemetry::Level::kError, "exception", error.what());
    served = fail({ErrorKind::kBusy, "this response could not be run: try again", "", "",
                   std::chrono::seconds(1)});
    note_ending(self->receipt_, served.error());
  }
  if (!waiting->result) {  // it never got so far: whoever asked writes the receipt
    insist([&] {
      waiting->tell(fail(served ? Error{ErrorKind::kInternal, "nothing was queued"}
                                : self->upstream_.explain(served.error())));
    });
  } else {
    telemetry::write_receipt(self->worker_.shared.log, self->receipt_, Clock::now());
  }
  self->worker_.background.remove(self.get());
}

Task<Result<void>> BackgroundResponse::translate(RequestBody body, Waiting& waiting) {
  NullSink nobody;
  const ExchangeContext exchange{worker_, *config_, nobody, head_, upstream_, receipt_, {}};
  Translation translation(exchange, route_, hold_);
  Translation::OnQueued on_queued = [&waiting, this](Queued queued) {
    queued.running->on_cancel([weak = weak_from_this()] {
      if (const auto running = weak.lock()) running->upstream_.cancel(ErrorKind::kClientGone);
    });
    waiting.tell(std::move(queued));
  };
  co_return co_await translation.run_in_background(std::move(body), std::move(on_queued));
}

void BackgroundResponse::cut() { upstream_.cancel(ErrorKind::kShutdown); }

}  // namespace ccproxy::proxy
