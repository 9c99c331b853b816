// Any body on the route of Responses is either refused with a message or becomes a request that the
// Messages API can take. The first three bytes choose the circumstances, the model's family, the
// configuration and whether there is a history.
#pragma once

#include <string>
#include <string_view>

#include "dialect/request/reasoning_token.hpp"
#include "dialect/responses/request.hpp"
#include "fuzz/chat_decoder.hpp"
#include "fuzz/responses_encoder.hpp"

namespace ccproxy::fuzz {

inline constexpr std::string_view kHistoryBlocks =
    R"({"type":"thinking","thinking":"t","signature":"S"},{"type":"text","text":"said"},)"
    R"({"type":"tool_use","id":"toolu_1","name":"f","input":{"a":1}})";

// Adds stored items that refer to themselves and to each other, each as an input and as an output
// item.
inline void add_tangled_items(dialect::History& history) {
  const auto add = [&history](const char* id, const char* json) {
    for (const bool is_output : {false, true})
      history.items.emplace(
          id + std::string(is_output ? "_out" : ""),
          dialect::StoredInputItem{json, is_output, {.blocks = "", .items = json}});
  };
  add("rs_self", R"({"id":"rs_self"})");
  add("ws_self", R"({"id":"ws_self_out","type":"web_search_call"})");
  add("rs_a", R"({"id":"rs_b"},{"type":"item_reference","id":"rs_c_out"})");
  add("rs_b", R"({"id":"rs_c","type":null})");
  add("rs_c", R"({"type":"item_reference","id":"rs_a_out"},{"id":"ws_self"})");
  history.turns.push_back(
      {R"({"id":"rs_a"},{"id":"rs_self","type":""},{"type":"item_reference","id":"rs_c"})",
       {.blocks = "", .items = R"({"id":"rs_a_out"},{"id":"ws_1","type":"web_search_call"})"}});
}

// Returns a history with a response before this one and items that a request may refer to.
inline dialect::History sample_history(std::string_view family) {
  dialect::StoredOutput output{.blocks = std::string(kHistoryBlocks)};
  output.family = family;
  dialect::History history;
  history.turns.push_back({R"({"type":"message","role":"user","content":"before"})", output});
  history.turns.back().output.is_incomplete = true;
  for (const char* id : {"rs_1", "msg_1", "fc_1", "ws_1"})
    history.items.emplace(id, dialect::StoredInputItem{"{}", true, output});
  history.items.emplace("msg_in_1",
                        dialect::StoredInputItem{R"({"role":"user","content":"named"})"});
  add_tangled_items(history);
  return history;
}

class ResponsesRequest {
 public:
  explicit ResponsesRequest(std::string_view& input) : choice_(take_byte(input)) {
    const auto& families = models().families();
    can_ = anthropic::capabilities_of(families[take_byte(input) % families.size()]);
    options_ = chosen_options(take_byte(input));
    is_strict_ = choice_.next();
    keeps_ = choice_.next();
    compacts_ = choice_.next();
    counts_ = choice_.next();
    if (choice_.next()) history_ = sample_history(can_.family);
    remembers_ = choice_.next();
  }

  [[nodiscard]] bool counts() const { return counts_; }

  [[nodiscard]] Result<dialect::Decoded> decode(std::string_view body) const {
    json::Outline outline;
    if (const auto read = outline.read(body); !read) return fail(read.error());
    const auto model = dialect::requested_model(outline, "claude-sonnet-5");
    if (!model) return fail(model.error());
    const MemoryOfEveryId memory;
    const dialect::RequestContext context{.requested = *model,
                                          .model = "claude-sonnet-5",
                                          .can = can_,
                                          .options = options_,
                                          .strict = is_strict_,
                                          .account = "account",
                                          .memory = remembers_ ? &memory : nullptr,
                                          .history = &history_,
                                          .can_store = keeps_,
                                          .compacts = compacts_,
                                          .counts = counts_};
    return dialect::decode_responses(outline, context);
  }

 private:
  Bits choice_;
  anthropic::Capabilities can_;
  TranslationOptions options_;
  dialect::History history_;
  bool is_strict_ = false, keeps_ = false, compacts_ = false, counts_ = false, remembers_ = false;
};

// Checks that the response object is valid with what the plan echoes of the request.
inline std::string fault_of_response_plan(dialect::ReplyPlan plan) {
  const std::string events =
      "data: {\"type\":\"message_start\",\"message\":{}}\n\n"
      "data: {\"type\":\"content_block_start\",\"content_block\":{\"type\":\"text\",\"text\":"
      "\"a\"}}\n\n"
      "data: {\"type\":\"content_block_stop\"}\n\n"
      "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}\n\n"
      "data: {\"type\":\"message_stop\"}\n\n";
  if (plan.responses.is_compaction) return "";  // its object has another shape
  plan.stream = true;
  const std::string stream = dialect::test::replay_response(events, plan);
  plan.stream = false;
  return dialect::test::fault_of_response(stream, dialect::test::replay_response(events, plan));
}

inline std::string fault_of_responses_decoder(std::string_view input) {
  const ResponsesRequest request(input);
  const auto decoded = request.decode(input);
  if (!decoded && decoded.error().kind == ErrorKind::kNotFound)
    return json::is_utf8(decoded.error().message) ? "" : "an error is not UTF-8";
  if (!decoded) return fault_of_refusal(decoded.error(), input);
  const auto again = request.decode(input);
  if (!again || again->body != decoded->body || again->plan.ignored != decoded->plan.ignored ||
      again->plan.responses.echo != decoded->plan.responses.echo)
    return "decoded twice, it is another request";
  const int min_tokens = decoded->plan.responses.is_prewarm ? 0 : 1;
  const std::string fault = request.counts() ? fault_of_json(decoded->body)
                                             : fault_of_upstream_request(decoded->body, min_tokens);
  if (!fault.empty()) return fault + "\n" + decoded->body;
  return fault_of_response_plan(decoded->plan);
}

}  // namespace ccproxy::fuzz
