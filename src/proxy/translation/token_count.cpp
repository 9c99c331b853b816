#include "proxy/translation/token_count.hpp"

#include <fmt/format.h>

#include <utility>

#include "anthropic/event.hpp"
#include "base/status.hpp"
#include "base/timestamp.hpp"
#include "dialect/reply/error_param.hpp"
#include "dialect/reply/openai_error.hpp"
#include "json/reader.hpp"
#include "proxy/state/ending.hpp"
#include "proxy/translation/reply_headers.hpp"

namespace ccproxy::proxy {
namespace {}  // namespace

std::optional<std::string> token_count_object(std::string_view body) {
  std::string tokens;
  json::Reader reader;
  (void)reader.members_of_copy(body, [&](const json::Member& member) {
    if (member.key == "input_tokens" && json::count_of(member.value)) tokens = member.value;
  });
  if (tokens.empty()) return std::nullopt;
  return fmt::format(R"({{"object":"response.input_tokens","input_tokens":{}}})", tokens);
}

Task<Result<void>> send_token_count(const ExchangeContext& exchange, const Route& route,
                                    const http::ResponseHead& head) {
  const ErrorBody body = co_await exchange.upstream.read_error_body();
  if (body.broke) co_return fail(*body.broke);
  if (const auto object = token_count_object(body.text)) {
    std::string fields;
    http::append_field(fields, "content-type", "application/json");
    fields += error_headers(exchange, {status::kOk, "", {}});
    exchange.receipt.status = status::kOk;
    co_return co_await exchange.sink.reply(status::kOk, fields, *object);
  }
  const auto event = anthropic::read_event(exchange.worker.events, "error", body.text);
  const auto* failure = event ? std::get_if<anthropic::Failure>(&*event) : nullptr;
  if (failure == nullptr || failure->message.empty())
    co_return fail_quoting(exchange.receipt, ErrorKind::kUpstreamBroke,
                           "the upstream did not say how many tokens the request has",
                           dialect::quoted_excerpt(body.text));
  auto reply = dialect::openai_error(route.dialect, *failure, field_views(head),
                                     exchange.receipt.id, wall_now());
  co_return co_await send_error_reply(exchange, std::move(reply));
}

}  // namespace ccproxy::proxy
