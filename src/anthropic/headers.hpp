// Which fields of a passed-through message are forwarded, and how betas are merged. Names of fields
// are compared without case. The caller must also drop the fields that the message's Connection
// lists.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace ccproxy::anthropic {

// False for the fields between the client and this server: hop-by-hop fields, Host, framing,
// credentials, traces of proxies, Expect, and Accept-Encoding, which this program sets itself.
[[nodiscard]] bool forwards_request_header(std::string_view name);

// False for hop-by-hop fields, framing, cookies and fields that describe the upstream's server.
[[nodiscard]] bool forwards_response_header(std::string_view name);

// Returns one anthropic-beta value: the items of the client in order, then `added`, each item once.
[[nodiscard]] std::string merge_betas(std::span<const std::string_view> client_lines,
                                      std::span<const std::string_view> added);

}  // namespace ccproxy::anthropic
