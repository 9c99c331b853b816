#include "dialect/reply/usage.hpp"

#include "json/writer.hpp"

namespace ccproxy::dialect {

void ReplyUsage::begin_message() {
  before_ = sum();
  message_ = {};
}

void ReplyUsage::take(const anthropic::TokenCounts& counts) {
  message_.input = counts.input.value_or(message_.input);
  message_.output = counts.output.value_or(message_.output);
  message_.cache_read = counts.cache_read.value_or(message_.cache_read);
  message_.cache_write = counts.cache_write.value_or(message_.cache_write);
  message_.thinking = counts.thinking.value_or(message_.thinking);
}

Tokens ReplyUsage::sum() const {
  return {before_.input + message_.input, before_.output + message_.output,
          before_.cache_read + message_.cache_read, before_.cache_write + message_.cache_write,
          before_.thinking + message_.thinking};
}

namespace {

std::int64_t all_input(const Tokens& tokens) {
  return tokens.input + tokens.cache_read + tokens.cache_write;
}

}  // namespace

void append_chat_usage(std::string& out, const Tokens& tokens) {
  const std::int64_t prompt = all_input(tokens);
  json::Writer writer(out);
  writer.begin_object();
  writer.member("prompt_tokens", prompt).member("completion_tokens", tokens.output);
  writer.member("total_tokens", prompt + tokens.output);
  writer.key("prompt_tokens_details").begin_object();
  writer.member("cached_tokens", tokens.cache_read);
  writer.member("cache_write_tokens", tokens.cache_write).member("audio_tokens", 0).end_object();
  writer.key("completion_tokens_details").begin_object();
  writer.member("reasoning_tokens", tokens.thinking).member("audio_tokens", 0);
  writer.member("accepted_prediction_tokens", 0).member("rejected_prediction_tokens", 0);
  writer.end_object().end_object();
}

void append_usage(std::string& out, const Tokens& tokens) {
  const std::int64_t input = all_input(tokens);
  json::Writer writer(out);
  writer.begin_object().member("input_tokens", input);
  writer.key("input_tokens_details").begin_object();
  writer.member("cached_tokens", tokens.cache_read);
  writer.member("cache_write_tokens", tokens.cache_write).end_object();
  writer.member("output_tokens", tokens.output);
  writer.key("output_tokens_details").begin_object();
  writer.member("reasoning_tokens", tokens.thinking).end_object();
  writer.member("total_tokens", input + tokens.output).end_object();
}

}  // namespace ccproxy::dialect
