// Finds members of tools, messages, parts and items that neither Chat Completions nor Responses nor
// Anthropic's Messages API has. They are reported, since a client that writes one expects an
// effect. It refuses to know what a member means, and never looks into values whose members are the
// client's own: schemas, inputs of tools, metadata.
#pragma once

#include "dialect/request/report.hpp"
#include "json/outline.hpp"

namespace ccproxy::dialect {

// Reports the unknown members in the tools and the conversation of a request in either of OpenAI's
// dialects.
void report_unknown_members(json::Value request, Report& report);

}  // namespace ccproxy::dialect
