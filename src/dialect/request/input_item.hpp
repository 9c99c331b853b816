// An item of a Responses input: its type, and the members that readers need, found in one walk over
// it, since a request may have hundreds of thousands of items.
#pragma once

#include <cstdint>
#include <string_view>

#include "dialect/request/block.hpp"
#include "json/outline.hpp"

namespace ccproxy::dialect {

enum class ItemKind : std::uint8_t {
  kUntyped,  // a message, if it has a role
  kMessage,
  kReference,
  kReasoning,
  kCompaction,
  kCompactionTrigger,
  kConfiguration,
  kTools,
  kSearch,
  kFunctionCall,
  kCustomCall,
  kLocalShellCall,
  kShellCall,
  kPatchCall,
  kToolSearchCall,
  kResult,
  kLocalShellResult,
  kShellResult,
  kPatchResult,
  kToolSearchResult,
  kForeign,  // of tools of other providers
  kUnknown,
};

struct ItemType {
  std::string_view name{};
  ItemKind kind = ItemKind::kUnknown;
  std::string_view prefix = "item";  // of the ids of such items
  bool is_call = false;              // of a tool that the client runs
  bool has_status = false;           // the API lists it with a `status`
  bool is_read = true;               // it is neither left out as a whole nor replayed as it was
};

// The row of an item's type, which is escaped; one for unknown types where it is unknown.
[[nodiscard]] const ItemType& item_type_of(std::string_view type);

// Views of the item, whose text and outline must outlive it.
struct Item {
  explicit Item(json::Value item);

  // True for an item that only refers to another: an `item_reference`, or an id without a type and
  // a role.
  [[nodiscard]] bool is_reference() const;
  // True for a message of the user.
  [[nodiscard]] bool is_of_user() const;
  // The cache breakpoint that it requests.
  [[nodiscard]] CacheControl cache_control() const;
  // The type, escaped; empty without.
  [[nodiscard]] std::string_view type_name() const { return type.text().escaped; }

  json::Value value;  // the item itself
  json::Value id{}, type{}, role{}, status{}, content{};
  json::Value call_id{}, name{}, tool_namespace{}, arguments{}, output{};
  json::Value control{}, breakpoint{};

 private:
  // The field for a member of that name; nullptr when no reader needs it.
  [[nodiscard]] json::Value* field_of(std::string_view member);
};

}  // namespace ccproxy::dialect
