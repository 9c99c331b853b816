#include "proxy/endpoints/responses.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include "base/text.hpp"
#include "dialect/responses/input_items.hpp"
#include "dialect/responses/object.hpp"
#include "http/query.hpp"
#include "json/writer.hpp"
#include "proxy/door/request_body.hpp"
#include "proxy/state/running_response.hpp"

namespace ccproxy::proxy {
namespace {

constexpr std::string_view kBefore = "/v1/responses/";
constexpr std::size_t kMaxId = 128;                         // bytes that are repeated to the client
constexpr std::size_t kReadBytes = std::size_t{256} << 10;  // of events, read at once
constexpr std::int64_t kDefaultItems = 20, kMaxItems = 100;
// How long a response that is to be cancelled has for its end.
constexpr std::chrono::seconds kTimeout{5};
constexpr std::chrono::milliseconds kPollInterval{100};
constexpr std::chrono::seconds kRetryAfter{1};
constexpr std::chrono::seconds kWritten{1};  // the store has for it what it has for an end

Error not_found(std::string_view id) {
  return {ErrorKind::kNotFound,
          fmt::format("Response with id '{}' not found.", id.substr(0, kMaxId))};
}

Error still_runs_elsewhere() {
  return {
      ErrorKind::kBusy,
      "Another CCProxy that shares this store runs the response. It was asked to end it, and has "
      "not done so yet: try again.",
      "", "", kRetryAfter};
}

Error not_written() {
  return {ErrorKind::kBusy, "The store could not be written within a second: try again.", "", "",
          kRetryAfter};
}

Result<void> room_in(MemoryReservation& hold, std::size_t size) {
  return hold.grow(size) ? Result<void>() : too_much_memory_held();
}

// The items that its events tell, with commas between. `hold` counts them, and meanwhile the events
// that are looked through.
Result<std::string> items_told(const store::Responses& kept, const store::StoredResponse& response,
                               MemoryReservation& hold) {
  const auto room = [&hold](std::size_t size) { return room_in(hold, size); };
  std::string items;
  for (std::int64_t last = -1; last < response.last_sequence;) {
    const std::size_t held = hold.size(), before = items.size();
    const auto chunks = kept.events_after(response.scope, response.id, last, kReadBytes, room);
    if (!chunks) return fail(chunks.error());
    if (chunks->empty()) break;
    for (const store::EventChunk& chunk : *chunks) dialect::append_done_items(items, chunk.bytes);
    last = chunks->back().last;
    hold.shrink(hold.size() - held - (items.size() - before));
  }
  return items;
}

// One that was interrupted is shown as it ended, with what its events tell.
Result<std::optional<store::StoredResponse>> find(const store::Responses& kept,
                                                  const std::string& scope, const std::string& id,
                                                  MemoryReservation& hold) {
  const auto room = [&hold](std::size_t size) { return room_in(hold, size); };
  auto found = kept.find(scope, id, room);
  if (!found || !*found || !(*found)->was_interrupted) return found;
  const auto output = items_told(kept, **found, hold);
  if (!output) return fail(output.error());
  std::string& object = (*found)->object;
  const std::size_t size = object.size() + output->size();  // which stand there once more
  if (auto fits = room(size); !fits) return fail(fits.error());
  object = dialect::interrupted_response(object, *output);
  hold.shrink(size);
  return found;
}

std::string_view verb_of(std::string_view path) {
  const auto slash = path.find('/', kBefore.size());
  return slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
}

Task<Result<std::string>> erase(WorkerState& worker, std::string scope, std::string id) {
  // Looked for first: what is not there does not wait for a turn to write.
  auto found = co_await find_state(worker, scope, id);
  if (!found) co_return fail(found.error());
  const auto archive = worker.shared.responses.archive();
  if (!archive) co_return fail(not_found(id));  // switched off in this moment
  if (const auto running = worker.shared.responses.running(scope, id)) running->cancel();
  const auto was_there = std::make_shared<bool>(false);
  ArchiveFuture wait(worker.runtime);
  auto work = [scope, id, was_there](store::Responses& kept) {
    const auto erased = kept.erase(scope, id);
    if (!erased) return Result<void>(fail(erased.error()));
    *was_there = *erased;
    return Result<void>{};
  };
  archive->submit(std::move(work), wait.callback());
  auto done = co_await wait.wait_for(kWritten);
  if (!done) co_return fail(not_written());
  if (!*done) co_return fail(done->error());
  if (!*was_there) co_return fail(not_found(id));
  if (const auto running = worker.shared.responses.running(scope, id)) running->note_erased();
  std::string body;
  json::Writer writer(body);
  writer.begin_object().member("id", id).member("object", "response.deleted");
  writer.member("deleted", true).end_object();
  co_return body;
}

// Its end is told by whoever runs it; until then it is as it was.
Task<void> wait_for_end(WorkerState& worker, std::shared_ptr<RunningResponse> running) {
  const auto changed = std::make_shared<net::Event>(worker.runtime);
  running->follow(worker.runtime, changed);
  const std::weak_ptr<net::Event> event = changed;
  const auto limit = Clock::now() + kTimeout;
  while (!running->is_over() && Clock::now() < limit) {
    net::Deadline patience(worker.runtime, [event] {
      if (const auto waiting = event.lock()) waiting->notify();
    });
    patience.expires_after(limit - Clock::now());
    co_await changed->wait();
  }
}

// Another process runs it: it is asked to end it, and looks for that twice a second.
Task<Result<void>> end_elsewhere(WorkerState& worker, std::string scope, std::string id) {
  const auto archive = worker.shared.responses.archive();
  if (!archive) co_return fail(not_found(id));  // switched off in this moment
  ArchiveFuture wait(worker.runtime);
  auto ask = [scope, id](store::Responses& kept) -> Result<void> {
    const auto asked = kept.ask_to_end(scope, id);
    if (!asked) return fail(asked.error());
    return {};
  };
  archive->submit(std::move(ask), wait.callback());
  auto asked = co_await wait.wait_for(kWritten);
  if (!asked) co_return fail(not_written());
  if (!*asked) co_return fail(asked->error());
  const auto limit = Clock::now() + kTimeout;
  while (true) {
    auto state = co_await find_state(worker, scope, id);
    if (!state) co_return fail(state.error());
    if (!store::is_running(state->status)) co_return Result<void>{};
    if (Clock::now() >= limit) co_return fail(still_runs_elsewhere());
    co_await net::sleep(worker.runtime, kPollInterval);
  }
}

Task<Result<std::string>> cancel(WorkerState& worker, std::string scope, std::string id,
                                 std::shared_ptr<MemoryReservation> hold) {
  auto state = co_await find_state(worker, scope, id);
  if (!state) co_return fail(state.error());
  if (!state->is_background)
    co_return fail({ErrorKind::kInvalidRequest,
                    "Only a response in the background can be cancelled.", "", "invalid_value"});
  if (const auto running = worker.shared.responses.running(scope, id)) {
    running->cancel();
    co_await wait_for_end(worker, running);
  } else if (store::is_running(state->status)) {
    auto ended = co_await end_elsewhere(worker, scope, id);
    if (!ended) co_return fail(ended.error());
  }
  auto found = co_await find_response(worker, scope, id, std::move(hold));
  if (!found) co_return fail(found.error());
  co_return std::move(found->object);
}

using Question =
    std::function<Result<std::optional<store::StoredResponse>>(const store::Responses&)>;

Task<Result<store::StoredResponse>> find_by(WorkerState& worker, std::string id,
                                            Question question) {
  const auto archive = worker.shared.responses.archive();
  if (!archive) co_return fail(not_found(id));
  auto found = co_await query<std::optional<store::StoredResponse>>(worker.runtime, archive,
                                                                    std::move(question));
  if (!found) co_return fail(found.error());
  if (!*found) co_return fail(not_found(id));
  co_return std::move(**found);
}

Result<store::ItemPage> page_of(std::string_view query) {
  store::ItemPage page;
  page.after = http::query_value(query, "after").value_or("");
  page.before = http::query_value(query, "before").value_or("");
  const auto limit = http::query_value(query, "limit");
  const auto count = limit ? parse_decimal(*limit) : std::nullopt;
  if (limit && (!count || *count < 1 || *count > static_cast<std::uint64_t>(kMaxItems)))
    return fail({ErrorKind::kInvalidRequest, "'limit' is a number from 1 to 100.", "limit",
                 "invalid_value"});
  page.limit = static_cast<std::size_t>(count.value_or(kDefaultItems));
  const std::string_view order = http::query_value(query, "order").value_or("desc");
  if (order != "asc" && order != "desc")
    return fail({ErrorKind::kInvalidRequest, "'order' is asc or desc.", "order", "invalid_value"});
  page.ascending = order == "asc";
  return page;
}

std::string list_of(const store::ItemList& list) {
  std::string body;
  json::Writer writer(body);
  writer.begin_object().member("object", "list").key("data").begin_array();
  for (const store::StoredItem& item : list.items) writer.raw(item.json);
  writer.end_array();
  const auto id_or_null = [&](std::string_view name, const store::StoredItem* item) {
    writer.key(name);
    if (item != nullptr)
      writer.value(item->id);
    else
      writer.value(nullptr);
  };
  id_or_null("first_id", list.items.empty() ? nullptr : &list.items.front());
  id_or_null("last_id", list.items.empty() ? nullptr : &list.items.back());
  writer.member("has_more", list.has_more).end_object();
  return body;
}

Error missing_from_page(store::MissingFromPage missing, const std::string& id) {
  if (missing == store::MissingFromPage::kResponse) return not_found(id);
  return {ErrorKind::kInvalidRequest, "There is no such item in this response's input.",
          missing == store::MissingFromPage::kAfter ? "after" : "before", "invalid_value"};
}

Task<Result<std::string>> list_input(WorkerState& worker, std::string scope, std::string id,
                                     std::string query_string,
                                     std::shared_ptr<MemoryReservation> hold) {
  using Body = std::variant<std::string, store::MissingFromPage>;
  auto page = page_of(query_string);
  if (!page) co_return fail(page.error());
  std::function<Result<Body>(const store::Responses&)> question =
      [scope, id, page = *page,
       hold = std::move(hold)](const store::Responses& kept) -> Result<Body> {
    const auto room = [&](std::size_t size) { return room_in(*hold, 2 * size); };  // the body
    auto found = kept.input_items(scope, id, page, room);
    if (!found) return fail(found.error());
    if (const auto* missing = std::get_if<store::MissingFromPage>(&*found)) return *missing;
    auto& list = std::get<store::ItemList>(*found);
    for (store::StoredItem& item : list.items) item.json = dialect::listed_item(item.json);
    return list_of(list);
  };
  const auto archive = worker.shared.responses.archive();
  if (!archive) co_return fail(not_found(id));
  auto body = co_await query<Body>(worker.runtime, archive, std::move(question));
  if (!body) co_return fail(body.error());
  if (const auto* missing = std::get_if<store::MissingFromPage>(&*body))
    co_return fail(missing_from_page(*missing, id));
  co_return std::get<std::string>(std::move(*body));
}

}  // namespace

std::string ResponseQuestion::id() const {
  const std::string_view rest = path.substr(kBefore.size());
  return std::string(rest.substr(0, rest.find('/')));
}

bool ResponseQuestion::streams() const {
  return method == "GET" && verb_of(path).empty() && http::query_value(query, "stream") == "true";
}

Result<std::int64_t> ResponseQuestion::starting_after() const {
  constexpr std::uint64_t kMax = std::uint64_t{1} << 62;
  const auto given = http::query_value(query, "starting_after");
  if (!given || given == "-1") return -1;
  const auto number = parse_decimal(*given);
  if (number && *number < kMax) return static_cast<std::int64_t>(*number);
  return fail({ErrorKind::kInvalidRequest, "'starting_after' is the number of an event.",
               "starting_after", "invalid_value"});
}

Task<Result<store::StoredResponse>> find_response(WorkerState& worker, std::string scope,
                                                  std::string id,
                                                  std::shared_ptr<MemoryReservation> hold) {
  const Question question = [scope = std::move(scope), id,
                             hold = std::move(hold)](const store::Responses& kept) {
    return find(kept, scope, id, *hold);
  };
  co_return co_await find_by(worker, id, question);
}

Task<Result<store::StoredResponse>> find_state(WorkerState& worker, std::string scope,
                                               std::string id, std::size_t most_object) {
  const Question question = [scope = std::move(scope), id,
                             most_object](const store::Responses& kept) {
    if (most_object == 0) return kept.state_of(scope, id);
    const auto room = [most_object](std::size_t size) -> Result<void> {
      if (size <= most_object) return {};
      return fail(ErrorKind::kTooLarge, "");
    };
    auto found = kept.find(scope, id, room);
    if (!found && found.error().kind == ErrorKind::kTooLarge) return kept.state_of(scope, id);
    return found;
  };
  co_return co_await find_by(worker, id, question);
}

Task<Result<std::string>> answer_of(WorkerState& worker, ResponseQuestion question,
                                    std::shared_ptr<MemoryReservation> hold) {
  std::string id = question.id(), scope(question.scope);
  const std::string_view verb = verb_of(question.path);
  if (verb == "cancel")
    co_return co_await cancel(worker, std::move(scope), std::move(id), std::move(hold));
  if (verb == "input_items")
    co_return co_await list_input(worker, std::move(scope), std::move(id),
                                  std::string(question.query), std::move(hold));
  if (question.method == "DELETE")
    co_return co_await erase(worker, std::move(scope), std::move(id));
  auto found = co_await find_response(worker, std::move(scope), std::move(id), std::move(hold));
  if (!found) co_return fail(found.error());
  co_return std::move(found->object);
}

}  // namespace ccproxy::proxy
