// Which fields of a passed-through message travel on, and how betas are merged. Field names compare
// without case. What `Connection` names is its caller's to drop: that depends on the message.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace ccproxy::anthropic {

// False for what is between the client and this server: hop-by-hop fields, Host, framing,
// credentials, proxies' trails, Expect, and Accept-Encoding, which is ours to choose.
[[nodiscard]] bool forwards_request_header(std::string_view name);

// False for hop-by-hop fields, framing, cookies and what advertises the upstream's own server.
[[nodiscard]] bool forwards_response_header(std::string_view name);

// One anthropic-beta value: the client's items in order, then ours; exact repeats once.
[[nodiscard]] std::string merge_betas(std::span<const std::string_view> client_lines,
                                      std::span<const std::string_view> ours);

}  // namespace ccproxy::anthropic
