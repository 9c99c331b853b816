#include "proxy/endpoints/response_follower.hpp"

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "dialect/reply/reply_encoder.hpp"
#include "dialect/responses/events.hpp"
#include "dialect/responses/object.hpp"
#include "http/head.hpp"
#include "json/writer.hpp"
#include "proxy/door/request_body.hpp"
#include "proxy/state/archive_future.hpp"
#include "proxy/state/ending.hpp"
#include "proxy/state/offload.hpp"
#include "proxy/state/response_store.hpp"

namespace ccproxy::proxy {
namespace {

constexpr std::size_t kReadBytes = std::size_t{64} << 10;  // sent at once, unless one event is more
constexpr std::size_t kMaxObject = std::size_t{64} << 10;  // of object_
// How often the memory budget is tried for the next events, and how long.
constexpr std::chrono::milliseconds kRoomPollInterval{100};
constexpr std::chrono::seconds kRoomTimeout{90};
// How often a response that runs in another process is looked up.
constexpr std::chrono::milliseconds kPollInterval{500};
// How long the runner of a response whose events are missing has to end it.
constexpr std::chrono::milliseconds kRunnerGrace{300};

// Stands for an object that is too large to be held for as long as its events are sent.
std::string bare_object(std::string_view id) {
  std::string object;
  json::Writer writer(object);
  writer.begin_object().member("id", id).member("object", "response").member("status", "");
  writer.key("error").value(nullptr).key("output").begin_array().end_array().end_object();
  return object;
}

// Does not copy `bytes` where `out` is empty: one event may be very large.
void append(std::string& out, std::string bytes) {
  if (out.empty())
    out = std::move(bytes);
  else
    out += bytes;
}

}  // namespace

ResponseFollower::ResponseFollower(const Context& context, Clock::duration keep_alive,
                                   http::ServerConnection& client, telemetry::Receipt& receipt)
    : context_(context),
      responses_(context.store, context.runtime),
      keep_alive_(keep_alive),
      client_(client),
      receipt_(receipt),
      changed_(std::make_shared<net::Event>(context.runtime)),
      scope_(receipt.key),
      hold_(std::make_shared<MemoryReservation>(context.budget)) {}

Task<Result<void>> ResponseFollower::follow(std::string id, std::int64_t after,
                                            std::string_view more_fields) {
  id_ = std::move(id);
  after_ = after;
  auto state = co_await responses_.find_state(scope_, id_, kMaxObject);
  if (!state) co_return fail(state.error());
  if (!*state) co_return fail(response_not_found(id_));
  object_ = (*state)->object.empty() ? bare_object(id_) : std::move((*state)->object);
  archive_ = context_.store.archive();
  if (!archive_) co_return fail(ErrorKind::kNotFound, "the store was switched off");
  std::string fields;
  http::append_field(fields, "content-type", "text/event-stream; charset=utf-8");
  http::append_field(fields, "cache-control", "no-cache");
  http::append_field(fields, "x-accel-buffering", "no");
  fields += more_fields;
  client_.begin_reply(200, fields, std::nullopt);
  receipt_.status = 200;
  client_.on_gone([this] {
    client_is_gone_ = true;
    changed_->notify();
  });
  running_ = context_.store.running(scope_, id_);
  if (running_) running_->follow(context_.runtime, changed_);
  auto sent = co_await send_all();
  client_.on_gone({});
  co_return sent;
}

void ResponseFollower::cut() {
  is_cut_ = true;
  changed_->notify();
}

Task<Result<void>> ResponseFollower::send_all() {
  Progress progress = Progress::kEvents;
  while (progress != Progress::kOver) {
    auto taken = co_await take_events();
    if (!taken) break;  // the stream ends without its last event: the client asks again
    progress = end_if_gone(*taken);
    auto sent = co_await send();
    if (!sent || client_is_gone_) co_return fail(ErrorKind::kClientGone, "the client left");
    if (is_cut_ && !running_ && progress != Progress::kOver) {
      note_ending(receipt_,
                  {ErrorKind::kShutdown, "CCProxy ended; the response goes on elsewhere"});
      progress = Progress::kOver;
    }
    if (progress == Progress::kNothing) co_await wait();
  }
  if (progress != Progress::kOver) {
    client_.cut_reply();
    co_return Result<void>{};
  }
  const auto end = std::exchange(end_, nullptr);
  const std::string_view last = end ? std::string_view(*end) : std::string_view();
  co_return co_await client_.end_reply(last);
}

// Takes from the runner what it still has in memory, and from the archive what comes before.
Task<Result<ResponseFollower::Progress>> ResponseFollower::take_events() {
  RunningResponse::Batch batch;
  hold_->release();  // the events that it counted have been sent
  const auto has_room = [this](std::size_t size) { return may_hold(size); };
  if (running_) batch = running_->events_after(after_, kReadBytes, has_room);
  if (batch.state == RunningResponse::State::kAborted) running_.reset();
  const bool is_ended = batch.state == RunningResponse::State::kEnded;
  if (!running_ || !batch.is_complete) {
    auto stored = co_await take_stored();
    if (stored && *stored == Progress::kNothing && !running_) stored = co_await take_end();
    if (!stored && may_wait(stored.error())) co_return Progress::kNothing;
    if (!stored) co_return fail(stored.error());
    refused_since_.reset();
    if (*stored == Progress::kEvents) missing_since_.reset();
    if (*stored == Progress::kEvents || !running_) co_return stored;
    if (!is_ended) co_return Progress::kMissing;
  }
  if (refused_since_ && Clock::now() - *refused_since_ >= kRoomTimeout)
    co_return too_much_memory_held();
  append(out_, std::move(batch.events));
  after_ = std::max(after_, batch.last);
  end_ = std::move(batch.end);
  if (is_ended) co_return Progress::kOver;
  if (batch.state == RunningResponse::State::kErased) co_return Progress::kMissing;
  co_return out_.empty() ? Progress::kNothing : Progress::kEvents;
}

bool ResponseFollower::may_hold(std::size_t size) {
  if (size <= kReadBytes || hold_->grow(size)) {
    refused_since_.reset();
    return true;
  }
  if (!refused_since_) refused_since_ = Clock::now();
  return false;
}

// Too much memory is held, or the store is busy: the stream waits rather than end.
bool ResponseFollower::may_wait(const Error& error) {
  if (error.kind != ErrorKind::kBusy) return false;
  if (!refused_since_) refused_since_ = Clock::now();
  return Clock::now() - *refused_since_ < kRoomTimeout;
}

// Ends the stream of a response that is gone: at once where nothing runs it, else when its runner
// has had a moment to end it.
ResponseFollower::Progress ResponseFollower::end_if_gone(Progress progress) {
  if (progress == Progress::kMissing) {
    if (!missing_since_) missing_since_ = Clock::now();
    if (Clock::now() - *missing_since_ < kRunnerGrace) return Progress::kNothing;
    progress = Progress::kErased;
  }
  if (progress != Progress::kErased) return progress;
  out_ += dialect::erased_events(after_, object_);
  return Progress::kOver;
}

// Takes the next events from the archive.
Task<Result<ResponseFollower::Progress>> ResponseFollower::take_stored() {
  std::function<Result<std::vector<store::EventChunk>>(const store::Responses&)> read =
      [scope = scope_, id = id_, after = after_, hold = hold_](const store::Responses& responses) {
        const auto room = [&](std::size_t size) -> Result<void> {
          if (size <= kReadBytes) return {};
          return make_room(*hold, size);
        };
        return responses.events_after(scope, id, after, kReadBytes, room);
      };
  auto chunks =
      co_await query<std::vector<store::EventChunk>>(context_.runtime, archive_, std::move(read));
  if (!chunks) co_return fail(chunks.error());
  for (store::EventChunk& chunk : *chunks) {
    const std::string_view behind = dialect::events_after_number(chunk.bytes, chunk.first, after_);
    chunk.bytes.erase(0, chunk.bytes.size() - behind.size());
    append(out_, std::move(chunk.bytes));
    after_ = std::max(after_, chunk.last);
  }
  co_return chunks->empty() ? Progress::kNothing : Progress::kEvents;
}

// The response does not run here: it has ended, or was interrupted, or another process runs it.
Task<Result<ResponseFollower::Progress>> ResponseFollower::take_end() {
  auto state = co_await responses_.find_state(scope_, id_);
  if (!state) co_return fail(state.error());
  if (!*state) co_return Progress::kErased;
  if (store::is_running((*state)->status)) co_return Progress::kNothing;
  if ((*state)->last_sequence > after_) co_return Progress::kEvents;
  if ((*state)->was_interrupted) co_return co_await take_interrupted_end();
  co_return Progress::kOver;
}

// Makes the last event of an interrupted response, and the first ones where not even these were
// written. They are counted like other large events.
Task<Result<ResponseFollower::Progress>> ResponseFollower::take_interrupted_end() {
  constexpr std::size_t kFirstEvents = 2;
  constexpr std::size_t kCopies = 2;  // of the object, while the events are made
  const auto hold =
      std::make_shared<MemoryReservation>(context_.budget, MemoryReservation::For::kRequest);
  auto found = co_await responses_.find(scope_, id_, hold);
  if (!found) co_return fail(found.error());
  if (!*found) co_return Progress::kErased;
  const store::StoredResponse& response = **found;
  const std::size_t size = response.object.size();
  const std::size_t events = response.last_sequence < 0 ? kFirstEvents + 1 : 1;
  if (!hold->grow((events + kCopies) * size)) co_return too_much_memory_held();
  const auto make_events = [this, &response] {
    append(out_, dialect::interrupted_events(after_, response.last_sequence, response.object));
  };
  co_await offload_accepted(context_.pool, context_.runtime, size, make_events);
  hold->shrink((1 + kCopies) * size);
  hold_->take_over(*hold);
  co_return Progress::kOver;
}

Task<Result<void>> ResponseFollower::send() {
  if (out_.empty() && Clock::now() - last_sent_ >= keep_alive_) out_ = dialect::kKeepAlive;
  if (out_.empty()) co_return co_await client_.flush();
  auto written = co_await client_.write(out_);
  if (out_.capacity() > kReadBytes) out_ = std::string();
  out_.clear();
  last_sent_ = Clock::now();
  co_return written;
}

Task<void> ResponseFollower::wait() {
  const std::weak_ptr<net::Event> event = changed_;
  net::Deadline look_again(context_.runtime, [event] {
    if (const auto waiting = event.lock()) waiting->notify();
  });
  look_again.expires_after(refused_since_   ? Clock::duration(kRoomPollInterval)
                           : missing_since_ ? Clock::duration(kRunnerGrace)
                                            : Clock::duration(kPollInterval));
  co_await changed_->wait();
}

}  // namespace ccproxy::proxy
