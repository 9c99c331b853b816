// What was found out while a request was translated: what could not be carried over, and the first
// thing that is wrong with it. A decoder notes and goes on, and looks once at the end.
#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "dialect/reply_plan.hpp"
#include "json/outline.hpp"

namespace ccproxy::dialect {

// A header value: characters outside [A-Za-z0-9_.[]-] become '?', at most 32 names and 1 KiB, then
// "...".
[[nodiscard]] std::string header_list(const std::vector<std::string>& names);

// True for a value that means the same as leaving its member out (0, false, null, "", [], {}): such
// a member is never reported.
[[nodiscard]] bool is_as_left_out(json::Value value);

// What an element of a list is called, as `input[3].type`; `member` has its dot.
[[nodiscard]] std::string element_param(std::string_view list, std::size_t index,
                                        std::string_view member = {});

class Report {
 public:
  // `plan` takes what is ignored and warned of. When `strict`, both are refused instead.
  Report(ReplyPlan& plan, bool strict) : plan_(plan), strict_(strict) {}

  // The field is not carried over, and the client is told.
  void ignore(std::string_view param, std::string_view code = "unsupported_parameter");
  // The same for what an API's own reply has: a client sends back what it got, so that is no reason
  // to refuse it.
  void ignore_of_reply(std::string_view param);
  // Something was changed on the way; `param` names the field that is to blame.
  void warn(std::string_view token, std::string_view param,
            std::string_view code = "unsupported_value");
  // The same for what may stand in each of a hundred thousand elements: the field is only named
  // where somebody is told its name.
  template <std::invocable Param>
  void warn(std::string_view token, const Param& param,
            std::string_view code = "unsupported_value") {
    if (strict_)
      warn(token, std::string_view(param()), code);
    else
      note(token);
  }
  void refuse(std::string_view param, std::string_view code, std::string message);

  // What follows was found in a response before this one: errors name `previous_response_id` and
  // that response, and what they say of a place is of its input. leave_response() ends that.
  void enter_response(std::string_view id) { response_ = id; }
  void leave_response() { response_.reset(); }

  void refuse_type(std::string_view param, std::string_view expected);
  // What the request names is not there (404).
  void refuse_missing(std::string_view param, std::string message);

  [[nodiscard]] bool refused() const { return error_.has_value(); }
  [[nodiscard]] tl::unexpected<Error> take_error() { return fail(std::move(*error_)); }

 private:
  void note(std::string_view warning);
  [[nodiscard]] std::string blamed(std::string_view param) const;
  [[nodiscard]] std::string explained(std::string message) const;

  ReplyPlan& plan_;
  bool strict_;
  std::optional<std::string_view> response_{};
  std::optional<Error> error_{};
};

}  // namespace ccproxy::dialect
