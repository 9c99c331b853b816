#include "dialect/request/tool_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/digest.hpp"
#include "base/encoding.hpp"

namespace ccproxy::dialect {
namespace {

constexpr std::size_t kMaxName = 128;
constexpr std::size_t kDigits = 8;  // of the hash

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return is_plain(c); });
}

// The text with an underscore for each character that upstream does not allow.
std::string replaced(std::string_view text) {
  std::string plain;
  plain.reserve(text.size());
  for (const char c : text)
    if ((static_cast<unsigned char>(c) & 0xC0U) != 0x80U) plain += is_plain(c) ? c : '_';
  return plain;
}

void append_number(std::string& out, std::size_t number) {
  const fmt::format_int digits(number);
  out.append(digits.data(), digits.size());
}

}  // namespace

bool is_tool_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxName && is_plain(name);
}

std::string_view ToolNames::announce(std::string_view client) {
  if (!is_tool_name(client) || !taken_.insert(client).second) return {};
  return names_.emplace(client, client).first->second;
}

std::string_view ToolNames::upstream(std::string_view client) {
  const auto [known, is_new] = names_.try_emplace(client);
  if (!is_new) return known->second;
  const bool stays = is_tool_name(client) && taken_.insert(client).second;
  return known->second = stays ? client : replacement(client);
}

std::string_view ToolNames::replacement(std::string_view client) {
  const std::string_view plain = arena_.store(replaced(client));
  if (plain.size() <= kMaxName && taken_.insert(plain).second) return plain;
  std::string name, hash;
  std::size_t digits = kDigits;
  do {
    if (digits > hash.size()) {  // the first, or a client has taken all names of the last one
      hash = hex(sha256(hash.empty() ? client : hash));
      digits = kDigits;
    }
    name = fmt::format("{}_{}", plain.substr(0, kMaxName - 1 - digits),
                       std::string_view(hash).substr(0, digits));
    digits += kDigits;
  } while (taken_.contains(name));
  const std::string_view stored = arena_.store(std::move(name));
  taken_.insert(stored);
  return stored;
}

std::string_view CallIds::assign(std::string_view client, std::string_view fallback) {
  std::string_view id = client;
  if (client.empty()) {
    id = arena_.store(fallback);
  } else if (!is_plain(client)) {
    id = arena_.store(replaced(client));
  }
  if (taken_.insert(id).second) return id;
  std::string numbered;
  for (std::size_t& count = repeats_.try_emplace(id, 1).first->second;;) {
    numbered.assign(id) += '_';
    append_number(numbered, ++count);
    const std::string_view stored = arena_.store(std::string_view(numbered));
    if (taken_.insert(stored).second) return stored;
  }
}

std::string call_id_at(std::size_t message, std::size_t position) {
  std::string id = "call_";
  append_number(id, message);
  id += '_';
  append_number(id, position);
  return id;
}

}  // namespace ccproxy::dialect
