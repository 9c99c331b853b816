#include "mock/messages_endpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "http/head.hpp"
#include "mock/demo.hpp"

namespace ccproxy::mock {
namespace {

using json::Document;

constexpr std::size_t kMaxCachedRequests = 64;
constexpr std::size_t kMaxCachedBody = 64 * 1024;
constexpr std::size_t kMaxCachedReply = std::size_t{4} << 20;

// Stands in a cached reply where the number of an id will be written. It has the same size.
constexpr std::string_view kIdPlaceholder = "MockMockMockMockMock";

std::string id_of(std::string_view prefix, std::string_view number, std::size_t index) {
  return fmt::format("{}_01{}{:02}", prefix, number, index % 100);
}

// Sets the ids of the message and of its calls that have none; a result gets the id of the call
// before it.
void fill_ids(Message& message, std::string_view number) {
  message.id = id_of("msg", number, 0);
  std::string last_call;
  for (std::size_t i = 0; i < message.content.size(); ++i) {
    if (auto* tool = std::get_if<ToolUseBlock>(&message.content[i])) {
      if (tool->id.empty())
        tool->id = id_of(tool->at_provider ? "srvtoolu" : "toolu", number, i + 1);
      last_call = tool->id;
    } else if (auto* whole = std::get_if<WholeBlock>(&message.content[i])) {
      if (whole->content.contains("tool_use_id") && whole->content["tool_use_id"] == "")
        whole->content["tool_use_id"] = last_call;
    }
  }
}

bool has_client_call(const std::vector<Block>& content) {
  return std::any_of(content.begin(), content.end(), [](const Block& block) {
    const auto* tool = std::get_if<ToolUseBlock>(&block);
    return tool != nullptr && !tool->at_provider;
  });
}

struct Counts {
  std::int64_t output = 0, thinking = 0, searches = 0, fetches = 0;
};

// Counts usage: each delta is a token.
Counts count(const std::vector<Block>& content) {
  Counts counts;
  for (const Block& block : content) {
    std::size_t tokens = 0;
    if (const auto* text = std::get_if<TextBlock>(&block)) tokens = text->deltas.size();
    if (const auto* thinking = std::get_if<ThinkingBlock>(&block)) {
      tokens = thinking->deltas.size();
      counts.thinking += static_cast<std::int64_t>(tokens);
    }
    if (const auto* tool = std::get_if<ToolUseBlock>(&block)) {
      tokens = 16 + tool->fragments.size();
      if (tool->at_provider && tool->name == "web_search") ++counts.searches;
      if (tool->at_provider && tool->name == "web_fetch") ++counts.fetches;
    }
    counts.output += static_cast<std::int64_t>(tokens);
  }
  return counts;
}

Message scripted_message(const ScriptedMessage& scripted, const ReceivedRequest& request) {
  Message message{"", request.model, scripted.content};
  message.stop_reason = scripted.stop_reason;
  if (message.stop_reason.empty())
    message.stop_reason = has_client_call(message.content) ? "tool_use" : "end_turn";
  message.stop_sequence = scripted.stop_sequence;
  message.extra = scripted.extra;
  const Counts counts = count(message.content);
  message.usage = make_usage(request.input_tokens, counts.output);
  if (counts.thinking > 0)
    message.usage["output_tokens_details"] = {{"thinking_tokens", counts.thinking}};
  if (counts.searches + counts.fetches > 0)
    message.usage["server_tool_use"] = {{"web_search_requests", counts.searches},
                                        {"web_fetch_requests", counts.fetches}};
  return message;
}

// Returns the script's message, or the demo's when the script has none.
Message message_for(const ScriptedReply* scripted, const ReceivedRequest& request) {
  const auto* content = scripted ? std::get_if<ScriptedMessage>(&scripted->content) : nullptr;
  Message message = content ? scripted_message(*content, request) : demo_message(request);
  if (!scripted) return message;
  for (const auto& [name, value] : scripted->usage.items()) message.usage[name] = value;
  return message;
}

void add_huge_delta(Message& message, std::size_t bytes) {
  std::string delta(bytes, 'x');
  for (Block& block : message.content) {
    if (auto* text = std::get_if<TextBlock>(&block)) {
      text->deltas.insert(text->deltas.begin(), std::move(delta));
      return;
    }
  }
  message.content.emplace_back(TextBlock{{std::move(delta)}});
}

std::vector<std::pair<std::size_t, std::size_t>> find_placeholders(const Reply& reply) {
  std::vector<std::pair<std::size_t, std::size_t>> found;
  for (std::size_t step = 0; step < reply.steps.size(); ++step) {
    const std::string& bytes = reply.steps[step].bytes;
    for (auto at = bytes.find(kIdPlaceholder); at != std::string::npos;
         at = bytes.find(kIdPlaceholder, at + kIdPlaceholder.size()))
      found.emplace_back(step, at);
  }
  return found;
}

bool matches(const Match& match, const http::RequestHead& head, const std::string& body,
             const ReceivedRequest* request) {
  if (match.method != "*" && match.method != head.method) return false;
  if (!is_like(head.path(), match.path)) return false;
  if (!match.model.empty() && (!request || !is_like(request->model, match.model))) return false;
  if (match.stream && (!request || request->stream != *match.stream)) return false;
  if (!match.body_contains.empty() && body.find(match.body_contains) == std::string::npos)
    return false;
  return std::all_of(match.headers.begin(), match.headers.end(), [&](const auto& wanted) {
    return std::any_of(head.fields.begin(), head.fields.end(), [&](const http::Field& field) {
      return same_text(field.name, wanted.first) && is_like(field.value, wanted.second);
    });
  });
}

}  // namespace

std::string IdNumbers::next() { return fmt::format("{:020}", ++last_); }

void MessagesEndpoint::set_script(Script script) {
  uses_.clear();
  entries_by_request_.clear();
  cache_.clear();
  script_ = std::move(script);
}

Result<MessagesEndpoint::RequestPointer> MessagesEndpoint::parse(const std::string& body) {
  if (const auto found = cache_.find(body); found != cache_.end()) return found->second.request;
  auto request = parse_request(body, false);
  if (!request) return fail(request.error());
  auto shared = std::make_shared<const ReceivedRequest>(std::move(*request));
  if (body.size() > kMaxCachedBody) return RequestPointer(shared);
  if (cache_.size() >= kMaxCachedRequests) {
    entries_by_request_.clear();
    cache_.clear();
  }
  CacheEntry& entry = cache_.emplace(body, CacheEntry{shared}).first->second;
  entries_by_request_.emplace(shared.get(), &entry);
  return RequestPointer(shared);
}

const ScriptedReply* MessagesEndpoint::pick_reply(const http::RequestHead& head,
                                                  const std::string& body,
                                                  const ReceivedRequest* request) {
  for (const ScriptedReply& reply : script_.replies) {
    if (reply.times && uses_[&reply] >= *reply.times) continue;
    if (!matches(reply.match, head, body, request)) continue;
    if (reply.times) ++uses_[&reply];
    return &reply;
  }
  return nullptr;
}

Pace MessagesEndpoint::pace_for(const ScriptedReply* scripted) const {
  return scripted && scripted->pace ? *scripted->pace : pace_;
}

Reply MessagesEndpoint::message_reply(const Message& message, bool stream, const Pace& pace) const {
  if (!stream) return json_reply(200, message_json(message));
  return stream_reply(steps_of(message_events(message), pace));
}

Reply MessagesEndpoint::reply(const ScriptedReply* scripted, const RequestPointer& request,
                              const std::string& number, bool is_joined) {
  const Pace pace = pace_for(scripted);
  if (scripted) {
    if (const auto* stream = std::get_if<ScriptedStream>(&scripted->content)) {
      Reply reply = stream_reply(stream->steps);
      if (is_joined && !pace.by_event) join_steps(reply);
      return reply;
    }
    if (const auto* body = std::get_if<ScriptedBody>(&scripted->content))
      return json_reply(scripted->status, body->body);
    if (const auto* error = std::get_if<ScriptedError>(&scripted->content))
      return error_reply(scripted->status, error->type, error->message, "req_011C" + number);
  }
  const auto entry = entries_by_request_.find(request.get());
  auto* cached = entry == entries_by_request_.end() ? nullptr : &entry->second->replies;
  std::shared_ptr<const ReplyTemplate> reply_template;
  if (cached && is_joined)
    if (const auto found = cached->find(scripted); found != cached->end())
      reply_template = found->second;
  if (!reply_template) {
    Message message = message_for(scripted, *request);
    fill_ids(message, kIdPlaceholder);
    ReplyTemplate fresh{message_reply(message, request->stream, pace), {}};
    if (is_joined && !pace.by_event) join_steps(fresh.reply);
    fresh.placeholders = find_placeholders(fresh.reply);
    const bool is_small = body_size(fresh.reply) <= kMaxCachedReply;
    reply_template = std::make_shared<const ReplyTemplate>(std::move(fresh));
    if (cached && is_joined && is_small) cached->emplace(scripted, reply_template);
  }
  Reply reply = reply_template->reply;
  for (const auto& [step, offset] : reply_template->placeholders)
    reply.steps[step].bytes.replace(offset, number.size(), number);
  return reply;
}

Reply MessagesEndpoint::huge_reply(const ScriptedReply* scripted, const RequestPointer& request,
                                   const std::string& number, std::size_t bytes) {
  Message message = message_for(scripted, *request);
  fill_ids(message, number);
  add_huge_delta(message, bytes);
  return message_reply(message, request->stream, pace_for(scripted));
}

std::string MessagesEndpoint::batch_message(const ReceivedRequest& request,
                                            const std::string& number) {
  Message message = demo_message(request);
  fill_ids(message, number);
  return message_json(message);
}

}  // namespace ccproxy::mock
