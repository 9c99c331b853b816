#include "proxy/endpoints/stored_responses.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <utility>

#include "dialect/responses/object.hpp"
#include "proxy/door/request_body.hpp"
#include "proxy/state/archive_future.hpp"
#include "proxy/state/response_store.hpp"

namespace ccproxy::proxy {
namespace {

constexpr std::size_t kMaxId = 128;                         // bytes that are repeated to the client
constexpr std::size_t kReadBytes = std::size_t{256} << 10;  // of events, read at once

// The items that the events of a response have completed, with commas between. `hold` counts them,
// and meanwhile the events that are read for them.
Result<std::string> items_of_events(const store::Responses& responses,
                                    const store::StoredResponse& response,
                                    MemoryReservation& hold) {
  const auto room = [&hold](std::size_t size) { return make_room(hold, size); };
  std::string items;
  for (std::int64_t last = -1; last < response.last_sequence;) {
    const std::size_t held = hold.size(), before = items.size();
    const auto chunks = responses.events_after(response.scope, response.id, last, kReadBytes, room);
    if (!chunks) return fail(chunks.error());
    if (chunks->empty()) break;
    for (const store::EventChunk& chunk : *chunks) dialect::append_done_items(items, chunk.bytes);
    last = chunks->back().last;
    hold.shrink(hold.size() - held - (items.size() - before));
  }
  return items;
}

// An interrupted response has no object of its end: it is made of the last one that was written,
// and of the items that its events have completed.
Result<StoredResponses::Found> find_whole(const store::Responses& responses,
                                          const std::string& scope, const std::string& id,
                                          MemoryReservation& hold) {
  const auto room = [&hold](std::size_t size) { return make_room(hold, size); };
  auto found = responses.find(scope, id, room);
  if (!found || !*found || !(*found)->was_interrupted) return found;
  const auto output = items_of_events(responses, **found, hold);
  if (!output) return fail(output.error());
  std::string& object = (*found)->object;
  const std::size_t size = object.size() + output->size();  // both are copied once more
  if (auto fits = room(size); !fits) return fail(fits.error());
  object = dialect::interrupted_response(object, *output);
  hold.shrink(size);
  return found;
}

}  // namespace

Error response_not_found(std::string_view id) {
  return {ErrorKind::kNotFound,
          fmt::format("Response with id '{}' not found.", id.substr(0, kMaxId))};
}

Result<void> make_room(MemoryReservation& hold, std::size_t size) {
  return hold.grow(size) ? Result<void>() : too_much_memory_held();
}

Task<Result<StoredResponses::Found>> StoredResponses::read(Read read) const {
  const auto archive = store_.archive();
  if (!archive) co_return Found();
  co_return co_await query<Found>(runtime_, archive, std::move(read));
}

Task<Result<StoredResponses::Found>> StoredResponses::find(
    std::string scope, std::string id, std::shared_ptr<MemoryReservation> hold) const {
  const Read whole = [scope = std::move(scope), id = std::move(id),
                      hold = std::move(hold)](const store::Responses& responses) {
    return find_whole(responses, scope, id, *hold);
  };
  co_return co_await read(whole);
}

Task<Result<StoredResponses::Found>> StoredResponses::find_state(std::string scope, std::string id,
                                                                 std::size_t max_object) const {
  const Read state = [scope = std::move(scope), id = std::move(id),
                      max_object](const store::Responses& responses) {
    if (max_object == 0) return responses.state_of(scope, id);
    const auto room = [max_object](std::size_t size) -> Result<void> {
      if (size <= max_object) return {};
      return fail(ErrorKind::kTooLarge, "");
    };
    auto found = responses.find(scope, id, room);
    if (!found && found.error().kind == ErrorKind::kTooLarge) return responses.state_of(scope, id);
    return found;
  };
  co_return co_await read(state);
}

}  // namespace ccproxy::proxy
