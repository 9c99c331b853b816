// An item of a Responses input: what it is, and the members that it is told by, looked up once for
// all who ask. A request may have hundreds of thousands of items.
#pragma once

#include <cstdint>
#include <string_view>

#include "dialect/request/block.hpp"
#include "json/outline.hpp"

namespace ccproxy::dialect {

enum class ItemKind : std::uint8_t {
  kUntyped,  // a message, where it has a role
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
  kForeign,  // of other providers' tools
  kUnknown,
};

struct ItemType {
  std::string_view name{};
  ItemKind kind = ItemKind::kUnknown;
  std::string_view prefix = "item";  // that ids of such items begin with
  bool is_call = false;              // of a tool that the client runs
  bool has_status = false;
  bool is_read = true;  // and not left out as a whole, or replayed as it was
};

// `type` is escaped.
[[nodiscard]] const ItemType& item_type_of(std::string_view type);

// Views of the request, which must outlive it.
struct Item {
  explicit Item(json::Value item);

  // True for an item that says nothing but the id of another: `item_reference`, or an id without a
  // type and a role.
  [[nodiscard]] bool is_reference() const;
  // True for a message of the user's.
  [[nodiscard]] bool is_of_user() const;
  // The breakpoint that it asks for.
  [[nodiscard]] CacheControl cache_control() const;
  // The name that its type has, escaped; empty without.
  [[nodiscard]] std::string_view type_name() const { return type.text().escaped; }

  json::Value value;  // the item itself
  json::Value id{}, type{}, role{}, status{}, content{};
  json::Value call_id{}, name{}, name_space{}, arguments{}, output{};
  json::Value control{}, breakpoint{};

 private:
  // Where a member of that name is held; nullptr when nobody asks for it.
  [[nodiscard]] json::Value* place_of(std::string_view member);
};

}  // namespace ccproxy::dialect
