#include "mock/oauth_page.hpp"

#include <fmt/format.h>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "http/head.hpp"

namespace ccproxy::mock {

Parameters parameters_of(std::string_view query) {
  Parameters parameters;
  if (query.starts_with('?')) query.remove_prefix(1);
  while (!query.empty()) {
    const std::string_view item = take_item(query, '&');
    const auto equals = item.find('=');
    parameters[percent_decoded(item.substr(0, equals))] =
        equals == std::string_view::npos ? "" : percent_decoded(item.substr(equals + 1));
  }
  return parameters;
}

Reply page(int status, std::string_view title, const std::string& body) {
  Reply reply;
  reply.status = status;
  http::append_field(reply.fields, "content-type", "text/html; charset=utf-8");
  http::append_field(reply.fields, "cache-control", "no-store");
  reply.steps.push_back(Step{fmt::format("<!doctype html><title>{0}</title><h1>{0}</h1>{1}\n",
                                         html_escaped(title), body)});
  return reply;
}

Reply redirect(const std::string& to) {
  Reply reply;
  reply.status = 302;
  http::append_field(reply.fields, "location", to);
  return reply;
}

}  // namespace ccproxy::mock
