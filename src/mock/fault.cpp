#include "mock/fault.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/text.hpp"

namespace ccproxy::mock {
namespace {

std::optional<std::int64_t> number_of(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// Returns the word that a fault accepts instead of a number; "" when it accepts none.
std::string_view word_of(FaultKind kind) {
  if (kind == FaultKind::kDeadKeepalive) return "late";
  if (kind == FaultKind::kTwoLengths) return "te";
  return {};
}

Result<void> take_value(Fault& fault, std::string_view name, std::string_view text) {
  const std::string_view word = word_of(fault.kind);
  if (!word.empty() && text == word) {
    fault.word = word;
    return {};
  }
  const auto colon = text.find(':');
  fault.value = number_of(text.substr(0, colon));
  if (colon != std::string_view::npos) fault.second = number_of(text.substr(colon + 1));
  const bool is_whole = fault.value && (colon == std::string_view::npos || fault.second);
  if (is_whole && (*fault.value >= 0 || fault.kind == FaultKind::kBadLength)) return {};
  return fail(ErrorKind::kConfiguration,
              fmt::format("fault {}: \"{}\" is not a valid value", name, text));
}

}  // namespace

Result<Fault> parse_fault(std::string_view text) {
  const auto equals = text.find('=');
  const std::string_view name = trim(text.substr(0, equals));
  const auto* found = std::find_if(kFaultNames.begin(), kFaultNames.end(),
                                   [&](const FaultName& known) { return known.name == name; });
  if (found == kFaultNames.end()) {
    std::string names;
    for (const FaultName& known : kFaultNames)
      names += fmt::format("{}{}", names.empty() ? "" : ", ", known.name);
    return fail(ErrorKind::kConfiguration,
                fmt::format("\"{}\" is not a fault; the faults are: {}", name, names));
  }
  Fault fault{found->kind};
  if (equals != std::string_view::npos) {
    auto taken = take_value(fault, name, trim(text.substr(equals + 1)));
    if (!taken) return fail(taken.error());
  }
  const bool is_status = fault.kind == FaultKind::kStatus || fault.kind == FaultKind::kEarly;
  if (is_status && fault.value && (*fault.value < 200 || *fault.value > 599))
    return fail(ErrorKind::kConfiguration, fmt::format("fault {}: a status is 200 to 599", name));
  return fault;
}

}  // namespace ccproxy::mock
