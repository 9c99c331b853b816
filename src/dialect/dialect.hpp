// The three APIs that a client may use.
#pragma once

namespace ccproxy::dialect {

enum class Dialect {
  kMessages,   // Anthropic's own
  kChat,       // OpenAI Chat Completions, and the legacy completions
  kResponses,  // OpenAI Responses
};

}  // namespace ccproxy::dialect
