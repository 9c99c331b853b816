// The three languages that a client may speak.
#pragma once

namespace ccproxy::dialect {

enum class Dialect {
  kMessages,   // Anthropic's own
  kChat,       // OpenAI Chat Completions, and what is shaped like it
  kResponses,  // OpenAI Responses
};

}  // namespace ccproxy::dialect
