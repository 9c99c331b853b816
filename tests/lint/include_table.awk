# See include_table. The first file is ARCHITECTURE.md, the others are sources.

function trim(text) {
  gsub(/^[ \t`]+|[ \t`]+$/, "", text)
  return text
}

function report(reason) {
  printf "%s:%d: %s\n", FILENAME, FNR, reason
  failed = 1
}

# Returns a regular expression for the whole path of a glob, whose only wildcard is *.
function pattern(glob) {
  gsub(/[.+]/, "\\\\&", glob)
  gsub(/\*/, ".*", glob)
  return "^" glob "$"
}

# Reads a row: a room is one folder, or several folders, of which the first gives the name. A room
# may include only rooms of earlier rows, so that the graph reads downwards.
function read_room_row(    room, names, count, i, name, library) {
  count = split($2, names, ",")
  room = trim(names[1])
  for (i = 1; i <= count; i++) room_in[trim(names[i])] = room
  count = split($3, names, ",")
  for (i = 1; i <= count; i++) {
    name = trim(names[i])
    if (name == "") continue
    may[room, name] = 1
    if (name ~ /^[a-z]+(\/[a-z]+)?$/ && !(name in rooms)) later_rooms[name] = later_rooms[name] " " room
  }
  rooms[room] = 1
  library = room
  gsub("/", "_", library)
  room_of_library[library] = room
}

function check_order(    name) {
  for (name in later_rooms)
    if (name in rooms) report("room" later_rooms[name] " may include " name ", which stands below")
}

function read_home_row(    library, names, count, i) {
  library = trim($2)
  homes[library] = trim($4)
  count = split($3, names, ",")
  for (i = 1; i <= count; i++) {
    headers++
    header[headers] = trim(names[i])
    owner[headers] = library
  }
}

function is_at_home(library, path,    globs, count, i) {
  count = split(homes[library], globs, ",")
  for (i = 1; i <= count; i++)
    if (path ~ pattern(trim(globs[i]))) return 1
  return 0
}

function may_include(room, name) {
  return room == name || (room, name) in may || ("any", name) in may
}

# Returns whether a test may use the room: `testing` of its outer room, although it stands below.
function may_test_with(room, name) {
  return name ~ /\/testing$/ && substr(room, 1, index(room "/", "/")) "testing" == name
}

# Returns "" when one of the rows that name the header allows it, "unknown" when no row names it,
# otherwise the error of the last row that does.
function error_about(name, room, path, ours,    i, verdict) {
  verdict = "unknown"
  for (i = 1; i <= headers; i++) {
    if (index(name, header[i]) != 1) continue
    if (!ours && !may_include(room, owner[i]))
      verdict = room " may not include " owner[i]
    else if (!is_at_home(owner[i], path))
      verdict = owner[i] " is at home in " homes[owner[i]]
    else
      return ""
  }
  return verdict
}

function check_ours(name, room, path,    verdict, target) {
  if (name !~ /\//) return report("write the room: \"" room "/" name "\"")
  target = room_of(name)
  if (!(target in rooms)) return report("no room is called " target)
  if (!may_include(room, target) && !(path ~ /_test\.cpp$/ && may_test_with(room, target)))
    return report(room " may not include " target)
  verdict = error_about(name, room, path, 1)
  if (verdict != "" && verdict != "unknown") report(verdict)
}

function check_theirs(name, room, path,    verdict) {
  if (name ~ /^[a-z_0-9]+$/) return  # the standard library
  verdict = error_about(name, room, path, 0)
  if (verdict == "unknown") verdict = "no row of ARCHITECTURE.md knows <" name ">"
  if (verdict != "") report(verdict)
}

# Checks a CMakeLists.txt, which may declare several rooms: a library is linked to the room whose
# `room(` precedes it.
function check_links(    words, count, i, target) {
  count = split($0, words, /[ ()]+/)
  for (i = 1; i <= count; i++) {
    if (words[i] == "room") { linking = words[i + 1]; for_tests = 0 }
    if (words[i] ~ /^[A-Z_]+$/) for_tests = words[i] == "TEST_LINKS"
    if (!sub(/^ccproxy_/, "", words[i]) || !(words[i] in room_of_library)) continue
    target = room_of_library[words[i]]
    if (!may_include(linking, target) && !(for_tests && may_test_with(linking, target)))
      report(linking " may not link " target)
  }
}

# Returns the room of a file below src/, or its folder when no row names it.
function room_of(path,    folder) {
  if (path !~ /\//) return "main"
  folder = path
  sub(/\/[^\/]*$/, "", folder)
  return folder in room_in ? room_in[folder] : folder
}

FILENAME == "ARCHITECTURE.md" && /^<!-- [a-z]/ { table = $0; rows = 0; FS = "|"; next }
FILENAME == "ARCHITECTURE.md" && /^<!-- \// { table = ""; FS = " "; next }
FILENAME == "ARCHITECTURE.md" {
  if (table == "" || !/^\|/ || ++rows <= 2) next
  if (table ~ /include-table/) read_room_row()
  if (table ~ /home-table/) read_home_row()
  next
}

FNR == 1 {
  FS = " "
  if (!ordered++) check_order()
  path = substr(FILENAME, 5)
  linking = room = room_of(path)
  sources++
  if (!(room in rooms)) report("room " room " has no row in ARCHITECTURE.md")
}
path ~ /CMakeLists\.txt$/ { sub(/#.*/, ""); check_links(); next }
/^[ \t]*#[ \t]*include[ \t]*"/ { split($0, part, "\""); check_ours(part[2], room, path) }
/^[ \t]*#[ \t]*include[ \t]*</ { split($0, part, /[<>]/); check_theirs(part[2], room, path) }

END {
  if (!headers || !sources) { print "ARCHITECTURE.md: a table or the sources are missing"; failed = 1 }
  exit failed
}
