#include "json/writer.hpp"

#include <fmt/format.h>

#include <cmath>

#include "json/text.hpp"

namespace ccproxy::json {

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  append_escaped(out, text);
  out += '"';
}

Writer& Writer::compact(std::string_view json) {
  comma();
  append_compact(out_, json);
  return *this;
}

Writer& Writer::value(double number) {
  return std::isfinite(number) ? raw(fmt::format("{}", number)) : raw("null");
}

}  // namespace ccproxy::json
