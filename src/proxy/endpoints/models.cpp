#include "proxy/endpoints/models.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "anthropic/model_list.hpp"
#include "auth/credentials.hpp"
#include "base/text.hpp"
#include "dialect/dialect.hpp"
#include "dialect/model_list.hpp"
#include "http/query.hpp"
#include "proxy/door/routes.hpp"
#include "proxy/state/worker_state.hpp"
#include "proxy/upstream/models.hpp"
#include "telemetry/log.hpp"

namespace ccproxy::proxy {
namespace {

constexpr std::chrono::seconds kTimeout{2};

anthropic::Page page_of(std::string_view query) {
  anthropic::Page page;
  const std::string_view limit = http::query_value(query, "limit").value_or("");
  if (const auto number = parse_decimal(limit)) page.limit = *number;
  page.after_id = http::query_value(query, "after_id").value_or("");
  page.before_id = http::query_value(query, "before_id").value_or("");
  return page;
}

}  // namespace

Task<void> refresh_models(WorkerState& worker, net::Cancellation& cancellation) {
  Shared& shared = worker.shared;
  const auto credential_status = shared.credentials.credential_status();
  if (credential_status->credential.kind != auth::CredentialKind::kApiKey) co_return;
  if (!shared.catalog.claim_refresh()) co_return;

  auto list = co_await fetch_models(worker, "?limit=1000", kTimeout, cancellation);
  if (list) {
    shared.catalog.merge(*list);
  } else if (cancellation.cancelled()) {
    shared.catalog.release_refresh();
  } else {
    shared.log.write_message(
        telemetry::Level::kWarn, "models",
        fmt::format("the upstream's model list could not be fetched ({}): the built-in "
                    "list is used",
                    list.error().message));
  }
}

std::string list_models(const ModelCatalog& catalog, const http::RequestHead& head) {
  const auto entries = catalog.entries();
  if (const auto version = http::query_value(head.query(), "client_version"))
    return dialect::codex_model_list(*entries, *version);
  if (dialect_of(head) == dialect::Dialect::kMessages)
    return anthropic::model_list(*entries, page_of(head.query()));
  return dialect::openai_model_list(*entries);
}

Result<std::string> show_model(const ModelCatalog& catalog, const anthropic::ModelTable& models,
                               const http::RequestHead& head, std::string_view path) {
  const auto entries = catalog.entries();
  const std::string_view id = path.substr(path.rfind('/') + 1);
  const anthropic::ModelEntry* entry = anthropic::find_entry(*entries, id);
  if (entry == nullptr) entry = anthropic::find_entry(*entries, models.id_of(id));
  if (entry == nullptr) {
    Error error{ErrorKind::kNotFound, fmt::format("model: {}", id)};
    error.param = "model";
    error.code = "model_not_found";
    return fail(std::move(error));
  }
  return dialect_of(head) == dialect::Dialect::kMessages ? anthropic::model_object(*entry)
                                                         : dialect::openai_model(*entry);
}

}  // namespace ccproxy::proxy
