#include "mock/api.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/text.hpp"
#include "mock/models.hpp"
#include "mock/rate_limits.hpp"

namespace ccproxy::mock {
namespace {

using json::Document;

constexpr std::uint64_t kMaxMessageBody = 32'000'000;  // the real API accepts 32 MB
constexpr std::uint64_t kMaxBufferedBody = std::uint64_t{64}
                                           << 20;  // bytes that this program buffers of a body
constexpr std::string_view kFaultModel = "mock-fault-";
constexpr std::string_view kTokenExpired =
    "OAuth token has expired. Please obtain a new token or refresh your existing token.";

// Some of these fields belong to one connection or one host: the tests check that a proxy does not
// forward them.
constexpr std::string_view kHostFields =
    "server: ccproxy-mock\r\n"
    "alt-svc: h3=\":443\"; ma=86400\r\n"
    "set-cookie: mock=1; Path=/; HttpOnly\r\n"
    "anthropic-organization-id: 00000000-0000-4000-8000-000000000000\r\n";

struct Credential {
  std::string_view key, token;
};

Credential credential_of(const http::RequestHead& head) {
  Credential found;
  found.key = trim(head.get("x-api-key"));
  const std::string_view authorization = trim(head.get("authorization"));
  if (starts_with_text(authorization, "bearer ")) found.token = trim(authorization.substr(7));
  return found;
}

bool is_oauth(std::string_view secret) { return secret.starts_with("sk-ant-oat"); }

bool has_beta(const http::RequestHead& head, std::string_view beta) {
  return head.lists("anthropic-beta", beta);
}

// Returns the part of `path` after `route` and a slash, such as "ID/content" of
// "/v1/files/ID/content"; nullopt when `path` is not below `route`.
std::optional<std::string_view> path_after(std::string_view path, std::string_view route) {
  if (!path.starts_with(route)) return std::nullopt;
  path.remove_prefix(route.size());
  if (path.empty()) return path;
  if (path.front() != '/') return std::nullopt;
  return path.substr(1);
}

// Returns `fields` without the lines whose name is in `given`, because a script's fields replace
// the usual ones.
std::string fields_without(std::string_view fields,
                           const std::vector<std::pair<std::string, std::string>>& given) {
  std::string others;
  while (!fields.empty()) {
    const auto end = fields.find("\r\n");
    const std::string_view line = fields.substr(0, end + 2);
    fields.remove_prefix(line.size());
    const std::string_view name = line.substr(0, line.find(':'));
    bool is_given = false;
    for (const auto& field : given) is_given = is_given || same_text(field.first, name);
    if (!is_given) others += line;
  }
  return others;
}

}  // namespace

// What the functions below know of the request that is being served.
struct Api::RequestContext {
  const HttpRequest& request;
  std::string number;  // part of every id in the reply
  std::string request_id;
  std::string_view method, path, query;
  bool is_sign_in = Oauth::has_route(path);
  const ScriptedReply* scripted = nullptr;
  std::optional<Fault> fault{};

