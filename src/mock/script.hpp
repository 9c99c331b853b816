// Scripts: what a test or a user wants the simulated API to reply, parsed strictly from JSON to
// plain structs. A misspelt key is an error that names its place, because a script that is only
// half understood proves nothing. It refuses to know connections.
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
#include "mock/fault.hpp"
#include "mock/message.hpp"

namespace ccproxy::mock {

using Milliseconds = std::chrono::milliseconds;

// How a streamed reply is written.
struct Pace {
  bool by_event = false;  // a write for each event; else one for all
  Milliseconds pause{0};  // before each delta

  [[nodiscard]] static Pace at_once() { return {}; }
  [[nodiscard]] static Pace human() { return {true, Milliseconds(25)}; }
};

// Parses "none", "events" or "human"; nullopt for any other word.
[[nodiscard]] std::optional<Pace> pace_named(std::string_view name);

// Which requests a reply is for. Members that are not set match every request.
struct Match {
  std::string method = "POST";
  std::string path = "/v1/messages";  // without the query; `*` matches anything
  std::string model{};                // `*` matches anything
  std::vector<std::pair<std::string, std::string>> headers{};  // names and patterns of values
  std::string body_contains{};
  std::optional<bool> stream{};
};

// A part of a body that is written at once.
struct Step {
  std::string bytes;      // written as they are
  bool is_event = true;   // an event ends after these bytes
  Milliseconds pause{0};  // before the write
};

// The demo's message, as without a script.
struct DemoContent {};

// A message, streamed or whole as the request asks.
struct ScriptedMessage {
  std::vector<Block> content;
  std::string stop_reason;  // "": tool_use when a tool is called, else end_turn
  json::Document stop_sequence = nullptr;
  json::Document extra = json::Document::object();
};

// The steps of an event stream, whether the request asks for one or not.
struct ScriptedStream {
  std::vector<Step> steps;
};

// The bytes of a body.
struct ScriptedBody {
  std::string body;
};

// An error object in Anthropic's shape.
struct ScriptedError {
  std::string type, message;
};

struct ScriptedReply {
  Match match{};
  std::optional<std::int64_t> times{};  // how often it may be used; nullopt: always
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers{};
  std::variant<DemoContent, ScriptedMessage, ScriptedStream, ScriptedBody, ScriptedError> content{};
  json::Document usage = json::Document::object();  // merged over the usage that is counted
  std::optional<Fault> fault{};
  std::optional<Pace> pace{};
  Milliseconds delay{0};  // before the head
};

struct Script {
  std::vector<ScriptedReply> replies{};
};

// Fails with kConfiguration. The message names the place, such as replies[2].times.
[[nodiscard]] Result<Script> parse_script(std::string_view text);

// Returns true when `text` matches `pattern`, in which `*` stands for any characters.
[[nodiscard]] bool is_like(std::string_view text, std::string_view pattern);

// Returns the error type that Anthropic uses with an HTTP status.
[[nodiscard]] std::string_view error_type_of(int status);

}  // namespace ccproxy::mock
