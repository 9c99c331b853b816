#include "mock/received_request.hpp"

#include <fmt/format.h>

#include <utility>

#include "mock/message.hpp"

namespace ccproxy::mock {
namespace {

using json::Document;

constexpr std::string_view kToolWord = "TOOL";
constexpr std::size_t kMaxDepth = 200;

tl::unexpected<Error> invalid(std::string message, std::string param) {
  return fail(Error{ErrorKind::kInvalidRequest, std::move(message), std::move(param)});
}

// Returns the member of an object, or null.
const Document& member(const Document& object, const char* name) {
  static const Document kNull;
  if (!object.is_object()) return kNull;
  const auto found = object.find(name);
  return found == object.end() ? kNull : *found;
}

std::string text_member(const Document& object, const char* name) {
  const Document& content = member(object, name);
  return content.is_string() ? content.get<std::string>() : std::string();
}

// Returns the text of a message's content: the string itself, or its text blocks joined.
std::string text_in(const Document& content) {
  if (content.is_string()) return content.get<std::string>();
  std::string text;
  if (!content.is_array()) return text;
  for (const Document& block : content)
    if (text_member(block, "type") == "text") text += text_member(block, "text");
  return text;
}

Result<void> validate(const Document& body, bool counting) {
  if (!body.is_object()) return invalid("The request body must be a JSON object", "");
  if (!body.contains("model")) return invalid("model: Field required", "model");
  if (!body["model"].is_string()) return invalid("model: Input should be a valid string", "model");
  if (!body.contains("messages")) return invalid("messages: Field required", "messages");
  const Document& messages = body["messages"];
  if (!messages.is_array()) return invalid("messages: Input should be a valid array", "messages");
  if (messages.empty()) return invalid("messages: at least one message is required", "messages");
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const std::string role = text_member(messages[i], "role");
    if (role != "user" && role != "assistant" && role != "system")
      return invalid(
          fmt::format("messages.{}.role: Input should be 'user', 'assistant' or 'system'", i),
          fmt::format("messages[{}].role", i));
    if (member(messages[i], "content").is_null())
      return invalid(fmt::format("messages.{}.content: Field required", i),
                     fmt::format("messages[{}].content", i));
  }
  if (counting) return {};
  if (!body.contains("max_tokens")) return invalid("max_tokens: Field required", "max_tokens");
  if (!body["max_tokens"].is_number_unsigned())
    return invalid("max_tokens: Input should be a valid integer", "max_tokens");
  return {};
}

void read_last_user_message(const Document& messages, ReceivedRequest& request) {
  for (auto message = messages.rbegin(); message != messages.rend(); ++message) {
    if (text_member(*message, "role") != "user") continue;
    const Document& content = (*message)["content"];
    request.wants_tool = text_in(content).find(kToolWord) != std::string::npos;
    if (content.is_string()) request.last_text = content.get<std::string>();
    if (!content.is_array()) return;
    for (const Document& block : content) {
      const std::string type = text_member(block, "type");
      if (type == "text") request.last_text = text_member(block, "text");
      if (type != "tool_result") continue;
      request.has_tool_result = true;
      request.tool_result = text_in(member(block, "content"));
    }
    return;
  }
}

// Returns the name that follows "TOOL:"; "" when there is none.
std::string tool_name_in(std::string_view text) {
  const auto at = text.find("TOOL:");
  if (at == std::string_view::npos) return {};
  const std::string_view rest = text.substr(at + 5);
  return std::string(rest.substr(0, rest.find_first_of(" \t\n.,;!?\"'")));
}

void read_tools(const Document& body, ReceivedRequest& request) {
  const Document& choice = member(body, "tool_choice");
  const std::string kind = text_member(choice, "type");
  request.must_call = kind == "any" || kind == "tool";
  const Document& tools = member(body, "tools");
  if (!tools.is_array() || kind == "none") return;
  const std::string wanted =
      kind == "tool" ? text_member(choice, "name") : tool_name_in(request.last_text);
  for (const Document& tool : tools) {
    const std::string type = text_member(tool, "type");
    const std::string name = text_member(tool, "name");
    if (name.empty() || (!type.empty() && type != "custom")) continue;  // it runs at the provider
    if (wanted.empty() || name == wanted) {
      request.tool = tool;
      return;
    }
  }
}

void read_thinking(const Document& body, ReceivedRequest& request) {
  const Document& thinking = member(body, "thinking");
  const std::string type = text_member(thinking, "type");
  request.thinks = !type.empty() && type != "disabled";
  request.shows_thinking = text_member(thinking, "display") != "omitted";
}

// Documents are copied and dumped by recursion, so the depth is checked before the body is parsed.
bool is_too_deep(std::string_view text) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string && c == '\\') {
      ++i;
      continue;
    }
    if (c == '"') in_string = !in_string;
    if (in_string) continue;
    if ((c == '[' || c == '{') && ++depth > kMaxDepth) return true;
    if ((c == ']' || c == '}') && depth > 0) --depth;
  }
  return false;
}

std::int64_t guess_tokens(std::size_t bytes) { return static_cast<std::int64_t>(bytes / 4 + 1); }

}  // namespace

Result<ReceivedRequest> parse_request(std::string_view body, bool counting) {
  if (is_too_deep(body)) return invalid("The request body is nested too deeply", "");
  auto document = json::parse_document(body);
  if (!document)
    return invalid("The request body is not valid JSON: " + document.error().message, "");
  auto request = read_request(*document, counting);
  if (request) request->input_tokens = guess_tokens(body.size());
  return request;
}

Result<ReceivedRequest> read_request(const Document& body, bool counting) {
  auto judged = validate(body, counting);
  if (!judged) return fail(judged.error());
  ReceivedRequest request;
  request.model = body["model"].get<std::string>();
  const Document& stream = member(body, "stream");
  request.stream = stream.is_boolean() && stream.get<bool>();
  const Document& limit = member(body, "max_tokens");
  if (limit.is_number_unsigned()) request.max_tokens = limit.get<std::int64_t>();
  request.input_tokens = guess_tokens(request.model.size());
  read_last_user_message(body["messages"], request);
  read_tools(body, request);
  read_thinking(body, request);
  const Document& format = member(member(body, "output_config"), "format");
  if (text_member(format, "type") == "json_schema" && member(format, "schema").is_object())
    request.schema = member(format, "schema");
  return request;
}

}  // namespace ccproxy::mock
