#include "anthropic/request.hpp"

#include "json/writer.hpp"

namespace ccproxy::anthropic {

Result<RequestFacts> read_facts(json::Reader& reader, std::string_view body) {
  RequestFacts facts;
  auto walked = reader.members(body, [&](const json::Member& member) {
    if (member.key == "stream") {
      facts.stream = member.value == "true";
    } else if (member.key == "model") {
      auto name = json::string_of(member.value);
      if (!name) return;  // not a string: the upstream's to refuse
      facts.model = std::move(name);
      facts.models.push_back(
          {static_cast<std::size_t>(member.value.data() - body.data()), member.value.size()});
    }
  });
  if (!walked) return fail(walked.error());
  return facts;
}

void replace_model(std::string& body, const RequestFacts& facts, std::string_view model) {
  std::string quoted;
  json::append_quoted(quoted, model);
  for (auto range = facts.models.rbegin(); range != facts.models.rend(); ++range)
    body.replace(range->at, range->size, quoted);  // from the back, so that earlier ranges hold
}

}  // namespace ccproxy::anthropic
