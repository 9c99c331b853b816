#include "proxy/state/worker_state.hpp"

#include "anthropic/event.hpp"
#include "anthropic/usage.hpp"
#include "json/outline.hpp"
#include "json/reader.hpp"

namespace ccproxy::proxy {

struct WorkerState::Parsers {
  json::Reader reader;
  json::Outline outline;
  anthropic::UsageParsers usage;
  anthropic::EventReader events;
};

WorkerState::WorkerState(Shared& all, net::Runtime& loop)
    : shared(all),
      runtime(loop),
      parsers_(std::make_unique<Parsers>()),
      reader(parsers_->reader),
      outline(parsers_->outline),
      usage_parsers(parsers_->usage),
      events(parsers_->events) {}

WorkerState::~WorkerState() = default;

}  // namespace ccproxy::proxy
