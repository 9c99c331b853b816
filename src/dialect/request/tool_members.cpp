#include "dialect/request/tool_members.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "anthropic/capabilities.hpp"
#include "dialect/request/cache_control.hpp"
#include "json/text.hpp"

namespace ccproxy::dialect {
namespace {

using json::Value;

bool is_in(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

template <class Test>
bool all(Value list, Test test) {
  const auto elements = list.children();
  return std::all_of(elements.begin(), elements.end(), test);
}

// OpenAI's clients may name callers that the provider does not know.
bool is_caller(Value name) {
  return name.text().escaped == "direct" || is_versioned(name.text().escaped);
}

class Reader {
 public:
  Reader(const ToolSource& source, Deferral deferral, std::span<const std::string_view> refused,
         Report& report)
      : source_(source), deferral_(deferral), refused_(refused), report_(report) {}

  ToolMembers run() {
    read_all(source_.inner, source_.inner_at);
    if (source_.is_wrapped()) read_all(source_.tool, "");
    return std::move(members_);
  }

 private:
  void read_all(Value holder, const char* at) {
    for (const Value member : holder.children()) {
      const auto known =
          std::find(anthropic::kToolMembers.begin(), anthropic::kToolMembers.end(), member.name());
      if (known == anthropic::kToolMembers.end() || member.is_absent()) continue;
      const auto index = static_cast<std::size_t>(known - anthropic::kToolMembers.begin());
      if (!std::exchange(seen_[index], true)) read(member, at);
    }
  }

  // A value that means the same as leaving the member out is not reported.
  void read(Value member, const char* at) {
    const std::string_view name = member.name();
    const bool is_flag = name == "defer_loading" || name == "eager_input_streaming";
    if (is_flag ? !member.boolean() : !member.is_array())
      return report_.refuse_type(param(name, at), is_flag ? "a boolean" : "an array");
    if (name == "eager_input_streaming") members_.is_eager_set = true;
    if (is_flag ? member.boolean() == false : member.children().empty()) return;
    if (name == "defer_loading" && deferral_ == Deferral::kLoadedAtOnce) return;
    if (is_in(refused_, name) || !is_meaningful(member)) return report_.ignore(param(name, at));
    if (name == "defer_loading")
      members_.is_deferred = true;
    else
      members_.json.append(",\"").append(name).append("\":").append(member.raw());
  }

  [[nodiscard]] bool is_meaningful(Value member) const {
    if (member.name() == "defer_loading") return deferral_ == Deferral::kForwarded;
    if (member.name() == "allowed_callers") return all(member, is_caller);
    if (member.name() == "input_examples")
      return source_.takes_json && all(member, [](Value example) { return example.is_object(); });
    return true;
  }

  [[nodiscard]] std::string param(std::string_view name, const char* at) const {
    return source_.path.param(fmt::format("{}.{}", at, name));
  }

  const ToolSource& source_;
  Deferral deferral_;
  std::span<const std::string_view> refused_;
  Report& report_;
  ToolMembers members_;
  std::array<bool, anthropic::kToolMembers.size()> seen_{};
};

}  // namespace

std::string ToolPath::param(std::string_view member) const {
  std::string param = holder != nullptr ? holder->param(".") : std::string();
  param += field;
  if (index) param.append("[").append(std::to_string(*index)).append("]");
  return param.append(member);
}

bool is_versioned(std::string_view type) {
  constexpr std::size_t kSuffix = 9;
  if (type.size() <= kSuffix) return false;
  const std::string_view suffix = type.substr(type.size() - kSuffix);
  return suffix.starts_with("_20") && suffix.find_first_not_of("0123456789", 1) == suffix.npos;
}

bool is_tool_search(std::string_view type) { return type.starts_with("tool_search_tool_"); }

ToolMembers read_tool_members(const ToolSource& source, Deferral deferral,
                              std::span<const std::string_view> refused, Report& report) {
  return Reader(source, deferral, refused, report).run();
}

std::string_view forwarded_tool(Value tool, const ToolPath& path,
                                std::span<const std::string_view> refused, Report& report,
                                RequestArena& arena) {
  if (refused.empty()) return without_cache_control(tool, arena);
  std::string rest = "{";
  for (const Value member : tool.children()) {
    if (member.name() == "cache_control") continue;
    if (is_in(refused, member.name())) {
      report.ignore(path.param(fmt::format(".{}", member.name())));
      continue;
    }
    if (rest.size() > 1) rest += ',';
    rest += '"';
    json::append_escaped(rest, member.name());
    rest.append("\":").append(member.raw());
  }
  return arena.store(rest += '}');
}

}  // namespace ccproxy::dialect
