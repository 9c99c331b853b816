#include "mock/api.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/text.hpp"
#include "mock/limits.hpp"
#include "mock/models.hpp"

namespace ccproxy::mock {
namespace {

using json::Document;

constexpr std::uint64_t kMessageLimit = 32'000'000;            // the API takes 32 MB
constexpr std::uint64_t kKeptLimit = std::uint64_t{64} << 20;  // what this program keeps of a body
constexpr std::string_view kFaultModel = "mock-fault-";
constexpr std::string_view kTokenExpired =
    "OAuth token has expired. Please obtain a new token or refresh your existing token.";

// Among them fields that belong to one connection or one host: a proxy must not hand them on.
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

// What stands behind "/v1/files" in "/v1/files/ID/content"; nothing when the path is another.
std::optional<std::string_view> rest_of(std::string_view path, std::string_view route) {
  if (!path.starts_with(route)) return std::nullopt;
  path.remove_prefix(route.size());
  if (path.empty()) return path;
  if (path.front() != '/') return std::nullopt;
  return path.substr(1);
}

// Lines of `fields` whose name a script gives too are the script's.
std::string without(std::string_view fields,
                    const std::vector<std::pair<std::string, std::string>>& given) {
  std::string kept;
  while (!fields.empty()) {
    const auto end = fields.find("\r\n");
    const std::string_view line = fields.substr(0, end + 2);
    fields.remove_prefix(line.size());
    const std::string_view name = line.substr(0, line.find(':'));
    bool is_given = false;
    for (const auto& field : given) is_given = is_given || same_text(field.first, name);
    if (!is_given) kept += line;
  }
  return kept;
}

}  // namespace

// One request on its way to its reply.
struct Api::Turn {
  const Incoming& request;
  std::string number;  // in its ids
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
      key_fields_(limits_of_a_key()),
      oauth_fields_(limits_of_a_subscription()) {}

Result<std::optional<Fault>> Api::fault_in(const http::RequestHead& head) {
  const std::string_view asked = head.get("x-mock-fault");
  if (asked.empty()) return std::optional<Fault>();
  auto fault = parse_fault(asked);
  if (!fault) return fail(fault.error());
  return std::optional<Fault>(std::move(*fault));
}

std::optional<std::uint64_t> Api::body_limit(std::string_view path) {
  if (path.starts_with("/v1/files") || path.starts_with("/v1/skills")) return std::nullopt;
  if (path.starts_with("/v1/messages/batches") || path.starts_with("/mock/")) return kKeptLimit;
  return kMessageLimit;
}

Reply Api::reply(const Incoming& request) {
  const std::string number = numbers_.next();
  Turn turn{request,
            number,
            "req_011C" + number,
            request.head.method,
            request.head.path(),
            request.head.query()};
  Reply reply;
  auto asked_fault = fault_in(request.head);
  if (asked_fault) {
    turn.fault = *asked_fault;
    reply = answer(turn);
  } else {
    reply = turn.error(400, "x-mock-fault: " + asked_fault.error().message);
  }
  if (turn.fault) {
    spoil(reply, *turn.fault, turn.request_id);
    const auto pace = turn.scripted && turn.scripted->pace;
    if (!pace || !turn.scripted->pace->by_event) join_steps(reply);
  }
  add_common_fields(reply, turn);
  return reply;
}

Reply Api::refuse_early(int status) {
  const std::string number = numbers_.next();
  const std::string request_id = "req_011C" + number;
  Reply reply = error_reply(status, error_type_of(status),
                            status == 413 ? "Request exceeds the maximum size" : "Refused unread.",
                            request_id);
  reply.afterwards = Afterwards::kClose;
  http::append_field(reply.fields, "request-id", request_id);
  return reply;
}

// What the real API looks at before anything else.
std::optional<Reply> Api::refusal(const Turn& turn) const {
  const auto& head = turn.request.head;
  const Credential credential = credential_of(head);
  if (credential.key.empty() && credential.token.empty())
    return turn.error(401, "x-api-key header is required");
  if (is_oauth(credential.key)) return turn.error(401, "invalid x-api-key");
  if (is_oauth(credential.token) && !has_beta(head, "oauth-2025-04-20"))
    return turn.error(401, "OAuth authentication is currently not supported.");
  if (!oauth_.accepts(credential.token)) return turn.error(401, kTokenExpired);
  if (head.get("anthropic-version").empty())
    return turn.error(400, "anthropic-version: header is required");
  return std::nullopt;
}

// The script, then the routes.
Reply Api::answer(Turn& turn) {
  const auto& head = turn.request.head;
  if (turn.is_sign_in) {
    oauth_.note(turn.request);
  } else if (auto refused = refusal(turn)) {
    return std::move(*refused);
  }
  const bool is_message = turn.path == "/v1/messages" && turn.method == "POST";
  if (is_message) return message(turn, nullptr);
  const bool counts = turn.path == "/v1/messages/count_tokens" && turn.method == "POST";
  const auto counted = counts ? read_asked(turn.request.body, true) : Result<ReceivedRequest>();
  turn.scripted = messages_.pick(head, turn.request.body, counts && counted ? &*counted : nullptr);
  if (turn.scripted && !std::holds_alternative<DemoAnswer>(turn.scripted->answer))
    return message(turn, turn.scripted);
  if (turn.scripted && turn.scripted->fault) turn.fault = turn.scripted->fault;
  // Who is told of an error must not find the work done: a code or a token would be spent.
  const bool is_turned_away =
      turn.is_sign_in && turn.fault && turn.fault->kind == FaultKind::kStatus;
  Reply reply = is_turned_away ? Reply() : route(turn);
  if (turn.scripted) reply.delay += turn.scripted->delay;
  return reply;
}

// POST /v1/messages, and whatever a script answers on other routes.
Reply Api::message(Turn& turn, const ScriptedReply* scripted) {
  auto asked = messages_.understand(turn.request.body);
  if (!scripted)
    scripted = messages_.pick(turn.request.head, turn.request.body, asked ? asked->get() : nullptr);
  turn.scripted = scripted;
  if (scripted && scripted->fault && !turn.fault) turn.fault = scripted->fault;
  if (asked && (*asked)->model.starts_with(kFaultModel) && !turn.fault) {
    auto fault = parse_fault(std::string_view((*asked)->model).substr(kFaultModel.size()));
    if (!fault) return turn.error(404, "model: " + (*asked)->model + ": " + fault.error().message);
    turn.fault = *fault;
  }
  const bool needs_asked = !scripted || std::holds_alternative<DemoAnswer>(scripted->answer) ||
                           std::holds_alternative<ScriptedMessage>(scripted->answer);
  if (needs_asked && !asked) return turn.error(400, asked.error().message);
  const Messages::Known known = asked ? *asked : nullptr;
  Reply reply;
  if (needs_asked && turn.fault && turn.fault->kind == FaultKind::kHugeEvent) {
    const auto bytes = static_cast<std::size_t>(turn.fault->value.value_or(1 << 20));
    reply = messages_.huge_reply(scripted, known, turn.number, bytes);
  } else {
    reply = messages_.reply(scripted, known, turn.number, !turn.fault);
  }
  if (!scripted) return reply;
  reply.status = scripted->status;
  reply.delay = scripted->delay;
  return reply;
}

void Api::add_common_fields(Reply& reply, const Turn& turn) const {
  std::string common(kHostFields);
  http::append_field(common, "request-id", turn.request_id);
  const bool has_key = !credential_of(turn.request.head).key.empty();
  const bool is_token = is_oauth(credential_of(turn.request.head).token);
  if ((!is_token || has_key) && !turn.is_sign_in) common += key_fields_;
  if (is_token) common += oauth_fields_;
  if (!turn.scripted || turn.scripted->headers.empty()) {
    reply.fields += common;
    return;
  }
  const auto& given = turn.scripted->headers;
  reply.fields = without(reply.fields, given) + without(common, given);
  for (const auto& [name, value] : given) http::append_field(reply.fields, name, value);
}

Reply Api::route(Turn& turn) {
  if (turn.is_sign_in) return oauth_.reply(turn.request);
  if (turn.path == "/v1/messages") return turn.wrong_method();
  if (turn.path == "/v1/messages/count_tokens") return count_tokens(turn);
  if (const auto rest = rest_of(turn.path, "/v1/messages/batches")) return batch_route(turn, *rest);
  if (const auto rest = rest_of(turn.path, "/v1/models")) return model_route(turn, *rest);
  if (const auto rest = rest_of(turn.path, "/v1/files")) return file_route(turn, *rest);
  if (const auto rest = rest_of(turn.path, "/v1/skills")) return skill_route(turn, *rest);
  return turn.error(404, "Not found");
}

Reply Api::count_tokens(Turn& turn) {
  if (turn.method != "POST") return turn.wrong_method();
  auto asked = read_asked(turn.request.body, true);
  if (!asked) return turn.error(400, asked.error().message);
  return json_reply(200, text_of(Document{{"input_tokens", asked->input_tokens}}));
}

Reply Api::model_route(Turn& turn, std::string_view rest) {
  if (turn.method != "GET" && turn.method != "HEAD") return turn.wrong_method();
  if (rest.empty()) return json_reply(200, text_of(page_of(models(), turn.query)));
  const auto model = find_model(rest);
  if (!model) return turn.error(404, fmt::format("model: {}", rest));
  return json_reply(200, text_of(*model));
}

Reply Api::batch_route(Turn& turn, std::string_view rest) {
  const std::string_view id = rest.substr(0, rest.find('/'));
  const std::string_view verb = rest.substr(std::min(id.size() + 1, rest.size()));
  const auto shown = [&](const std::optional<Document>& batch) {
    return batch ? json_reply(200, text_of(*batch)) : turn.not_found(id);
  };
  if (rest.empty() && turn.method == "GET")
    return json_reply(200, text_of(batches_.list(turn.query)));
  if (rest.empty() && turn.method == "POST") {
    auto batch = batches_.create("msgbatch_01" + turn.number + "00", turn.request.body);
    if (!batch) return turn.error(400, batch.error().message);
    return json_reply(200, text_of(*batch));
  }
  if (rest.empty()) return turn.wrong_method();
  if (verb == "results" && turn.method == "GET") return batch_results(turn, id);
  if (verb == "cancel" && turn.method == "POST") return shown(batches_.cancel(id));
  if (!verb.empty()) return turn.not_found(turn.path);
  if (turn.method == "DELETE") {
    if (!batches_.remove(id)) return turn.not_found(id);
    return json_reply(200, text_of(Document{{"id", id}, {"type", "message_batch_deleted"}}));
  }
  if (turn.method != "GET") return turn.wrong_method();
  const std::string base =
      fmt::format("{}://{}", turn.request.scheme, turn.request.head.get("host"));
  return shown(batches_.show(id, base));
}

// JSON lines, one a step, as the real API streams them.
Reply Api::batch_results(Turn& turn, std::string_view id) {
  const auto* items = batches_.items(id);
  if (items == nullptr) return turn.not_found(id);
  Reply reply;
  http::append_field(reply.fields, "content-type", "application/x-jsonl");
  reply.has_length = false;
  for (const Batches::Item& item : *items) {
    std::string result = R"({"type":"canceled"})";
    if (!item.canceled) {
      const auto asked = read_parsed(item.params, false);
      const std::string number = numbers_.next();
      result = asked ? fmt::format(R"({{"type":"succeeded","message":{}}})",
                                   Messages::batch_message(*asked, number))
                     : fmt::format(R"({{"type":"errored","error":{}}})",
                                   turn.error(400, asked.error().message).steps[0].bytes);
    }
    const std::string name = text_of(Document(item.custom_id));
    reply.steps.push_back(
        Step{fmt::format(R"({{"custom_id":{},"result":{}}})", name, result) + "\n"});
  }
  return reply;
}

Reply Api::file_route(Turn& turn, std::string_view rest) {
  if (rest.empty() && turn.method == "GET")
    return json_reply(200, text_of(files_.list(turn.query)));
  if (rest.empty() && turn.method == "POST") {
    auto file = files_.upload("file_01" + turn.number + "00", turn.request.head.get("content-type"),
                              turn.request.body, turn.request.body_bytes);
    if (!file) return turn.error(400, file.error().message);
    return json_reply(200, text_of(*file));
  }
  if (rest.empty()) return turn.wrong_method();
  const std::string_view id = rest.substr(0, rest.find('/'));
  if (rest == std::string(id) + "/content" && turn.method == "GET") return download(turn, id);
  if (rest != id) return turn.not_found(turn.path);
  const auto* file = files_.find(id);
  if (file == nullptr) return turn.not_found(fmt::format("File {}", id));
  if (turn.method == "GET") return json_reply(200, text_of(file->facts));
  if (turn.method != "DELETE") return turn.wrong_method();
  const std::string gone = text_of(Document{{"id", id}, {"type", "file_deleted"}});
  (void)files_.remove(id);
  return json_reply(200, gone);
}

Reply Api::download(Turn& turn, std::string_view id) {
  const auto* file = files_.find(id);
  if (file == nullptr) return turn.not_found(fmt::format("File {}", id));
  if (!file->kept) return turn.error(400, "This file is not downloadable");
  Reply reply;
  http::append_field(reply.fields, "content-type", file->facts["mime_type"].get<std::string>());
  http::append_field(
      reply.fields, "content-disposition",
      fmt::format("attachment; filename=\"{}\"", file->facts["filename"].get<std::string>()));
  reply.steps.push_back(Step{file->content});
  return reply;
}

Reply Api::skill_route(Turn& turn, std::string_view rest) {
  const auto skill = [&](std::string_view id) {
    return Document{{"id", id},
                    {"type", "skill"},
                    {"display_title", "Demo skill"},
                    {"source", "custom"},
                    {"latest_version", "1"},
                    {"created_at", time_text(WallClock::now())},
                    {"updated_at", time_text(WallClock::now())}};
  };
  if (!rest.empty()) return turn.not_found(fmt::format("Skill {}", rest));
  if (turn.method == "POST")
    return json_reply(200, text_of(skill("skill_01" + turn.number + "00")));
  if (turn.method != "GET") return turn.wrong_method();
  const Document list = {{"data", Document::array()}, {"has_more", false}, {"next_page", nullptr}};
  return json_reply(200, text_of(list));
}

}  // namespace ccproxy::mock
