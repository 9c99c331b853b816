#include "proxy/endpoints/responses.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include "base/text.hpp"
#include "dialect/responses/input_items.hpp"
#include "http/query.hpp"
#include "json/writer.hpp"
#include "net/runtime.hpp"
#include "proxy/state/archive_future.hpp"
#include "proxy/state/response_store.hpp"
#include "proxy/state/running_response.hpp"

namespace ccproxy::proxy {
namespace {

constexpr std::string_view kPrefix = "/v1/responses/";
constexpr std::int64_t kDefaultItems = 20, kMaxItems = 100;
// How long a response that was cancelled has for its end.
constexpr std::chrono::seconds kCancelTimeout{5};
constexpr std::chrono::milliseconds kPollInterval{100};
constexpr std::chrono::seconds kRetryAfter{1};
constexpr std::chrono::seconds kWriteTimeout{1};  // as for the end of a response

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

std::string_view verb_of(std::string_view path) {
  const auto slash = path.find('/', kPrefix.size());
  return slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
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
  if (missing == store::MissingFromPage::kResponse) return response_not_found(id);
  return {ErrorKind::kInvalidRequest, "There is no such item in this response's input.",
          missing == store::MissingFromPage::kAfter ? "after" : "before", "invalid_value"};
}

}  // namespace

std::string StoredResponseRequest::id() const {
  const std::string_view rest = path.substr(kPrefix.size());
  return std::string(rest.substr(0, rest.find('/')));
}

bool StoredResponseRequest::streams() const {
  return method == "GET" && verb_of(path).empty() && http::query_value(query, "stream") == "true";
}

Result<std::int64_t> StoredResponseRequest::starting_after() const {
  constexpr std::uint64_t kMax = std::uint64_t{1} << 62;
  const auto given = http::query_value(query, "starting_after");
  if (!given || given == "-1") return -1;
  const auto number = parse_decimal(*given);
  if (number && *number < kMax) return static_cast<std::int64_t>(*number);
  return fail({ErrorKind::kInvalidRequest, "'starting_after' is the number of an event.",
               "starting_after", "invalid_value"});
}

Task<Result<std::string>> ResponseEndpoint::serve(StoredResponseRequest request, Hold hold) const {
  std::string id = request.id(), scope(request.scope);
  const std::string_view verb = verb_of(request.path);
  if (verb == "cancel") co_return co_await cancel(std::move(scope), std::move(id), std::move(hold));
  if (verb == "input_items")
    co_return co_await list_input(std::move(scope), std::move(id), std::string(request.query),
                                  std::move(hold));
  if (request.method == "DELETE") co_return co_await erase(std::move(scope), std::move(id));
  co_return co_await retrieve(std::move(scope), std::move(id), std::move(hold));
}

Task<Result<std::string>> ResponseEndpoint::retrieve(std::string scope, std::string id,
                                                     Hold hold) const {
  auto found = co_await responses_.find(std::move(scope), id, std::move(hold));
  if (!found) co_return fail(found.error());
  if (!*found) co_return fail(response_not_found(id));
  co_return std::move((*found)->object);
}

Task<Result<store::StoredResponse>> ResponseEndpoint::state_of(std::string scope,
                                                               std::string id) const {
  auto found = co_await responses_.find_state(std::move(scope), id);
  if (!found) co_return fail(found.error());
  if (!*found) co_return fail(response_not_found(id));
  co_return std::move(**found);
}

Task<Result<std::string>> ResponseEndpoint::erase(std::string scope, std::string id) const {
  // A response that is not there does not wait for its turn to write.
  auto state = co_await state_of(scope, id);
  if (!state) co_return fail(state.error());
  const auto archive = store_.archive();
  if (!archive) co_return fail(response_not_found(id));  // the store was disabled meanwhile
  if (const auto running = store_.running(scope, id)) running->cancel();
  const auto was_there = std::make_shared<bool>(false);
  ArchiveFuture future(runtime_);
  auto work = [scope, id, was_there](store::Responses& responses) {
    const auto erased = responses.erase(scope, id);
    if (!erased) return Result<void>(fail(erased.error()));
    *was_there = *erased;
    return Result<void>{};
  };
  archive->submit(std::move(work), future.callback());
  auto done = co_await future.wait_for(kWriteTimeout);
  if (!done) co_return fail(not_written());
  if (!*done) co_return fail(done->error());
  if (!*was_there) co_return fail(response_not_found(id));
  if (const auto running = store_.running(scope, id)) running->note_erased();
  std::string body;
  json::Writer writer(body);
  writer.begin_object().member("id", id).member("object", "response.deleted");
  writer.member("deleted", true).end_object();
  co_return body;
}

// The runner of the response writes its end; when it takes too long, the response is shown as it
// is.
Task<void> ResponseEndpoint::wait_for_end(std::shared_ptr<RunningResponse> running) const {
  const auto changed = std::make_shared<net::Event>(runtime_);
  running->follow(runtime_, changed);
  const auto deadline = Clock::now() + kCancelTimeout;
  while (!running->is_over() && Clock::now() < deadline)
    (void)co_await changed->wait_for(deadline - Clock::now());
}

// The process that runs the response looks twice a second for what it is asked to cancel.
Task<Result<void>> ResponseEndpoint::end_elsewhere(std::string scope, std::string id) const {
  const auto archive = store_.archive();
  if (!archive) co_return fail(response_not_found(id));  // the store was disabled meanwhile
  ArchiveFuture future(runtime_);
  auto request = [scope, id](store::Responses& responses) -> Result<void> {
    const auto requested = responses.request_cancellation(scope, id);
    if (!requested) return fail(requested.error());
    return {};
  };
  archive->submit(std::move(request), future.callback());
  auto requested = co_await future.wait_for(kWriteTimeout);
  if (!requested) co_return fail(not_written());
  if (!*requested) co_return fail(requested->error());
  const auto deadline = Clock::now() + kCancelTimeout;
  while (true) {
    auto state = co_await state_of(scope, id);
    if (!state) co_return fail(state.error());
    if (!store::is_running(state->status)) co_return Result<void>{};
    if (Clock::now() >= deadline) co_return fail(still_runs_elsewhere());
    co_await net::sleep(runtime_, kPollInterval);
  }
}

Task<Result<std::string>> ResponseEndpoint::cancel(std::string scope, std::string id,
                                                   Hold hold) const {
  auto state = co_await state_of(scope, id);
  if (!state) co_return fail(state.error());
  if (!state->is_background)
    co_return fail({ErrorKind::kInvalidRequest,
                    "Only a response in the background can be cancelled.", "", "invalid_value"});
  if (const auto running = store_.running(scope, id)) {
    running->cancel();
    co_await wait_for_end(running);
  } else if (store::is_running(state->status)) {
    auto ended = co_await end_elsewhere(scope, id);
    if (!ended) co_return fail(ended.error());
  }
  co_return co_await retrieve(std::move(scope), std::move(id), std::move(hold));
}

Task<Result<std::string>> ResponseEndpoint::list_input(std::string scope, std::string id,
                                                       std::string query_string, Hold hold) const {
  auto page = page_of(query_string);
  if (!page) co_return fail(page.error());
  using Body = std::variant<std::string, store::MissingFromPage>;
  std::function<Result<Body>(const store::Responses&)> read =
      [scope, id, page = *page,
       hold = std::move(hold)](const store::Responses& responses) -> Result<Body> {
    const auto room = [&](std::size_t size) { return make_room(*hold, 2 * size); };  // the body
    auto found = responses.input_items(scope, id, page, room);
    if (!found) return fail(found.error());
    if (const auto* missing = std::get_if<store::MissingFromPage>(&*found)) return *missing;
    auto& list = std::get<store::ItemList>(*found);
    for (store::StoredItem& item : list.items) item.json = dialect::listed_item(item.json);
    return list_of(list);
  };
  const auto archive = store_.archive();
  if (!archive) co_return fail(response_not_found(id));
  auto body = co_await query<Body>(runtime_, archive, std::move(read));
  if (!body) co_return fail(body.error());
  if (const auto* missing = std::get_if<store::MissingFromPage>(&*body))
    co_return fail(missing_from_page(*missing, id));
  co_return std::get<std::string>(std::move(*body));
}

}  // namespace ccproxy::proxy
