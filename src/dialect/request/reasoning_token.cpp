#include "dialect/request/reasoning_token.hpp"

#include "base/encoding.hpp"
#include "json/outline.hpp"
#include "json/writer.hpp"

namespace ccproxy::dialect {
namespace {

constexpr std::string_view kReasoning = "ccp1.";
constexpr std::string_view kSummary = "ccpc1.";

std::optional<std::string> payload(std::string_view encoded, std::string_view prefix) {
  if (!encoded.starts_with(prefix)) return std::nullopt;
  return base64url_decoded(encoded.substr(prefix.size()));
}

bool is_signed_thinking(json::Value block) {
  const std::string_view type = block["type"].text().escaped;
  if (type == "thinking") return block["signature"].is_string();
  return type == "redacted_thinking" && block["data"].is_string();
}

}  // namespace

std::string encode_reasoning(std::string_view block, const ThinkingOwner& owner) {
  std::string json;
  json::Writer writer(json);
  writer.begin_object().member("m", owner.family).member("a", owner.account);
  writer.key("b").begin_array().raw(block).end_array().end_object();
  return std::string(kReasoning) + base64url(json);
}

std::optional<std::string> decode_reasoning(std::string_view encoded, const ThinkingOwner& owner) {
  const auto json = payload(encoded, kReasoning);
  json::Outline outline;
  if (!json || !outline.read(*json)) return std::nullopt;
  const json::Value root = outline.root(), blocks = root["b"];
  if (root["m"].decoded() != owner.family) return std::nullopt;
  if (const auto account = root["a"].decoded(); !account.empty() && account != owner.account)
    return std::nullopt;
  for (const json::Value block : blocks.children())
    if (is_signed_thinking(block)) return std::string(block.raw());
  return std::nullopt;
}

std::string encode_summary(std::string_view text) {
  return std::string(kSummary) + base64url(text);
}

std::optional<std::string> decode_summary(std::string_view encoded) {
  return payload(encoded, kSummary);
}

}  // namespace ccproxy::dialect
