#include "dialect/request/context.hpp"

#include "dialect/request/thinking.hpp"

namespace ccproxy::dialect {

using json::Value;

Result<RequestedModel> requested_model(const json::Outline& request,
                                       std::string_view default_model) {
  const Value root = request.root();
  if (!root.is_object())
    return fail(
        {ErrorKind::kInvalidRequest, "The body must be a JSON object.", "", "invalid_type"});
  const Value model = root["model"];
  if (!model.is_absent() && !model.is_string())
    return fail({ErrorKind::kInvalidRequest, "Invalid type for 'model': expected a string.",
                 "model", "invalid_type"});
  RequestedModel requested{.name = model.decoded()};
  if (requested.name.empty() ||
      requested.name.front() == ':') {  // no name, though an effort may follow
    requested.name.insert(0, default_model);
    requested.defaulted = true;
  }
  const auto colon = requested.name.rfind(':');
  if (colon == std::string::npos ||
      !reasoning_level(std::string_view(requested.name).substr(colon + 1)))
    return requested;
  requested.effort = requested.name.substr(colon + 1);
  requested.name.resize(colon);
  return requested;
}

void append_turn(std::string& body, std::size_t size, std::string_view blocks) {
  body.resize(size - 2);  // ]}
  body.append(R"(,{"role":"assistant","content":[)").append(blocks).append("]}]}");
}

}  // namespace ccproxy::dialect
