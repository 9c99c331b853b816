// A chat request that says one word, with the members of a test over it, decoded.
#pragma once

#include <span>
#include <string>

#include "dialect/testing/cases.hpp"

namespace ccproxy::dialect::test {

// Decodes a request that says "hi" to `model`, with these members over it.
inline Result<Decoded> decoded_with(const char* members,
                                    std::span<const std::string> refused_schemas = {}) {
  json::Document request = {{"model", "claude-sonnet-4-5"},
                            {"messages", {{{"role", "user"}, {"content", "hi"}}}}};
  request.update(json::Document::parse(members));
  const std::string text = request.dump();
  json::Outline outline;
  if (auto read = outline.read(text); !read) return fail(read.error());
  const auto asked = requested_model(outline, "claude-sonnet-4-5");
  if (!asked) return fail(asked.error());
  const anthropic::Capabilities can =
      anthropic::capabilities_of(*known_models().family_of(asked->name));
  const TranslationOptions options;
  return decode_chat(outline, {.asked = *asked,
                               .model = asked->name,
                               .can = can,
                               .options = options,
                               .refused_schemas = refused_schemas});
}

}  // namespace ccproxy::dialect::test
