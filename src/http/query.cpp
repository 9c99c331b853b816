#include "http/query.hpp"

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace ccproxy::http {

QueryReader::QueryReader(std::string_view query) : rest_(query) {
  if (rest_.starts_with('?')) rest_.remove_prefix(1);
}

std::optional<QueryParameter> QueryReader::next() {
  while (!rest_.empty()) {
    const std::string_view item = take_item(rest_, '&');
    if (item.empty()) continue;
    const auto equals = item.find('=');
    if (equals == std::string_view::npos) return QueryParameter{item, {}};
    return QueryParameter{item.substr(0, equals), item.substr(equals + 1)};
  }
  return std::nullopt;
}

std::optional<std::string_view> query_value(std::string_view query, std::string_view name) {
  QueryReader reader(query);
  while (const auto parameter = reader.next())
    if (parameter->name == name) return parameter->value;
  return std::nullopt;
}

std::string decoded_query_value(std::string_view query, std::string_view name) {
  return percent_decoded(query_value(query, name).value_or(""));
}

void append_query(std::string& url, std::initializer_list<QueryParameter> parameters) {
  char separator = '?';
  for (const QueryParameter& parameter : parameters) {
    url += separator;
    url.append(parameter.name).append("=").append(percent_encoded(parameter.value));
    separator = '&';
  }
}

}  // namespace ccproxy::http
