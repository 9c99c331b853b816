// Texts that share their memory: for a list that may have hundreds of thousands of them, most of
// them short.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ccproxy {

class TextList {
 public:
  [[nodiscard]] std::size_t count() const { return ends_.size(); }
  [[nodiscard]] bool empty() const { return ends_.empty(); }
  // Of all of them.
  [[nodiscard]] std::size_t bytes() const { return text_.size(); }
  // The view dies with the next text that is added.
  [[nodiscard]] std::string_view operator[](std::size_t index) const {
    const std::size_t begin = index == 0 ? 0 : ends_[index - 1];
    return std::string_view(text_).substr(begin, ends_[index] - begin);
  }

  void reserve(std::size_t count, std::size_t bytes) {
    ends_.reserve(count);
    text_.reserve(bytes);
  }
  void add(std::string_view text) {
    text_ += text;
    end_text();
  }
  // What is appended to it, until end_text(), is the next text.
  [[nodiscard]] std::string& next_text() { return text_; }
  void end_text() { ends_.push_back(text_.size()); }

 private:
  std::string text_;
  std::vector<std::size_t> ends_;
};

}  // namespace ccproxy
