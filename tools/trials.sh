# shellcheck shell=bash
# Trials beyond the tests: benchmarks, fuzzers, real clients, a fresh system.

bench_command() {
  need bench
  exec bench/run "$@"
}

# One fuzzer by its name, or all, each for so many seconds. An input that breaks a rule stays in
# fuzz/regressions, where ./dev test finds it from then on.
fuzz_command() {
  local names seconds=60 name failed=
  case ${1:-} in '' | *[!0-9]*) ;; *) set -- '' "$1" ;; esac
  names=${1:-$(fuzzers)}
  seconds=${2:-$seconds}
  [ -z "${1:-}" ] || [ -f "fuzz/$1.cpp" ] || stop "there is no fuzzer $1, only: $(fuzzers | xargs)"
  need fuzz
  build fuzz --target fuzzers
  for name in $names; do fuzz_one "$name" "$seconds" || failed="$failed $name"; done
  [ -z "$failed" ] || stop "found something:$failed (git status shows the inputs)"
}

fuzzers() { for file in fuzz/*.cpp; do basename "$file" .cpp; done; }

fuzz_one() {
  local corpus=build/fuzz/corpus/$1 found=fuzz/regressions/$1
  mkdir -p "$corpus" "$found"
  fuzz/seed "$1" "$corpus"
  say "fuzzing $1 for $2 seconds"
  UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1} "build/fuzz/fuzz_$1" "$corpus" "$found" \
    -max_total_time="$2" -max_len=65536 -timeout=10 -rss_limit_mb=2048 \
    -dict=fuzz/words.dict -print_final_stats=1 -artifact_prefix="$found/"
}

# clients [FOLDER]: real clients against the program and its simulated upstream. Each folder has the
# packages of its lock file, a Node among them, since the SDKs ask for a newer one than distributions
# have.
clients_command() {
  local package folder node failed=
  need clients
  build_quietly release ccproxy
  # shellcheck disable=SC2231 # a name, or the pattern
  for package in tests/clients/${1:-*}/package.json; do
    [ -f "$package" ] || stop "there is no $package"
    folder=${package%package.json}
    say "$folder"
    (cd "$folder" && npm ci --ignore-scripts --loglevel=error >&2) || stop "npm could not install them"
    node=$(find "$folder"node_modules -maxdepth 3 -path '*/node-*/bin/node' | head -1)
    CCPROXY_BINARY=$PWD/build/release/ccproxy "${node:-node}" --test --test-timeout=60000 \
      --test-reporter=spec "$folder"*.test.mjs || failed="$failed $folder"
  done
  [ -z "$failed" ] || stop "clients: not clean in$failed"
  say "clients: ok"
}

# fresh [SUITE]: what a newcomer sees, in a root of its own.
fresh_command() {
  local suite=${1:-bookworm}
  case $suite in
    bookworm | trixie | noble) ;;
    *) stop "there is no suite $suite here, only: bookworm trixie noble" ;;
  esac
  need fresh
  as_root tests/fresh/run "$suite"
}
