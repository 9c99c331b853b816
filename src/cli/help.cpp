#include "cli/help.hpp"

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace ccproxy::cli {
namespace {

constexpr std::size_t kColumns = 80;
constexpr std::size_t kIndent = 2;
constexpr std::size_t kMaxNameWidth = 22;  // a longer name has a line of its own

// Appends `text` in lines that end before the last column. The first begins at column `at`, the
// others at `margin`.
void append_wrapped(std::string& out, std::string_view text, std::size_t at, std::size_t margin) {
  bool is_first = true;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    if (!is_first && at + 1 + word.size() > kColumns) {
      out.append("\n").append(margin, ' ');
      at = margin;
    } else if (!is_first) {
      out += ' ';
      ++at;
    }
    out += word;
    at += word.size();
    is_first = false;
  }
  out += '\n';
}

void append_rows(std::string& out, std::string_view title, const std::vector<HelpRow>& rows) {
  if (rows.empty()) return;
  std::size_t name_width = 0;
  for (const HelpRow& row : rows)
    if (row.name.size() <= kMaxNameWidth) name_width = std::max(name_width, row.name.size());
  const std::size_t margin = kIndent + name_width + 2;
  out.append("\n").append(title).append(":\n");
  for (const HelpRow& row : rows) {
    out.append(kIndent, ' ').append(row.name);
    std::size_t at = kIndent + row.name.size();
    if (at + 2 > margin) {
      out += '\n';
      at = 0;
    }
    out.append(margin - at, ' ');
    append_wrapped(out, row.about, margin, margin);
  }
}

}  // namespace

std::string text_of(const HelpPage& page) {
  std::string out = "Usage: " + page.usage + "\n\n";
  append_wrapped(out, page.about, 0, 0);
  append_rows(out, "Arguments", page.arguments);
  append_rows(out, "Commands", page.commands);
  append_rows(out, "Flags", page.flags);
  if (!page.examples.empty()) out.append("\nExamples:\n").append(page.examples);
  return out;
}

}  // namespace ccproxy::cli
