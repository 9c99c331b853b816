# See error_words. Reads line by line: a string does not span lines, and what follows // outside of a
# string is a comment.

function report(what) {
  print FILENAME ":" FNR ": " what ": agents retry when they read this"
  failed = 1
}

function check_text(text) {
  text = tolower(text)
  if (text ~ /connection lost/ && $0 !~ /kConnectionLost =/) report("connection lost")
  if (text ~ /timed out/) report("timed out")
  if (text ~ /server error/) report("server error")
  if (text ~ /overloaded/ && text ~ / /) report("overloaded")
  if (text ~ /(http|status) +([1-5][0-9][0-9]([^0-9]|$)|\{\})/) report("a status number")
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