  [[nodiscard]] Reply error(int status, std::string_view message) const {
    return error_reply(status, error_type_of(status), message, request_id);
  }
  [[nodiscard]] Reply not_found(std::string_view what) const {
    return error(404, fmt::format("{} not found", what));
  }
  [[nodiscard]] Reply wrong_method() const { return error(405, "Method Not Allowed"); }
};

Api::Api(Script script, Pace pace)
    : messages_(std::move(script), pace),
      key_fields_(api_key_rate_limits()),
      oauth_fields_(subscription_rate_limits()) {}

Result<std::optional<Fault>> Api::fault_in(const http::RequestHead& head) {
  const std::string_view name = head.get("x-mock-fault");
  if (name.empty()) return std::optional<Fault>();
  auto fault = parse_fault(name);
  if (!fault) return fail(fault.error());
  return std::optional<Fault>(std::move(*fault));
}

std::optional<std::uint64_t> Api::body_limit(std::string_view path) {
  if (path.starts_with("/v1/files") || path.starts_with("/v1/skills")) return std::nullopt;
  if (path.starts_with("/v1/messages/batches") || path.starts_with("/mock/"))
    return kMaxBufferedBody;
  return kMaxMessageBody;
}

Reply Api::reply(const HttpRequest& request) {
  const std::string number = numbers_.next();
  RequestContext context{request,
                         number,
                         "req_011C" + number,
                         request.head.method,
                         request.head.path(),
                         request.head.query()};
  Reply reply;
  auto requested_fault = fault_in(request.head);
  if (requested_fault) {
    context.fault = *requested_fault;
    reply = reply_to(context);
  } else {
    reply = context.error(400, "x-mock-fault: " + requested_fault.error().message);
  }
  if (context.fault) {
    apply_fault(reply, *context.fault, context.request_id);
    const auto pace = context.scripted && context.scripted->pace;
    if (!pace || !context.scripted->pace->by_event) join_steps(reply);
  }
  add_common_fields(reply, context);
  return reply;
}

Reply Api::refuse_early(int status) {
  const std::string number = numbers_.next();
  const std::string request_id = "req_011C" + number;
  Reply reply = error_reply(status, error_type_of(status),
                            status == 413 ? "Request exceeds the maximum size" : "Refused unread.",
                            request_id);
  reply.after_reply = AfterReply::kClose;
  http::append_field(reply.fields, "request-id", request_id);
  return reply;
}

// Checks what the real API checks first. Returns nullopt when the request may go on.
std::optional<Reply> Api::refusal(const RequestContext& context) const {
  const auto& head = context.request.head;
  const Credential credential = credential_of(head);
  if (credential.key.empty() && credential.token.empty())
    return context.error(401, "x-api-key header is required");
  if (is_oauth(credential.key)) return context.error(401, "invalid x-api-key");
  if (is_oauth(credential.token) && !has_beta(head, "oauth-2025-04-20"))
    return context.error(401, "OAuth authentication is currently not supported.");
  if (!oauth_.accepts_token(credential.token)) return context.error(401, kTokenExpired);
  if (head.get("anthropic-version").empty())
    return context.error(400, "anthropic-version: header is required");
  return std::nullopt;
}

// Lets the script choose the reply first, then the routes.
Reply Api::reply_to(RequestContext& context) {
  const auto& head = context.request.head;
  if (context.is_sign_in) {
    oauth_.record_request(context.request);
  } else if (auto refused = refusal(context)) {
    return std::move(*refused);
  }
  const bool is_message = context.path == "/v1/messages" && context.method == "POST";
  if (is_message) return serve_message(context, nullptr);
  const bool counts = context.path == "/v1/messages/count_tokens" && context.method == "POST";
  const auto request =
      counts ? parse_request(context.request.body, true) : Result<ReceivedRequest>();
  context.scripted =
      messages_.pick_reply(head, context.request.body, counts && request ? &*request : nullptr);
  if (context.scripted && !std::holds_alternative<DemoContent>(context.scripted->content))
    return serve_message(context, context.scripted);
  if (context.scripted && context.scripted->fault) context.fault = context.scripted->fault;
  // An error must come before the work is done: otherwise a code or a refresh token would be spent
  // by a request that was refused.
  const bool is_refused =
      context.is_sign_in && context.fault && context.fault->kind == FaultKind::kStatus;
  Reply reply = is_refused ? Reply() : route(context);
  if (context.scripted) reply.delay += context.scripted->delay;
  return reply;
}

// Serves POST /v1/messages, and scripted messages on other routes.
Reply Api::serve_message(RequestContext& context, const ScriptedReply* scripted) {
  auto request = messages_.parse(context.request.body);
  if (!scripted)
    scripted = messages_.pick_reply(context.request.head, context.request.body,
                                    request ? request->get() : nullptr);
  context.scripted = scripted;
  if (scripted && scripted->fault && !context.fault) context.fault = scripted->fault;
  if (request && (*request)->model.starts_with(kFaultModel) && !context.fault) {
    auto fault = parse_fault(std::string_view((*request)->model).substr(kFaultModel.size()));
    if (!fault)
      return context.error(404, "model: " + (*request)->model + ": " + fault.error().message);
    context.fault = *fault;
  }
  const bool needs_request = !scripted || std::holds_alternative<DemoContent>(scripted->content) ||
                             std::holds_alternative<ScriptedMessage>(scripted->content);
  if (needs_request && !request) return context.error(400, request.error().message);
  const MessagesEndpoint::RequestPointer parsed = request ? *request : nullptr;
  Reply reply;
  if (needs_request && context.fault && context.fault->kind == FaultKind::kHugeEvent) {
    const auto bytes = static_cast<std::size_t>(context.fault->value.value_or(1 << 20));
    reply = messages_.huge_reply(scripted, parsed, context.number, bytes);
  } else {
    reply = messages_.reply(scripted, parsed, context.number, !context.fault);
  }
  if (!scripted) return reply;
  reply.status = scripted->status;
  reply.delay = scripted->delay;
  return reply;
}

void Api::add_common_fields(Reply& reply, const RequestContext& context) const {
  std::string common(kHostFields);
  http::append_field(common, "request-id", context.request_id);
  const bool has_key = !credential_of(context.request.head).key.empty();
  const bool is_token = is_oauth(credential_of(context.request.head).token);
  if ((!is_token || has_key) && !context.is_sign_in) common += key_fields_;
  if (is_token) common += oauth_fields_;
  if (!context.scripted || context.scripted->headers.empty()) {
    reply.fields += common;
    return;
  }
  const auto& scripted = context.scripted->headers;
  reply.fields = fields_without(reply.fields, scripted) + fields_without(common, scripted);
  for (const auto& [name, value] : scripted) http::append_field(reply.fields, name, value);
}

Reply Api::route(RequestContext& context) {
  if (context.is_sign_in) return oauth_.reply(context.request);
  if (context.path == "/v1/messages") return context.wrong_method();
  if (context.path == "/v1/messages/count_tokens") return count_tokens(context);
  if (const auto rest = path_after(context.path, "/v1/messages/batches"))
    return batch_route(context, *rest);
  if (const auto rest = path_after(context.path, "/v1/models")) return model_route(context, *rest);
  if (const auto rest = path_after(context.path, "/v1/files")) return file_route(context, *rest);
  if (const auto rest = path_after(context.path, "/v1/skills")) return skill_route(context, *rest);
  return context.error(404, "Not found");
}

Reply Api::count_tokens(RequestContext& context) {
  if (context.method != "POST") return context.wrong_method();
  auto request = parse_request(context.request.body, true);
  if (!request) return context.error(400, request.error().message);
  return json_reply(200, text_of(Document{{"input_tokens", request->input_tokens}}));
}

Reply Api::model_route(RequestContext& context, std::string_view rest) {
  if (context.method != "GET" && context.method != "HEAD") return context.wrong_method();
  if (rest.empty()) return json_reply(200, text_of(page_of(models(), context.query)));
  const auto model = find_model(rest);
  if (!model) return context.error(404, fmt::format("model: {}", rest));
  return json_reply(200, text_of(*model));
}

Reply Api::batch_route(RequestContext& context, std::string_view rest) {
  const std::string_view id = rest.substr(0, rest.find('/'));
  const std::string_view verb = rest.substr(std::min(id.size() + 1, rest.size()));
  const auto shown = [&](const std::optional<Document>& batch) {
    return batch ? json_reply(200, text_of(*batch)) : context.not_found(id);
  };
  if (rest.empty() && context.method == "GET")
    return json_reply(200, text_of(batches_.list(context.query)));
  if (rest.empty() && context.method == "POST") {
    auto batch = batches_.create("msgbatch_01" + context.number + "00", context.request.body);
    if (!batch) return context.error(400, batch.error().message);
    return json_reply(200, text_of(*batch));
  }
  if (rest.empty()) return context.wrong_method();
  if (verb == "results" && context.method == "GET") return batch_results(context, id);
  if (verb == "cancel" && context.method == "POST") return shown(batches_.cancel(id));
  if (!verb.empty()) return context.not_found(context.path);
  if (context.method == "DELETE") {
    if (!batches_.remove(id)) return context.not_found(id);
    return json_reply(200, text_of(Document{{"id", id}, {"type", "message_batch_deleted"}}));
  }
  if (context.method != "GET") return context.wrong_method();
  const std::string base =
      fmt::format("{}://{}", context.request.scheme, context.request.head.get("host"));
  return shown(batches_.show(id, base));
}

// Streams JSON lines, one for each step, as the real API does.
Reply Api::batch_results(RequestContext& context, std::string_view id) {
  const auto* items = batches_.items(id);
  if (items == nullptr) return context.not_found(id);
  Reply reply;
  http::append_field(reply.fields, "content-type", "application/x-jsonl");
  reply.has_length = false;
  for (const Batches::Item& item : *items) {
    std::string result = R"({"type":"canceled"})";
    if (!item.canceled) {
      const auto request = read_request(item.params, false);
      const std::string number = numbers_.next();
      result = request ? fmt::format(R"({{"type":"succeeded","message":{}}})",
                                     MessagesEndpoint::batch_message(*request, number))
                       : fmt::format(R"({{"type":"errored","error":{}}})",
                                     context.error(400, request.error().message).steps[0].bytes);
    }
    const std::string name = text_of(Document(item.custom_id));
    reply.steps.push_back(
        Step{fmt::format(R"({{"custom_id":{},"result":{}}})", name, result) + "\n"});
  }
  return reply;
}

Reply Api::file_route(RequestContext& context, std::string_view rest) {
  if (rest.empty() && context.method == "GET")
    return json_reply(200, text_of(files_.list(context.query)));
  if (rest.empty() && context.method == "POST") {
    auto file =
        files_.upload("file_01" + context.number + "00", context.request.head.get("content-type"),
                      context.request.body, context.request.body_bytes);
    if (!file) return context.error(400, file.error().message);
    return json_reply(200, text_of(*file));
  }
  if (rest.empty()) return context.wrong_method();
  const std::string_view id = rest.substr(0, rest.find('/'));
  if (rest == std::string(id) + "/content" && context.method == "GET") return download(context, id);
  if (rest != id) return context.not_found(context.path);
  const auto* file = files_.find(id);
  if (file == nullptr) return context.not_found(fmt::format("File {}", id));
  if (context.method == "GET") return json_reply(200, text_of(file->facts));
  if (context.method != "DELETE") return context.wrong_method();
  const std::string gone = text_of(Document{{"id", id}, {"type", "file_deleted"}});
  (void)files_.remove(id);
  return json_reply(200, gone);
}

Reply Api::download(RequestContext& context, std::string_view id) {
  const auto* file = files_.find(id);
  if (file == nullptr) return context.not_found(fmt::format("File {}", id));
  if (!file->is_stored) return context.error(400, "This file is not downloadable");
  Reply reply;
  http::append_field(reply.fields, "content-type", file->facts["mime_type"].get<std::string>());
  http::append_field(
      reply.fields, "content-disposition",
      fmt::format("attachment; filename=\"{}\"", file->facts["filename"].get<std::string>()));
  reply.steps.push_back(Step{file->content});
  return reply;
}

Reply Api::skill_route(RequestContext& context, std::string_view rest) {
  const auto skill = [&](std::string_view id) {
    return Document{{"id", id},
                    {"type", "skill"},
                    {"display_title", "Demo skill"},
                    {"source", "custom"},
                    {"latest_version", "1"},
                    {"created_at", time_text(WallClock::now())},
                    {"updated_at", time_text(WallClock::now())}};
  };
  if (!rest.empty()) return context.not_found(fmt::format("Skill {}", rest));
  if (context.method == "POST")
    return json_reply(200, text_of(skill("skill_01" + context.number + "00")));
  if (context.method != "GET") return context.wrong_method();
  const Document list = {{"data", Document::array()}, {"has_more", false}, {"next_page", nullptr}};
  return json_reply(200, text_of(list));
}

}  // namespace ccproxy::mock
