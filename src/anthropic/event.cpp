#include "anthropic/event.hpp"

namespace ccproxy::anthropic {
namespace {

using json::Member;

// The members of events of any kind.
struct Parts {
  std::string_view type, index, message, block, delta, usage, error;
};

void sort_in(Parts& parts, const Member& member) {
  if (member.key == "type") parts.type = member.value;
  if (member.key == "index") parts.index = member.value;
  if (member.key == "message") parts.message = member.value;
  if (member.key == "content_block") parts.block = member.value;
  if (member.key == "delta") parts.delta = member.value;
  if (member.key == "usage") parts.usage = member.value;
  if (member.key == "error") parts.error = member.value;
}

JsonText text_or_nothing(std::string_view token) {
  return json::text_of(token).value_or(JsonText{});
}

void take(std::optional<std::int64_t>& place, std::string_view token) {
  if (const auto count = json::count_of(token)) place = count;
}

bool is_object(std::string_view token) { return token.starts_with('{'); }

void take_count(TokenCounts& tokens, const Member& member) {
  if (member.key == "input_tokens") take(tokens.input, member.value);
  if (member.key == "output_tokens") take(tokens.output, member.value);
  if (member.key == "cache_read_input_tokens") take(tokens.cache_read, member.value);
  if (member.key == "cache_creation_input_tokens") take(tokens.cache_write, member.value);
}

void add(std::optional<std::int64_t>& sum, std::optional<std::int64_t> more) {
  if (more) sum = sum.value_or(0) + *more;
}

// In a beta, a response that compacts its context has several iterations, and the counts at the top
// are those of the last one. The iterations of an advisor model do not belong to the response.
void sum_iterations(EventReader& reader, std::string_view iterations, TokenCounts& tokens) {
  TokenCounts sum;
  (void)reader.inner.elements(iterations, [&](std::string_view round) {
    TokenCounts one;
    std::string_view type;
    (void)reader.innermost.members(round, [&](const Member& member) {
      if (member.key == "type") type = member.value;
      take_count(one, member);
    });
    if (type != R"("message")" && type != R"("compaction")") return;
    add(sum.input, one.input);
    add(sum.output, one.output);
    add(sum.cache_read, one.cache_read);
    add(sum.cache_write, one.cache_write);
  });
  if (sum.input) tokens.input = sum.input;
  if (sum.output) tokens.output = sum.output;
  if (sum.cache_read) tokens.cache_read = sum.cache_read;
  if (sum.cache_write) tokens.cache_write = sum.cache_write;
}

TokenCounts read_usage(EventReader& reader, std::string_view usage, MessageStart* start) {
  TokenCounts tokens;
  std::string_view iterations;
  (void)reader.middle.members(usage, [&](const Member& member) {
    take_count(tokens, member);
    if (member.key == "output_tokens_details" && is_object(member.value))
      (void)reader.inner.members(member.value, [&](const Member& detail) {
        if (detail.key == "thinking_tokens") take(tokens.thinking, detail.value);
      });
    if (member.key == "iterations") iterations = member.value;
    if (!start) return;
    if (member.key == "service_tier") start->service_tier = text_or_nothing(member.value);
    if (member.key == "speed") start->fast = member.value == R"("fast")";
  });
  if (iterations.starts_with('[')) sum_iterations(reader, iterations, tokens);
  return tokens;
}

MessageEvent message_start(EventReader& reader, const Parts& parts) {
  MessageStart start;
  std::string_view usage;
  (void)reader.middle.members(parts.message, [&](const Member& member) {
    if (member.key == "usage") usage = member.value;
  });
  if (is_object(usage)) start.tokens = read_usage(reader, usage, &start);
  return start;
}

BlockKind kind_of(std::string_view type) {
  if (type == R"("text")") return BlockKind::kText;
  if (type == R"("thinking")") return BlockKind::kThinking;
  if (type == R"("tool_use")") return BlockKind::kToolUse;
  if (type == R"("server_tool_use")") return BlockKind::kServerToolUse;
  if (type == R"("redacted_thinking")") return BlockKind::kRedactedThinking;
  if (type == R"("web_search_tool_result")") return BlockKind::kWebSearchResult;
  return BlockKind::kOther;
}

MessageEvent block_start(EventReader& reader, const Parts& parts) {
  BlockStart start;
  start.index = json::count_of(parts.index).value_or(0);
  start.raw = parts.block;
  (void)reader.middle.members(parts.block, [&](const Member& member) {
    if (member.key == "type") start.kind = kind_of(member.value);
    if (member.key == "id") start.id = text_or_nothing(member.value);
    if (member.key == "name") start.name = text_or_nothing(member.value);
    if (member.key == "text" || member.key == "thinking")
      start.text = text_or_nothing(member.value);
    if (member.key == "signature") start.signature = text_or_nothing(member.value);
    if (member.key == "input") start.input = member.value;
  });
  return start;
}

CitationDelta citation(EventReader& reader, std::string_view raw) {
  CitationDelta citation;
  citation.raw = raw;
  (void)reader.inner.members(raw, [&](const Member& member) {
    if (member.key == "type") citation.type = text_or_nothing(member.value);
    if (member.key == "url") citation.url = text_or_nothing(member.value);
    if (member.key == "source") citation.source = text_or_nothing(member.value);
    if (member.key == "title") citation.title = text_or_nothing(member.value);
    if (member.key == "document_title") citation.document_title = text_or_nothing(member.value);
    if (member.key == "file_id") citation.file_id = text_or_nothing(member.value);
  });
  return citation;
}

MessageEvent block_delta(EventReader& reader, const Parts& parts) {
  std::string_view type, content;  // `content` is the member that has the delta's content
  (void)reader.middle.members(parts.delta, [&](const Member& member) {
    if (member.key == "type") type = member.value;
    if (member.key == "text" || member.key == "thinking" || member.key == "signature" ||
        member.key == "partial_json" || member.key == "citation")
      content = member.value;
  });
  if (type == R"("text_delta")") return TextDelta{text_or_nothing(content)};
  if (type == R"("input_json_delta")") return InputJsonDelta{text_or_nothing(content)};
  if (type == R"("thinking_delta")") return ThinkingDelta{text_or_nothing(content)};
  if (type == R"("signature_delta")") return SignatureDelta{text_or_nothing(content)};
  if (type == R"("citations_delta")" && is_object(content)) return citation(reader, content);
  return OtherDelta{parts.delta};
}

MessageEvent message_delta(EventReader& reader, const Parts& parts) {
  MessageDelta delta;
  (void)reader.middle.members(parts.delta, [&](const Member& member) {
    if (member.key == "stop_reason") delta.stop_reason = text_or_nothing(member.value);
    if (member.key == "stop_sequence") delta.stop_sequence = text_or_nothing(member.value);
    if (member.key == "stop_details" && is_object(member.value))
      (void)reader.inner.members(member.value, [&](const Member& detail) {
        if (detail.key == "category") delta.category = text_or_nothing(detail.value);
        if (detail.key == "explanation") delta.explanation = text_or_nothing(detail.value);
      });
  });
  if (is_object(parts.usage)) delta.tokens = read_usage(reader, parts.usage, nullptr);
  return delta;
}

MessageEvent failure(EventReader& reader, const Parts& parts) {
  Failure failure;
  (void)reader.middle.members(parts.error, [&](const Member& member) {
    if (member.key == "type") failure.type = text_or_nothing(member.value);
    if (member.key == "message") failure.message = text_or_nothing(member.value);
  });
  return failure;
}

}  // namespace

Result<MessageEvent> read_event(EventReader& reader, std::string_view name, std::string_view data) {
  Parts parts;
  auto read =
      reader.outer.members_of_copy(data, [&](const Member& member) { sort_in(parts, member); });
  if (!read)
    return fail(ErrorKind::kUpstreamBroke, "the upstream sent an event that is not a JSON object");
  if (name.empty()) name = text_or_nothing(parts.type).escaped;
  if (name == "content_block_delta") return block_delta(reader, parts);
  if (name == "content_block_start") return block_start(reader, parts);
  if (name == "content_block_stop") return BlockStop{json::count_of(parts.index).value_or(0)};
  if (name == "message_start") return message_start(reader, parts);
  if (name == "message_delta") return message_delta(reader, parts);
  if (name == "message_stop") return MessageStop{};
  if (name == "ping") return Ping{};
  if (name == "error") return failure(reader, parts);
  return Unknown{};
}

}  // namespace ccproxy::anthropic
