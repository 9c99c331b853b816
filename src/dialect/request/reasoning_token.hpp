// Signed thinking on its way through a client that keeps it for us (`encrypted_content`): ours
// alone to read, and told apart from what other programs made (rule B.5.7).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ccproxy::dialect {

// Who may send it back: signatures are bound to the model's family, and some to the account.
struct ThoughtOwner {
  std::string_view family{};
  std::string_view account{};  // empty where the family does not ask
};

// `block` is the thinking block as upstream wrote it, JSON.
[[nodiscard]] std::string encode_reasoning(std::string_view block, const ThoughtOwner& owner);

// The block; nothing for what another program made, and for another family or account.
[[nodiscard]] std::optional<std::string> open_thought(std::string_view sealed,
                                                      const ThoughtOwner& owner);

// A summary that stands for a conversation before it (`compaction`).
[[nodiscard]] std::string seal_summary(std::string_view text);
[[nodiscard]] std::optional<std::string> open_summary(std::string_view sealed);

}  // namespace ccproxy::dialect
