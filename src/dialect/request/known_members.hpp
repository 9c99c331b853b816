// Members of tools, messages, parts and items that nobody knows: none of Chat Completions,
// Responses and Anthropic's Messages has them. They are reported, since a client that writes one
// means something by it. It refuses to know what a member means, and never looks into what is not
// the request's: schemas, inputs of tools, metadata.
#pragma once

#include "dialect/request/report.hpp"
#include "json/outline.hpp"

namespace ccproxy::dialect {

// Looks through the tools and the conversation of a request in either of OpenAI's dialects.
void report_unknown_members(json::Value request, Report& report);

}  // namespace ccproxy::dialect
