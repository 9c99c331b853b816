// The user's options for the translation of requests: the keys `strict`, `defaultModel` and
// `translation.*` of the configuration, as plain values. `config` reads them and `dialect` follows
// them, and neither knows the other.
#pragma once

#include <cstdint>
#include <string>

namespace ccproxy {

// The model's name in a reply: the one in the client's request, or the upstream's.
enum class ResponseModel { kRequested, kUpstream };

// Whether Chat Completions asks the upstream for the model's thinking in words. kAuto: when the
// client's request asks for reasoning.
enum class ReasoningDisplay { kAuto, kOmitted, kSummarized };

// How a system message after the first turn is sent. kAuto: as one, where the model takes it.
enum class MidSystem { kAuto, kReminder };

enum class StrictTools { kAuto, kOff };

// Whether calls of custom tools reach the client as function calls. kAuto: for Cursor only.
enum class CustomAsFunction { kAuto, kAlways, kNever };

// How a Responses reply says that the model has declined: as a refusal part, as text, or as a
// response that is incomplete.
enum class RefusalStyle { kPart, kText, kIncomplete };

struct TranslationOptions {
  bool strict = false;  // a field that cannot be translated is an error instead of a warning
  std::string default_model = "claude-sonnet-5-5";  // for a request that names none
  std::int64_t default_max_tokens = 0;              // 0: the model's own maximum
  bool prompt_caching = true;
  ResponseModel response_model = ResponseModel::kRequested;
  ReasoningDisplay chat_reasoning_display = ReasoningDisplay::kAuto;
  MidSystem mid_system = MidSystem::kAuto;
  StrictTools strict_tools = StrictTools::kAuto;
  bool eager_input_streaming = false;
  bool verbosity_hint = false;
  bool fast_mode = false;
  bool web_search = true;
  CustomAsFunction custom_as_function = CustomAsFunction::kAuto;
  RefusalStyle refusal_style = RefusalStyle::kPart;
};

}  // namespace ccproxy
