# shellcheck shell=bash
# Configures and builds a preset, and starts, installs and tests what was built.

# Configures when it was not, or when the presets changed; ninja notices everything else by itself.
# What CMake says is shown only when it fails.
configure() {
  local stamp=build/$1/.configured said
  [ -f "$stamp" ] && [ -f "build/$1/build.ninja" ] && [ ! CMakePresets.json -nt "$stamp" ] && return
  show_progress "looking for compiler and libraries"
  said=$(cmake --preset "$1" 2>&1) || {
    end_progress
    printf '%s\n' "$said" >&2
    stop "CMake could not configure $1: its reason stands above"
  }
  end_progress
  touch "$stamp"
}

# build PRESET [ARGUMENT...]: more for cmake --build.
build() {
  local preset=$1
  shift
  export CCACHE_SLOPPINESS=pch_defines,time_macros
  configure "$preset"
  say_what_is_to_be_built "$preset" "$@"
  cmake --build "build/$preset" --parallel "$(jobs_here)" "$@" 2>&1 | show_steps "$preset"
}

# Before the first time. A step is a file to compile, mostly: two seconds of a core, half as much again
# where the whole program is optimised at its end.
say_what_is_to_be_built() {
  local preset=$1 target=all steps seconds=2
  [ ! -f "build/$preset/.ninja_log" ] || return 0
  if [ "${2:-}" = --target ]; then target=$3; fi
  steps=$(ninja -C "build/$preset" -t commands "$target" | wc -l)
  if optimises_across_files "$preset"; then seconds=3; fi
  say "compiling: $steps steps, about $((steps * seconds / $(jobs_here) / 60 + 1)) minutes" \
    "with $(jobs_here) cores, less where ccache remembers them"
}

# Says nothing when there is nothing to do. Ninja alone decides what that is: the files are looked at
# only to know whether its progress is worth showing.
build_quietly() {
  local preset=$1 target=$2 stamp
  stamp=build/$preset/.built-$target
  if [ ! -f "$stamp" ] || [ -n "$(find CMakeLists.txt CMakePresets.json cmake src data \
    -newer "$stamp" -type f -print -quit)" ]; then
    build "$preset" --target "$target"
    touch "$stamp"
  else
    cmake --build "build/$preset" --parallel "$(jobs_here)" --target "$target" -- --quiet |
      sed '/^ninja: no work to do\.$/d' >&2
  fi
}

# The cores this process may use, which can be fewer than there are.
cores_here() { nproc 2>/dev/null || getconf _NPROCESSORS_ONLN; }

# A core and a gigabyte for each compiler.
jobs_here() {
  local cores gigabytes
  cores=$(cores_here)
  gigabytes=$(awk '/^MemAvailable:/ { print int($2 / 1048576) }' /proc/meminfo 2>/dev/null || true)
  if [ "${gigabytes:-64}" -lt "$cores" ]; then cores=${gigabytes}; fi
  echo $((cores > 1 ? cores : 1))
}

# The program as the tests have it: without optimisation across files it is there in half the time,
# and ./dev test finds it compiled. What is to stay is made by ./dev install.
start_command() {
  [ -e build/dev/.built-ccproxy ] ||
    say "the first start installs the packages that are missing (up to 150 MB) and compiles CCProxy," \
      "about 180 files: some $((180 * 2 / $(jobs_here) / 60 + 1)) minutes here, once"
  need test
  build_quietly dev ccproxy
  exec build/dev/ccproxy start "$@"
}

build_command() {
  local preset=${1:-release}
  case $preset in
    release) need build ;;
    dev) need test ;;
    bench) need bench ;;
    asan | tsan | fuzz) need sanitize ;;
    *) stop "there is no preset $preset, only: release dev asan tsan fuzz bench" ;;
  esac
  build "$preset"
}

build_and_say() {
  build_command "$@"
  say "done: build/${1:-release}/ccproxy (./dev install puts the release where your shell finds it)"
}

# install [PREFIX]
install_command() {
  local prefix=${1:-$HOME/.local}
  need build
  build_quietly release ccproxy
  cmake --install build/release --prefix "$prefix" >/dev/null
  say "installed $prefix/bin/ccproxy"
  case :$PATH: in
    *":$prefix/bin:"*) say "try: ccproxy start --demo" ;;
    *) say "$prefix/bin is not in PATH; to have it there in new terminals:
  echo 'export PATH=\"$prefix/bin:\$PATH\"' >> ~/.profile" ;;
  esac
}

# test [PRESET] [ARGUMENT...]: more for ctest. The thread sanitizer is for what has several threads.
test_command() {
  local preset=dev
  case ${1:-} in dev | asan | tsan) preset=$1 && shift ;; esac
  case $preset in
    tsan)
      need sanitize
      build tsan --target thread_tests
      set -- -L threads "$@"
      ;;
    *) build_command "$preset" ;;
  esac
  export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
  export TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=1}
  ctest --test-dir "build/$preset" --output-on-failure --no-tests=error \
    -j"$(cores_here)" "$@"
}
