// What a test or a person tells the simulated API to answer: JSON to plain structs, strictly. A
// misspelt key is an error that names its place, since a script that is half understood proves
// nothing. It refuses to know connections.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "json/document.hpp"
#include "mock/answer.hpp"
#include "mock/fault.hpp"

namespace ccproxy::mock {

using Milliseconds = std::chrono::milliseconds;

// How a streamed answer leaves.
struct Pace {
  bool by_event = false;  // each event is a write of its own; else all of them are one
  Milliseconds pause{0};  // before each event

  [[nodiscard]] static Pace at_once() { return {}; }
  [[nodiscard]] static Pace human() { return {true, Milliseconds(25)}; }
};

// "none", "events" or "human"; nothing for another word.
[[nodiscard]] std::optional<Pace> pace_named(std::string_view name);

// Which requests a reply is for. What is left out fits every request.
struct Match {
  std::string method = "POST";
  std::string path = "/v1/messages";  // without the query; `*` stands for anything
  std::string model{};                // `*` stands for anything
  std::vector<std::pair<std::string, std::string>> headers{};  // name, pattern of the value
  std::string body_contains{};
  std::optional<bool> stream{};
};

// One thing in a scripted stream.
struct Step {
  std::string bytes;      // as they go out
  bool is_event = true;   // a border between events lies behind it
  Milliseconds pause{0};  // before it
};

// The demo answers, as without a script.
struct DemoAnswer {};

// A message from blocks, streamed or whole as the request asks.
struct ScriptedMessage {
  std::vector<Block> content;
  std::string stop_reason;  // empty: tool_use when a tool is called, else end_turn
  json::Document stop_sequence = nullptr;
  json::Document extra = json::Document::object();
};

// An event stream as it stands in the script, whatever the request asks.
struct ScriptedStream {
  std::vector<Step> steps;
};

// A body as it stands in the script.
struct ScriptedBody {
  std::string body;
};

// An error body in Anthropic's shape.
struct ScriptedError {
  std::string type, message;
};

struct ScriptedReply {
  Match match{};
  std::optional<std::int64_t> times{};  // how often it may be used; nothing: always
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers{};
  std::variant<DemoAnswer, ScriptedMessage, ScriptedStream, ScriptedBody, ScriptedError> answer{};
  json::Document usage = json::Document::object();  // laid over what is counted
  std::optional<Fault> fault{};
  std::optional<Pace> pace{};
  Milliseconds delay{0};  // before the head
};

struct Script {
  std::vector<ScriptedReply> replies{};
};

// Fails with kConfiguration; the message names the place, such as replies[2].times.
[[nodiscard]] Result<Script> parse_script(std::string_view text);

// True when `text` is like `pattern`, where `*` stands for any characters.
[[nodiscard]] bool is_like(std::string_view text, std::string_view pattern);

// The error type that Anthropic pairs with a status.
[[nodiscard]] std::string_view error_type_of(int status);

}  // namespace ccproxy::mock
