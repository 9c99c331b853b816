// Decodes a plain chat request into which a test puts members.
#pragma once

#include <span>
#include <string>

#include "dialect/testing/cases.hpp"

namespace ccproxy::dialect::test {

// Decodes a request with one message, "hi", after `members`, a JSON object, has replaced its
// members of the same name.
inline Result<Decoded> decoded_with(const char* members,
                                    std::span<const std::string> refused_schemas = {}) {
  json::Document request = {{"model", "claude-sonnet-4-5"},
                            {"messages", {{{"role", "user"}, {"content", "hi"}}}}};
  request.update(json::Document::parse(members));
  const std::string text = request.dump();
  json::Outline outline;
  if (auto read = outline.read(text); !read) return fail(read.error());
  const auto model = requested_model(outline, "claude-sonnet-4-5");
  if (!model) return fail(model.error());
  const anthropic::Capabilities can =
      anthropic::capabilities_of(*known_models().family_of(model->name));
  const TranslationOptions options;
  return decode_chat(outline, {.requested = *model,
                               .model = model->name,
                               .can = can,
                               .options = options,
                               .refused_schemas = refused_schemas});
}

}  // namespace ccproxy::dialect::test
