#include "mock/oauth/pages.hpp"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "base/encoding.hpp"
#include "http/head.hpp"

namespace ccproxy::mock {
namespace {

Reply page(int status, std::string_view title, std::string_view content) {
  Reply reply{status};
  http::append_field(reply.fields, "content-type", "text/html; charset=utf-8");
  http::append_field(reply.fields, "cache-control", "no-store");
  http::append_field(reply.fields, "content-security-policy", "default-src 'none'");
  reply.steps.push_back(Step{fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{0}</title></head>"
      "\n<body>\n<h1>{0}</h1>\n{1}\n<p>This is the simulated Claude API, not a real account.</p>\n"
      "</body>\n</html>\n",
      title, content)});
  return reply;
}

}  // namespace

Reply consent_page(std::string_view client_id, std::string_view scope,
                   std::string_view redirect_uri, std::string_view target) {
  return page(200, "Sign in",
              fmt::format("<p>The program <code>{0}</code> asks for <code>{1}</code> and continues "
                          "at <code>{2}</code>.</p>\n<p><a href=\"{3}&amp;decision=allow\">Allow"
                          "</a> <a href=\"{3}&amp;decision=deny\">Deny</a></p>",
                          html_escaped(client_id), html_escaped(scope), html_escaped(redirect_uri),
                          html_escaped(target)));
}

Reply code_page(std::string_view code_and_state) {
  return page(200, "Signed in",
              fmt::format("<p>Paste this into the program that asked:</p>\n<p><code>{}</code></p>",
                          html_escaped(code_and_state)));
}

Reply refusal_page(int status, std::string_view what) {
  return page(status, "Not signed in", fmt::format("<p>{}</p>", html_escaped(what)));
}

}  // namespace ccproxy::mock
