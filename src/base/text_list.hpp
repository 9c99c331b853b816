// A list of texts in one block of memory, for hundreds of thousands of texts that are mostly short.
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
  // The size of all texts together.
  [[nodiscard]] std::size_t bytes() const { return text_.size(); }
  // The view is valid until the next text is added.
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
  // For a text that is written in pieces: append to the string, then call end_text().
  [[nodiscard]] std::string& next_text() { return text_; }
  void end_text() { ends_.push_back(text_.size()); }

 private:
  std::string text_;
  std::vector<std::size_t> ends_;
};

}  // namespace ccproxy
