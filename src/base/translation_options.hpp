// How a person wants requests translated: the keys `strict`, `defaultModel` and `translation.*` of
// the configuration, as plain values. `config` reads them and `dialect` goes by them, and neither
// knows the other.
#pragma once

#include <cstdint>
#include <string>

namespace ccproxy {

enum class ResponseModel { kAsked, kUpstream };  // whose name for it an answer has
enum class ReasoningDisplay {
  kAuto,
  kOmitted,
  kSummarized
};                                          // kAuto: when reasoning was asked for
enum class MidSystem { kAuto, kReminder };  // late system messages
enum class StrictTools { kAuto, kOff };
enum class CustomAsFunction { kAuto, kAlways, kNever };  // kAuto: for Cursor
// How Responses tells that the model declined: as a refusal part, as text, or as an answer that is
// not complete.
enum class RefusalStyle { kPart, kText, kIncomplete };

struct TranslationOptions {
  bool strict = false;  // what cannot be carried over is refused instead of reported
  std::string default_model = "claude-sonnet-5-5";  // for a request that names none
  std::int64_t default_max_tokens = 0;              // 0: the model's own maximum
  bool prompt_caching = true;
  ResponseModel response_model = ResponseModel::kAsked;
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
