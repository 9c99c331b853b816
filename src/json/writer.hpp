// Writes JSON front to back into a string, once, with no tree in between. The caller keeps the
// order and the nesting right; commas and escapes are this file's.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace ccproxy::json {

// Appends `text` as a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD, so that
// what is written is always valid JSON.
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

  // JSON text as it is. The caller vouches for it.
  Writer& raw(std::string_view json) {
    comma();
    out_ += json;
    return *this;
  }

  // The same without the white space between its tokens, for text that others wrote: what stands in
  // an event may not have line ends.
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
  bool fresh_ = true;  // nothing stands before the next value at this level
};

}  // namespace ccproxy::json
