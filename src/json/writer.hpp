// Writes JSON from front to back into a string, without a tree. The writer adds commas and escapes;
// the caller must nest arrays, objects and members correctly.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace ccproxy::json {

// Appends `text` as a JSON string with quotes. Bytes that are not UTF-8 become U+FFFD, so that the
// result is always valid JSON.
void append_quoted(std::string& out, std::string_view text);

class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  Writer& begin_object() { return open('{'); }
  Writer& end_object() { return close('}'); }
  Writer& begin_array() { return open('['); }
  Writer& end_array() { return close(']'); }

  Writer& key(std::string_view name) {
    comma();
    append_quoted(out_, name);
    out_ += ':';
    fresh_ = true;
    return *this;
  }

  Writer& value(std::string_view text) {
    comma();
    append_quoted(out_, text);
    return *this;
  }
  Writer& value(const char* text) { return value(std::string_view(text)); }
  Writer& value(bool yes) { return raw(yes ? "true" : "false"); }
  Writer& value(std::nullptr_t) { return raw("null"); }
  Writer& value(std::integral auto number) { return raw(std::to_string(number)); }
  Writer& value(double number);

  // Appends JSON text unchanged. It must be valid.
  Writer& raw(std::string_view json) {
    comma();
    out_ += json;
    return *this;
  }

  // The same without the white space between tokens, for text of a client or of the upstream: the
  // data of a server-sent event must not have line ends.
  Writer& compact(std::string_view json);

  template <class T>
  Writer& member(std::string_view name, const T& content) {
    key(name);
    return value(content);
  }

 private:
  void comma() {
    if (!fresh_) out_ += ',';
    fresh_ = false;
  }
  Writer& open(char bracket) {
    comma();
    out_ += bracket;
    fresh_ = true;
    return *this;
  }
  Writer& close(char bracket) {
    out_ += bracket;
    fresh_ = false;
    return *this;
  }

  std::string& out_;
  bool fresh_ = true;  // the next value is the first one at its level, or follows a key
};

}  // namespace ccproxy::json
