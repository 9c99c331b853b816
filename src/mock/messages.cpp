#include "mock/messages.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "http/head.hpp"
#include "mock/demo.hpp"

namespace ccproxy::mock {
namespace {

using json::Document;

constexpr std::size_t kMaxRemembered = 64;
constexpr std::size_t kLargestRemembered = 64 * 1024;
constexpr std::size_t kLargestPrepared = std::size_t{4} << 20;

// Stands where the number of an id will, of the same size.
constexpr std::string_view kStandIn = "MockMockMockMockMock";

std::string id_of(std::string_view prefix, std::string_view number, std::size_t index) {
  return fmt::format("{}_01{}{:02}", prefix, number, index % 100);
}

// Gives the message and every call in it that has none an id; a result gets its call's.
void fill_ids(Message& answer, std::string_view number) {
  answer.id = id_of("msg", number, 0);
  std::string last_call;
  for (std::size_t i = 0; i < answer.content.size(); ++i) {
    if (auto* tool = std::get_if<ToolUseBlock>(&answer.content[i])) {
      if (tool->id.empty())
        tool->id = id_of(tool->at_provider ? "srvtoolu" : "toolu", number, i + 1);
      last_call = tool->id;
    } else if (auto* whole = std::get_if<WholeBlock>(&answer.content[i])) {
      if (whole->content.contains("tool_use_id") && whole->content["tool_use_id"] == "")
        whole->content["tool_use_id"] = last_call;
    }
  }
}

bool calls_tool(const std::vector<Block>& content) {
  return std::any_of(content.begin(), content.end(), [](const Block& block) {
    const auto* tool = std::get_if<ToolUseBlock>(&block);
    return tool != nullptr && !tool->at_provider;
  });
}

struct Counts {
  std::int64_t output = 0, thought = 0, searches = 0, fetches = 0;
};

// A delta counts as a token.
Counts count(const std::vector<Block>& content) {
  Counts counts;
  for (const Block& block : content) {
    std::size_t tokens = 0;
    if (const auto* text = std::get_if<TextBlock>(&block)) tokens = text->deltas.size();
    if (const auto* thinking = std::get_if<ThinkingBlock>(&block)) {
      tokens = thinking->deltas.size();
      counts.thought += static_cast<std::int64_t>(tokens);
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

Message scripted_answer(const ScriptedMessage& message, const ReceivedRequest& asked) {
  Message answer{"", asked.model, message.content};
  answer.stop_reason = message.stop_reason;
  if (answer.stop_reason.empty())
    answer.stop_reason = calls_tool(answer.content) ? "tool_use" : "end_turn";
  answer.stop_sequence = message.stop_sequence;
  answer.extra = message.extra;
  const Counts counts = count(answer.content);
  answer.usage = make_usage(asked.input_tokens, counts.output);
  if (counts.thought > 0)
    answer.usage["output_tokens_details"] = {{"thinking_tokens", counts.thought}};
  if (counts.searches + counts.fetches > 0)
    answer.usage["server_tool_use"] = {{"web_search_requests", counts.searches},
                                       {"web_fetch_requests", counts.fetches}};
  return answer;
}

// The message that a script asks for, or the demo's.
Message answer_for(const ScriptedReply* scripted, const ReceivedRequest& asked) {
  const auto* message = scripted ? std::get_if<ScriptedMessage>(&scripted->answer) : nullptr;
  Message answer = message ? scripted_answer(*message, asked) : demo_message(asked);
  if (!scripted) return answer;
  for (const auto& [name, given] : scripted->usage.items()) answer.usage[name] = given;
  return answer;
}

void make_huge(Message& answer, std::size_t bytes) {
  std::string delta(bytes, 'x');
  for (Block& block : answer.content) {
    if (auto* text = std::get_if<TextBlock>(&block)) {
      text->deltas.insert(text->deltas.begin(), std::move(delta));
      return;
    }
  }
  answer.content.emplace_back(TextBlock{{std::move(delta)}});
}

std::vector<std::pair<std::size_t, std::size_t>> stand_ins(const Reply& reply) {
  std::vector<std::pair<std::size_t, std::size_t>> places;
  for (std::size_t step = 0; step < reply.steps.size(); ++step) {
    const std::string& bytes = reply.steps[step].bytes;
    for (auto at = bytes.find(kStandIn); at != std::string::npos;
         at = bytes.find(kStandIn, at + kStandIn.size()))
      places.emplace_back(step, at);
  }
  return places;
}

bool fits(const Match& match, const http::RequestHead& head, const std::string& body,
          const ReceivedRequest* asked) {
  if (match.method != "*" && match.method != head.method) return false;
  if (!is_like(head.path(), match.path)) return false;
  if (!match.model.empty() && (!asked || !is_like(asked->model, match.model))) return false;
  if (match.stream && (!asked || asked->stream != *match.stream)) return false;
  if (!match.body_contains.empty() && body.find(match.body_contains) == std::string::npos)
    return false;
  return std::all_of(match.headers.begin(), match.headers.end(), [&](const auto& wanted) {
    return std::any_of(head.fields.begin(), head.fields.end(), [&](const http::Field& field) {
      return same_text(field.name, wanted.first) && is_like(field.value, wanted.second);
    });
  });
}

}  // namespace

std::string Numbers::next() { return fmt::format("{:020}", ++last_); }

void Messages::set_script(Script script) {
  used_.clear();
  by_asked_.clear();
  remembered_.clear();
  script_ = std::move(script);
}

Result<Messages::Known> Messages::understand(const std::string& body) {
  if (const auto found = remembered_.find(body); found != remembered_.end())
    return found->second.asked;
  auto asked = read_asked(body, false);
  if (!asked) return fail(asked.error());
  auto known = std::make_shared<const ReceivedRequest>(std::move(*asked));
  if (body.size() > kLargestRemembered) return Known(known);
  if (remembered_.size() >= kMaxRemembered) {
    by_asked_.clear();
    remembered_.clear();
  }
  Remembered& kept = remembered_.emplace(body, Remembered{known}).first->second;
  by_asked_.emplace(known.get(), &kept);
  return Known(known);
}

const ScriptedReply* Messages::pick(const http::RequestHead& head, const std::string& body,
                                    const ReceivedRequest* asked) {
  for (const ScriptedReply& reply : script_.replies) {
    if (reply.times && used_[&reply] >= *reply.times) continue;
    if (!fits(reply.match, head, body, asked)) continue;
    if (reply.times) ++used_[&reply];
    return &reply;
  }
  return nullptr;
}

Pace Messages::pace_for(const ScriptedReply* scripted) const {
  return scripted && scripted->pace ? *scripted->pace : pace_;
}

Reply Messages::message_reply(const Message& answer, bool stream, const Pace& pace) const {
  if (!stream) return json_reply(200, message_of(answer));
  return stream_reply(steps_of(events_of(answer), pace));
}

Reply Messages::reply(const ScriptedReply* scripted, const Known& asked, const std::string& number,
                      bool joined) {
  const Pace pace = pace_for(scripted);
  if (scripted) {
    if (const auto* stream = std::get_if<ScriptedStream>(&scripted->answer)) {
      Reply reply = stream_reply(stream->steps);
      if (joined && !pace.by_event) join_steps(reply);
      return reply;
    }
    if (const auto* body = std::get_if<ScriptedBody>(&scripted->answer))
      return json_reply(scripted->status, body->body);
    if (const auto* error = std::get_if<ScriptedError>(&scripted->answer))
      return error_reply(scripted->status, error->type, error->message, "req_011C" + number);
  }
  const auto kept = by_asked_.find(asked.get());
  auto* memory = kept == by_asked_.end() ? nullptr : &kept->second->replies;
  std::shared_ptr<const Prepared> prepared;
  if (memory && joined)
    if (const auto found = memory->find(scripted); found != memory->end()) prepared = found->second;
  if (!prepared) {
    Message answer = answer_for(scripted, *asked);
    fill_ids(answer, kStandIn);
    Prepared made{message_reply(answer, asked->stream, pace), {}};
    if (joined && !pace.by_event) join_steps(made.reply);
    made.numbers = stand_ins(made.reply);
    const bool is_small = body_size(made.reply) <= kLargestPrepared;
    prepared = std::make_shared<const Prepared>(std::move(made));
    if (memory && joined && is_small) memory->emplace(scripted, prepared);
  }
  Reply reply = prepared->reply;
  for (const auto& [step, place] : prepared->numbers)
    reply.steps[step].bytes.replace(place, number.size(), number);
  return reply;
}

Reply Messages::huge_reply(const ScriptedReply* scripted, const Known& asked,
                           const std::string& number, std::size_t bytes) {
  Message answer = answer_for(scripted, *asked);
  fill_ids(answer, number);
  make_huge(answer, bytes);
  return message_reply(answer, asked->stream, pace_for(scripted));
}

std::string Messages::batch_message(const ReceivedRequest& asked, const std::string& number) {
  Message answer = demo_message(asked);
  fill_ids(answer, number);
  return message_of(answer);
}

}  // namespace ccproxy::mock
