# See rules. Reads the files of docs/rules (part=definitions), then what may cite them: texts
# (part=citations) or names of folders (part=golden).

function report(reason) {
  printf "%s: %s\n", place, reason
  failed = 1
}

function is_dotted(word) { return word ~ /^[A-G]\.[0-9]+(\.[0-9]+)*$/ }
function is_general(word) { return word ~ /^0\.[0-9]+(\.[0-9]+)*$/ }
function is_vector(word) { return word ~ /^P[0-9][0-9]$/ }
function is_case(word) { return word ~ /^[A-E][0-9]+$/ }
function is_number(word) {
  return is_dotted(word) || is_general(word) || is_vector(word) || is_case(word)
}

function cite(number) {
  if (!(number in defined)) report("docs/rules has no " number)
}

# Records a number as defined when it begins a heading, or when it is bold and begins a line, an item
# of a list or a row of a table.
function define(    line, word) {
  line = $0
  if (sub(/^#+ /, "", line)) {
    word = line
    sub(/ .*/, "", word)
  } else {
    sub(/^(\| |- )/, "", line)
    if (line !~ /^\*\*[^*]+\*\*/) return
    word = substr(line, 3)
    sub(/\*\*.*/, "", word)
  }
  if (!is_number(word)) return
  if (word in defined) {
    if (!quiet) report(word " is defined in " defined[word] ", too")
    return
  }
  defined[word] = place
}

# The numbers that a name ends with, such as temperature_p24_b27, or begins with. `chapter_a` says that
# a01 is rule A.1; elsewhere it is case A1.
function cite_name(name, chapter_a,    number, letter, digits) {
  while (match(name, /^[a-ep][0-9][0-9]?_|_[a-ep][0-9][0-9]?$/)) {
    number = substr(name, RSTART, RLENGTH)
    name = substr(name, 1, RSTART - 1) substr(name, RSTART + RLENGTH)
    gsub(/_/, "", number)
    letter = toupper(substr(number, 1, 1))
    digits = substr(number, 2) + 0
    if (letter == "P")
      cite(sprintf("P%02d", digits))
    else if (letter == "A" ? chapter_a : digits < 10)
      cite(letter "." digits)
    else
      cite(letter digits)
  }
}

# Numbers with a point and vectors count anywhere. Numbers that look like something else ("0.5",
# "A4") count only after the word "rule" or "case", or in the title of a client's test.
function cite_words(    line, words, count, i, word) {
  line = $0
  gsub(/([Rr]ule|[Cc]ase)s?[,.;:]/, "-", line)
  count = split(line, words, /[^A-Za-z0-9_.%\\+]+/)
  for (i = 1; i <= count; i++) {
    word = words[i]
    sub(/\.+$/, "", word)
    if (is_dotted(word) || is_vector(word))
      cite(word)
    else if (listing && (is_general(word) || is_case(word)))
      cite(word)
    else if (word ~ /^([Rr]ule|[Cc]ase)s?$/)
      listing = 1
    else if (word == "test" && FILENAME ~ /\.mjs$/)
      listing = 1
    else if (word != "" && word !~ /^(and|or|to)$/)
      listing = 0
  }
}

{ place = FILENAME ":" FNR }
FNR == 1 { listing = 0 }
part == "definitions" { define(); next }
part == "golden" {
  place = $0
  sub(/\/$/, "", place)
  name = place
  sub(/.*\//, "", name)
  gsub(/-/, "_", name)
  cite_name(name, place ~ /\/chat_request\//)
  next
}
/[a-z_]\.md [A-G]?\.?[0-9]/ { report("cite the number of a rule, not a document") }
/^TEST(_[A-Z]+)?\(/ {
  name = $0
  sub(/^[^,]*, */, "", name)
  sub(/\).*/, "", name)
  cite_name(name, 0)
}
{ cite_words() }

END { exit failed }
