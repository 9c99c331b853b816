// What stands at the front of every object that tells an answer to an OpenAI client.
#pragma once

#include <string>
#include <string_view>

#include "dialect/chat/encoder.hpp"
#include "json/writer.hpp"

namespace ccproxy::dialect {

// The object stays open behind its members id, object, created and model.
inline void append_identity(std::string& out, const ReplyIdentity& identity,
                            std::string_view object, std::string_view model) {
  json::Writer writer(out);
  writer.begin_object().member("id", identity.id).member("object", object);
  writer.member("created", identity.created).member("model", model);
}

// The same and what only chat has.
inline void append_chat_head(std::string& out, const ReplyIdentity& identity,
                             std::string_view object, std::string_view model,
                             std::string_view service_tier) {
  append_identity(out, identity, object, model);
  out.append(R"(,"service_tier":")").append(service_tier);
  out += R"(","system_fingerprint":null)";
}

}  // namespace ccproxy::dialect
