// Collects what a decoder finds out about a request: the fields that cannot be translated, and the
// first error. A decoder reports and continues, and checks for an error where it has read a part.
#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "dialect/reply_plan.hpp"
#include "json/outline.hpp"

namespace ccproxy::dialect {

// The names as a header value, with commas between. Characters outside [A-Za-z0-9_.[]-] become '?'.
// The list ends with "..." after 32 names or 1 KiB.
[[nodiscard]] std::string header_list(const std::vector<std::string>& names);

// True for a value that means the same as leaving its member out (0, false, null, "", [], {}): such
// a member is never reported.
[[nodiscard]] bool is_as_left_out(json::Value value);

// The `param` of an element of a list, such as `input[3].type`; `member` has its dot.
[[nodiscard]] std::string element_param(std::string_view list, std::size_t index,
                                        std::string_view member = {});

class Report {
 public:
  // `plan` gains the ignored fields and the warnings, and must outlive the object. When `strict`,
  // both are refused instead.
  Report(ReplyPlan& plan, bool strict) : plan_(plan), strict_(strict) {}

  // Reports a field that is not translated.
  void ignore(std::string_view param, std::string_view code = "unsupported_parameter");
  // The same for a field of an API's own replies. A client sends back what it has received, so it
  // is not refused even when `strict`.
  void ignore_of_reply(std::string_view param);
  // Reports that the request was changed because of the field `param`. `token` is the warning.
  void warn(std::string_view token, std::string_view param,
            std::string_view code = "unsupported_value");
  // The same for what may be found in hundreds of thousands of elements: `param()` is called only
  // where the name is needed.
  template <std::invocable Param>
  void warn(std::string_view token, const Param& param,
            std::string_view code = "unsupported_value") {
    if (strict_)
      warn(token, std::string_view(param()), code);
    else
      add_warning(token);
  }
  // Sets the error (kInvalidRequest), unless there is one.
  void refuse(std::string_view param, std::string_view code, std::string message);

  // Until leave_response(), what is reported was found in the input of an earlier response: errors
  // name `previous_response_id` and the id. `id` must outlive that.
  void enter_response(std::string_view id) { response_ = id; }
  void leave_response() { response_.reset(); }

  // Refuses a field whose JSON type is not the `expected` one, such as "an object".
  void refuse_type(std::string_view param, std::string_view expected);
  // Sets the error kNotFound: something that the request refers to does not exist.
  void refuse_missing(std::string_view param, std::string message);

  [[nodiscard]] bool refused() const { return error_.has_value(); }
  [[nodiscard]] tl::unexpected<Error> take_error() { return fail(std::move(*error_)); }

 private:
  void add_warning(std::string_view warning);
  [[nodiscard]] std::string param_of(std::string_view param) const;
  [[nodiscard]] std::string message_of(std::string message) const;

  ReplyPlan& plan_;
  bool strict_;
  std::optional<std::string_view> response_{};
  std::optional<Error> error_{};
};

}  // namespace ccproxy::dialect
