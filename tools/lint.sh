# shellcheck shell=bash
# Format, rules of the house and clang-tidy.

sources() {
  local folder
  for folder in src tests bench fuzz; do
    [ ! -d "$folder" ] || find "$folder" -name '*.hpp' -o -name '*.cpp'
  done | sort
}

tool() { command -v "$1-14" || command -v "$1" || stop "$1 is missing"; }

check_format() {
  sources | xargs "$(tool clang-format)" --dry-run -Werror ||
    { say "format: run ./dev format"; return 1; }
  say "format: ok"
}

# clang-tidy takes seconds a file, so only what changed is read; --all reads everything.
check_tidy() {
  local files
  configure dev
  files=$(tidy_files "$@" | only_compiled)
  [ -n "$files" ] || { say "clang-tidy: no source changed"; return; }
  say "clang-tidy: $(echo "$files" | wc -l | xargs) files"
  echo "$files" | xargs -P "$(jobs_here)" -n 2 "$(tool clang-tidy)" -p build/dev --quiet \
    2> >(grep -v "warnings generated" >&2) || { say "clang-tidy: not clean"; return 1; }
  say "clang-tidy: ok"
}

tidy_files() {
  local base
  if [ "${1:-}" = --all ] || ! base=$(compare_with); then
    sources
  else
    { git diff --name-only --diff-filter=d "$base" && git ls-files --others --exclude-standard; } |
      sed 's/\.hpp$/.cpp/' | sort -u
  fi
}

# What this work started from: where it left origin/main, or the commit before this one.
compare_with() {
  local base
  base=$(git merge-base HEAD origin/main 2>/dev/null || true)
  if [ -z "$base" ] || [ "$base" = "$(git rev-parse HEAD)" ]; then base=HEAD~1; fi
  git rev-parse --quiet --verify "$base^{commit}"
}

only_compiled() {
  local file
  while read -r file; do
    ! grep -qF "$PWD/$file\"" build/dev/compile_commands.json || echo "$file"
  done
}

lint_command() {
  local failed=0
  need lint
  check_format || failed=1
  tests/lint/include_table || failed=1
  tests/lint/coroutine_rules || failed=1
  tests/lint/error_words || failed=1
  tests/lint/rules || failed=1
  check_tidy "$@" || failed=1
  [ "$failed" = 0 ] || stop "lint: not clean"
}

format_command() {
  need format
  sources | xargs "$(tool clang-format)" -i
}
