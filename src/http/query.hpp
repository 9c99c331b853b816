// The query of a URL: `a=1&b=two%20words`, with or without the question mark before it. Reads what
// clients send and writes what this program sends. It refuses to know what a parameter means, and
// judges nothing: a query that RFC 3986 forbids is read all the same.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace ccproxy::http {

struct QueryParameter {
  std::string_view name;
  std::string_view value;  // "" where there is no '='
};

// Reads a query from front to back. `query` must outlive the reader and what it returns.
class QueryReader {
 public:
  explicit QueryReader(std::string_view query);

  // The next parameter, as it was sent: '+' and percent signs are still there, spaces and tabs
  // around the parameter are not. Empty parameters (`a=1&&b=2`) are passed over.
  [[nodiscard]] std::optional<QueryParameter> next();

 private:
  std::string_view rest_;
};

// The value of the first parameter that has this name, as it was sent; nothing when there is none.
[[nodiscard]] std::optional<std::string_view> query_value(std::string_view query,
                                                          std::string_view name);

// The same decoded, '+' as a space; "" when there is none. `name` is compared as it was sent.
[[nodiscard]] std::string decoded_query_value(std::string_view query, std::string_view name);

// Appends `?name=value&name=value` to a URL without a query. Values are percent-encoded; names must
// need no encoding.
void append_query(std::string& url, std::initializer_list<QueryParameter> parameters);

}  // namespace ccproxy::http
