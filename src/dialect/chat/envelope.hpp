// The members at the front of every object of a reply.
#pragma once

#include <string>
#include <string_view>

#include "dialect/chat/encoder.hpp"
#include "json/writer.hpp"

namespace ccproxy::dialect {

// Appends an object with the members id, object, created and model and leaves it open.
inline void append_identity(std::string& out, const ReplyIdentity& identity,
                            std::string_view object, std::string_view model) {
  json::Writer writer(out);
  writer.begin_object().member("id", identity.id).member("object", object);
  writer.member("created", identity.created).member("model", model);
}

// Appends the same and the members that only chat has, and leaves the object open.
inline void append_chat_head(std::string& out, const ReplyIdentity& identity,
                             std::string_view object, std::string_view model,
                             std::string_view service_tier) {
  append_identity(out, identity, object, model);
  out.append(R"(,"service_tier":")").append(service_tier);
  out += R"(","system_fingerprint":null)";
}

}  // namespace ccproxy::dialect
