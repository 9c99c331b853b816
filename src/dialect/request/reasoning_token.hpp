// Signed thinking in a form that a client stores and sends back (`encrypted_content`, rule B.5.7):
// JSON as Base64 with a prefix, neither encrypted nor signed. The prefix tells it from the content
// of other programs.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ccproxy::dialect {

// Whose thinking it is: signatures are bound to the family of the model, and some to the account.
struct ThinkingOwner {
  std::string_view family{};
  std::string_view account{};  // empty where signatures are not bound to it
};

// `block` is the thinking block as upstream wrote it, JSON.
[[nodiscard]] std::string encode_reasoning(std::string_view block, const ThinkingOwner& owner);

// The block that was encoded. Nothing for content of another program, family or account.
[[nodiscard]] std::optional<std::string> decode_reasoning(std::string_view encoded,
                                                          const ThinkingOwner& owner);

// The same for the summary of a conversation (a `compaction` item). `text` is plain.
[[nodiscard]] std::string encode_summary(std::string_view text);
[[nodiscard]] std::optional<std::string> decode_summary(std::string_view encoded);

}  // namespace ccproxy::dialect
