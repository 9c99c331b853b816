# See coroutine_rules. Reads each file as one text, and blanks its comments and literals.

# Reports a line once for each reason.
function report(at, reason,    line) {
  line = file ":" line_of(at) ": " reason
  if (!(line in printed)) print line
  printed[line] = 1
  failed = 1
}

function line_of(at,    head) {
  head = substr(text, 1, at)
  return gsub(/\n/, "", head) + 1
}

function is_word(c) { return c ~ /[A-Za-z0-9_]/ }

# Replaces every character but line breaks with a blank, so that positions stay the same.
function blank(piece) {
  gsub(/[^\n]/, " ", piece)
  return piece
}

# Returns the end of the comment, raw string, string or character that begins at `at`; 0 for code.
function skip(s, at,    c, two, rest, end, fence) {
  two = substr(s, at, 2)
  c = substr(two, 1, 1)
  if (two == "//") { end = index(substr(s, at), "\n"); return end ? at + end - 2 : length(s) }
  if (two == "/*") { end = index(substr(s, at), "*/"); return end ? at + end : length(s) }
  if (two == "R\"" && !is_word(substr(s, at - 1, 1))) {
    rest = substr(s, at + 2)
    fence = ")" substr(rest, 1, index(rest, "(") - 1) "\""
    return at + 1 + index(rest, fence) + length(fence) - 1
  }
  if (c == "'" && is_word(substr(s, at - 1, 1))) return 0  # 65'536
  if (c != "\"" && c != "'") return 0
  for (end = at + 1; end <= length(s) && substr(s, end, 1) != c; end++)
    if (substr(s, end, 1) == "\\") end++
  return end
}

# Blanks comments and literals. It copies code in runs up to the next character that may begin one.
function without_literals(s,    out, at, next_at, end) {
  out = ""
  at = 1
  while (match(substr(s, at), /[\/"'R]/)) {
    next_at = at + RSTART - 1
    out = out substr(s, at, RSTART - 1)
    end = skip(s, next_at)
    if (end) out = out blank(substr(s, next_at, end - next_at + 1))
    else out = out substr(s, next_at, 1)
    at = (end ? end : next_at) + 1
  }
  return out substr(s, at)
}

# Returns where the bracket that opens at `at` closes.
function closing(at,    depth, c, size) {
  size = length(text)
  for (depth = 0; at <= size; at++) {
    c = substr(text, at, 1)
    if (c ~ /[(\[{]/) depth++
    else if (c ~ /[)\]}]/ && --depth == 0) return at
  }
  return size
}

# Checks an operand, which ends with its statement, its argument, or the bracket around it. A block
# that follows (an if without its own semicolon) cannot come first: its parenthesis closes before it.
# An empty pair of braces is allowed: it makes an empty view, which frees nothing.
function check_operand(at,    depth, c, end) {
  depth = 0
  for (end = at; end <= length(text); end++) {
    c = substr(text, end, 1)
    if (c == "{" && substr(text, end, 2) != "{}")
      return report(at, "braces inside what co_await waits for: name the value first")
    if (c ~ /[(\[]/) depth++
    else if (c ~ /[)\]}]/ && --depth < 0) return
    else if (depth == 0 && c ~ /[;,?]/) return
  }
}

# Looks for a question mark before co_await in the same statement, outside of closed brackets.
function check_branch(at,    depth, c) {
  depth = 0
  for (at--; at > 0; at--) {
    c = substr(text, at, 1)
    if (c ~ /[)\]]/) depth++
    else if (c ~ /[(\[]/) { if (depth > 0) depth-- }
    else if (c ~ /[;{}]/) return
    else if (c == "?" && depth == 0)
      return report(at, "co_await in a branch of ?: (two plain ifs instead)")
  }
}

function before(at,    c) {
  for (at--; at > 0; at--) {
    c = substr(text, at, 1)
    if (c !~ /[ \t\n]/) return c
  }
  return ";"
}

# Returns where the body of the lambda whose captures close at `at` opens; 0 when there is none.
function body_of(at,    c) {
  for (at++; at <= length(text); at++) {
    c = substr(text, at, 1)
    if (c == "{") return at
    if (c ~ /[;,)\]=:]/ && substr(text, at, 2) != "::") return 0
    if (c == "(") at = closing(at)
  }
  return 0
}

# Checks lambdas from the last to the first, so that an inner one is blanked before its outer one.
function check_lambdas(    at, from, captures, open, close_at, body) {
  for (at = length(text); at > 0; at--) {
    if (substr(text, at, 1) != "[" || before(at) ~ /[A-Za-z0-9_)\]\[&>]/) continue
    from = closing(at)
    captures = substr(text, at + 1, from - at - 1)
    if (!(open = body_of(from))) continue
    close_at = closing(open)
    body = substr(text, open, close_at - open + 1)
    if (captures ~ /[^ \t\n]/ && body ~ /co_(await|return|yield)/)
      report(at, "a coroutine lambda with a capture: make it a function, pass what it needs")
    text = substr(text, 1, open) blank(substr(body, 2, length(body) - 2)) substr(text, close_at)
  }
}

# Looks for byte arrays in a file with coroutines, because they would live in the frame. Static
# storage and arrays of a few bytes are allowed.
function check_frames(    rest, at, found) {
  at = 0
  rest = text
  while (match(rest, /(char|byte|uint8_t)( +[a-z_]+\[|, *)[^;{}()]*[;{]/)) {
    found = substr(rest, RSTART, RLENGTH)
    at += RSTART
    if (is_bytes(found, substr(text, 1, at - 1)))
      report(at, "a buffer in a coroutine's frame: let its owner keep it (" found ")")
    rest = substr(text, at + 1)
  }
}

function is_bytes(found, head,    count) {
  sub(/.*[;{}]/, "", head)
  if (head ~ /static|constexpr|using/) return 0
  if (found ~ /^[a-z0-9_]+,/ && head !~ /array<[^<>]*$/) return 0
  count = found
  gsub(/'/, "", count)
  sub(/^[^\[,]*[\[,] */, "", count)
  return count !~ /^[0-9][0-9]?[^0-9]/
}

function check_file(    at, rest) {
  if (text !~ /co_(await|return|yield)/) return
  text = without_literals(text)
  for (at = 0; match(rest = substr(text, at + 1), /co_await/); at += RSTART + 7) {
    check_operand(at + RSTART + 8)
    check_branch(at + RSTART)
  }
  if (file !~ /_test\.cpp$|^tests\//) check_frames()  # a test has one stream
  check_lambdas()
}

FNR == 1 {
  if (file != "") check_file()
  file = FILENAME
  text = ""
}
{ text = text $0 "\n" }
END {
  if (file != "") check_file()
  exit failed
}
