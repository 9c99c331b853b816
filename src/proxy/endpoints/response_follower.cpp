#include "proxy/endpoints/response_follower.hpp"

#include <algorithm>
#include <utility>

#include "dialect/reply/reply_encoder.hpp"
#include "dialect/responses/events.hpp"
#include "dialect/responses/object.hpp"
#include "http/head.hpp"
#include "json/writer.hpp"
#include "proxy/door/request_body.hpp"
#include "proxy/endpoints/responses.hpp"
#include "proxy/state/offload.hpp"
#include "proxy/state/ending.hpp"

namespace ccproxy::proxy {
namespace {

constexpr std::size_t kReadBytes = std::size_t{64} << 10;  // told at once, unless one event is more
constexpr std::size_t kMaxObject = std::size_t{64} << 10;
// How often it looks whether there is room for the next events, and how long.
constexpr std::chrono::milliseconds kLookForRoom{100};
constexpr std::chrono::seconds kLongestWait{90};
// How often a response that runs in another process is looked at.
constexpr std::chrono::milliseconds kPollInterval{500};
// How long a response that was erased while it runs has to tell its end itself.
constexpr std::chrono::milliseconds kLastWords{300};

// For one that is too large to be held as long as somebody reads its events.
std::string bare_object(std::string_view id) {
  std::string object;
  json::Writer writer(object);
  writer.begin_object().member("id", id).member("object", "response").member("status", "");
  writer.key("error").value(nullptr).key("output").begin_array().end_array().end_object();
  return object;
}

// An event may be very large: it is not copied once more.
void append(std::string& out, std::string bytes) {
  if (out.empty())
    out = std::move(bytes);
  else
    out += bytes;
}

}  // namespace

ResponseFollower::ResponseFollower(WorkerState& worker, const config::Config& config,
                                   http::ServerConnection& client, telemetry::Receipt& receipt)
    : worker_(worker),
      config_(config),
      client_(client),
      receipt_(receipt),
      changed_(std::make_shared<net::Event>(worker.runtime)),
      scope_(receipt.key),
      hold_(std::make_shared<MemoryReservation>(worker.shared.held)) {}

Task<Result<void>> ResponseFollower::follow(std::string id, std::int64_t after,
                                            std::string_view more_fields) {
  id_ = std::move(id);
  after_ = after;
  auto found = co_await find_state(worker_, scope_, id_, kMaxObject);
  if (!found) co_return fail(found.error());
  object_ = found->object.empty() ? bare_object(id_) : std::move(found->object);
  archive_ = worker_.shared.responses.archive();
  if (!archive_) co_return fail(ErrorKind::kNotFound, "the store was switched off");
  std::string fields;
  http::append_field(fields, "content-type", "text/event-stream; charset=utf-8");
  http::append_field(fields, "cache-control", "no-cache");
  http::append_field(fields, "x-accel-buffering", "no");
  fields += more_fields;
  client_.begin_reply(200, fields, std::nullopt);
  receipt_.status = 200;
  client_.on_gone([this] {
    is_gone_ = true;
    changed_->notify();
  });
  running_ = worker_.shared.responses.running(scope_, id_);
  if (running_) running_->follow(worker_.runtime, changed_);
  auto told = co_await tell_all();
  client_.on_gone({});
  co_return told;
}

void ResponseFollower::cut() {
  is_cut_ = true;
  changed_->notify();
}

Task<Result<void>> ResponseFollower::tell_all() {
  Progress progress = Progress::kMore;
  while (progress != Progress::kOver) {
    auto taken = co_await take_news();
    if (!taken) break;  // the stream ends without its end, which tells the client to come back
    progress = *taken;
    auto told = co_await tell();
    if (!told || is_gone_) co_return fail(ErrorKind::kClientGone, "the client left");
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

// What is new: from whoever runs it what that still holds, and from the archive what comes before.
Task<Result<ResponseFollower::Progress>> ResponseFollower::take_news() {
  RunningResponse::News news;
  hold_->release();  // what was held has been told
  const auto has_room = [this](std::size_t size) { return may_hold(size); };
  if (running_) news = running_->news_behind(after_, kReadBytes, has_room);
  if (news.is_over && !news.has_end) running_.reset();  // its runner broke down
  if (!running_ || !news.is_complete) {
    auto kept = co_await send_stored();
    if (kept && *kept == Progress::kNothing && !running_) kept = co_await take_end();
    if (!kept && may_wait(kept.error())) co_return Progress::kNothing;
    if (!kept) co_return fail(kept.error());
    refused_since_.reset();
    if (*kept == Progress::kMore) missing_since_.reset();
    if (*kept == Progress::kMore || !running_) co_return kept;
    if (!news.is_over) co_return miss();
  }
  if (refused_since_ && Clock::now() - *refused_since_ >= kLongestWait)
    co_return too_much_memory_held();
  append(out_, std::move(news.events));
  after_ = std::max(after_, news.last);
  end_ = std::move(news.end);
  if (news.is_over) co_return Progress::kOver;
  if (news.is_erased) co_return miss();
  co_return out_.empty() ? Progress::kNothing : Progress::kMore;
}

bool ResponseFollower::may_hold(std::size_t size) {
  if (size <= kReadBytes || hold_->grow(size)) {
    refused_since_.reset();
    return true;
  }
  if (!refused_since_) refused_since_ = Clock::now();
  return false;
}

// Too much is held, or the store is busy: events that are late are better than none.
bool ResponseFollower::may_wait(const Error& error) {
  if (error.kind != ErrorKind::kBusy) return false;
  if (!refused_since_) refused_since_ = Clock::now();
  return Clock::now() - *refused_since_ < kLongestWait;
}

// What comes next is nowhere: it was erased, or is too much to be kept. Its runner ends soon and
// says how; nobody waits longer than that.
ResponseFollower::Progress ResponseFollower::miss() {
  if (!missing_since_) missing_since_ = Clock::now();
  if (Clock::now() - *missing_since_ < kLastWords) return Progress::kNothing;
  return tell_erased();
}

ResponseFollower::Progress ResponseFollower::tell_erased() {
  out_ += dialect::erased_events(after_, object_);
  return Progress::kOver;
}

// Of the archive.
Task<Result<ResponseFollower::Progress>> ResponseFollower::send_stored() {
  std::function<Result<std::vector<store::EventChunk>>(const store::Responses&)> question =
      [scope = scope_, id = id_, after = after_, hold = hold_](const store::Responses& kept) {
        const auto room = [&](std::size_t size) -> Result<void> {
          if (size <= kReadBytes || hold->grow(size)) return {};
          return too_much_memory_held();
        };
        return kept.events_after(scope, id, after, kReadBytes, room);
      };
  auto chunks = co_await query<std::vector<store::EventChunk>>(worker_.runtime, archive_,
                                                               std::move(question));
  if (!chunks) co_return fail(chunks.error());
  for (store::EventChunk& chunk : *chunks) {
    const std::string_view behind = dialect::events_behind(chunk.bytes, chunk.first, after_);
    chunk.bytes.erase(0, chunk.bytes.size() - behind.size());
    append(out_, std::move(chunk.bytes));
    after_ = std::max(after_, chunk.last);
  }
  co_return chunks->empty() ? Progress::kNothing : Progress::kMore;
}

// It does not run here: it has ended, or was cut off, or another process runs it.
Task<Result<ResponseFollower::Progress>> ResponseFollower::take_end() {
  auto state = co_await find_state(worker_, scope_, id_);
  if (!state && state.error().kind == ErrorKind::kNotFound) co_return tell_erased();
  if (!state) co_return fail(state.error());
  if (store::is_running(state->status)) co_return Progress::kNothing;
  if (state->last_sequence > after_) co_return Progress::kMore;
  if (state->was_interrupted) co_return co_await tell_interrupted();
  co_return Progress::kOver;
}

// Its end, and its beginning where not even that was written. What is put together of its object is
// held with it.
Task<Result<ResponseFollower::Progress>> ResponseFollower::tell_interrupted() {
  constexpr std::size_t kBeginning = 2;  // events
  constexpr std::size_t kMaking = 2;     // copies, beside them
  const auto hold =
      std::make_shared<MemoryReservation>(worker_.shared.held, MemoryReservation::For::kRequest);
  auto found = co_await find_response(worker_, scope_, id_, hold);
  if (!found && found.error().kind == ErrorKind::kNotFound) co_return tell_erased();
  if (!found) co_return fail(found.error());
  const std::size_t size = found->object.size();
  const std::size_t events = found->last_sequence < 0 ? kBeginning + 1 : 1;
  if (!hold->grow((events + kMaking) * size)) co_return too_much_memory_held();
  const auto tell_end = [this, &found] {
    append(out_, dialect::interrupted_events(after_, found->last_sequence, found->object));
  };
  co_await go_on_apart(worker_, size, tell_end);
  hold->shrink((1 + kMaking) * size);
  hold_->take_over(*hold);
  co_return Progress::kOver;
}

Task<Result<void>> ResponseFollower::tell() {
  if (out_.empty() && Clock::now() - last_sent_ >= config_.timeouts.sse_keep_alive)
    out_ = dialect::kKeepAlive;
  if (out_.empty()) co_return co_await client_.flush();
  auto written = co_await client_.write(out_);
  if (out_.capacity() > kReadBytes) out_ = std::string();
  out_.clear();
  last_sent_ = Clock::now();
  co_return written;
}

Task<void> ResponseFollower::wait() {
  const std::weak_ptr<net::Event> event = changed_;
  net::Deadline look_again(worker_.runtime, [event] {
    if (const auto waiting = event.lock()) waiting->notify();
  });
  look_again.expires_after(refused_since_   ? Clock::duration(kLookForRoom)
                           : missing_since_ ? Clock::duration(kLastWords)
                                            : Clock::duration(kPollInterval));
  co_await changed_->wait();
}

}  // namespace ccproxy::proxy
