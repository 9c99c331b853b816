# See error_words. One line at a time: a string does not go over a line's end, and what follows //
# outside of one is a comment.

function complain(what) {
  print FILENAME ":" FNR ": " what ": agents ask again where they read this"
  failed = 1
}

function check_text(text) {
  text = tolower(text)
  if (text ~ /connection lost/ && $0 !~ /kConnectionLost =/) complain("connection lost")
  if (text ~ /timed out/) complain("timed out")
  if (text ~ /server error/) complain("server error")
  if (text ~ /overloaded/ && text ~ / /) complain("overloaded")
  if (text ~ /(http|status) +([1-5][0-9][0-9]([^0-9]|$)|\{\})/) complain("a status number")
}

{
  rest = $0
  while (match(rest, /\/\/|"([^"\\]|\\.)*"/)) {
    found = substr(rest, RSTART, RLENGTH)
    if (found == "//") break
    check_text(substr(found, 2, length(found) - 2))
    rest = substr(rest, RSTART + RLENGTH)
  }
}

END { exit failed }
