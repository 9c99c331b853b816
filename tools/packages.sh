# shellcheck shell=bash
# Which packages each command of dev needs, and how they come: through apt on Debian and Ubuntu,
# through Homebrew on macOS. Nothing else is installed.

# make is for the linker: g++ optimises across files in parallel only through it.
debian_packages() {
  case $1 in
    build) echo cmake ninja-build make ccache g++ pkg-config ca-certificates libexpected-dev \
      libcli11-dev libfmt-dev libsimdjson-dev nlohmann-json3-dev libssl-dev \
      zlib1g-dev libzstd-dev libbrotli-dev libsqlite3-dev ;;
    test) debian_packages build && echo libgtest-dev ;;
    sanitize | fuzz) debian_packages test && echo clang-14 libclang-rt-14-dev ;;
    lint) debian_packages test && echo git clang-format-14 clang-tidy-14 ;;
    format) echo clang-format-14 ;;
    bench) debian_packages build && echo nginx-light libbenchmark-dev ;;
    clients) debian_packages build && { command -v npm >/dev/null || echo npm; } ;;
    fresh) echo debootstrap ca-certificates curl git ;;
  esac
}

brew_packages() {
  case $1 in
    build) echo cmake ninja ccache pkgconf boost tl-expected cli11 fmt simdjson nlohmann-json \
      openssl@3 zstd brotli sqlite ;;
    test | sanitize | fuzz) brew_packages build && echo googletest ;;
    lint) brew_packages test && echo llvm@14 ;;
    format) echo llvm@14 ;;
    bench) brew_packages build && echo nginx google-benchmark ;;
    clients) brew_packages build && echo node ;;
  esac
}

need() {
  if command -v apt-get >/dev/null; then
    need_debian "$1"
  elif command -v brew >/dev/null; then
    need_brew "$1"
  else
    say "neither apt-get nor brew is here: going on with what is installed"
  fi
}

# --- Debian and Ubuntu ---------------------------------------------------------------------------

need_debian() {
  local missing
  missing=$(missing_debian "$1")
  [ -z "$missing" ] || install_debian "$missing"
}

# One look at the package database, because this stands before every start.
missing_debian() {
  local wanted here package
  wanted=$(debian_packages "$1")
  # shellcheck disable=SC2016,SC2086 # the database's own placeholders; a list of words
  here=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' $wanted 2>/dev/null || true)
  for package in $wanted; do
    case $'\n'$here$'\n' in
      *$'\n'"installed $package"$'\n'*) ;;
      *) echo "$package" ;;
    esac
  done
  case $1 in format | fresh) ;; *) has_boost || newest_boost ;; esac
}

has_boost() {
  local header version
  for header in /usr/local/include/boost/version.hpp /usr/include/boost/version.hpp; do
    [ -r "$header" ] || continue
    version=$(sed -n 's/^#define BOOST_VERSION \([0-9]*\).*/\1/p' "$header")
    [ "${version:-0}" -ge 108100 ]
    return
  done
  return 1
}

# libboost-dev is 1.74 on Debian 12, which also has 1.81 under its own name.
newest_boost() {
  local name
  name=$(apt-cache pkgnames libboost1. 2>/dev/null | grep -E '^libboost1\.[0-9]+-dev$' | sort -V | tail -1)
  echo "${name:-libboost1.81-dev}"
}

install_debian() {
  local packages
  packages=$(echo "$1" | xargs)
  can_be_root || stop "these packages are missing, and there is neither root nor sudo to install them:
  $packages"
  say "missing packages: $packages"
  say "renewing the package lists"
  as_root apt-get update -qq || say "the package lists could not be renewed: going on with those here"
  packages=$(renew_boost "$packages")
  # shellcheck disable=SC2086 # a list of words
  refuse_conflicts $packages
  # shellcheck disable=SC2086
  say "installing them and what they need: $(megabytes_of $packages) MB to fetch"
  # shellcheck disable=SC2086
  apt_install $packages
  case " $packages " in *" nginx-light "*) keep_nginx_off ;; esac
}

# Of all that apt would fetch for these packages.
megabytes_of() {
  apt-get install --print-uris -qq --no-install-recommends "$@" 2>/dev/null |
    awk '{ bytes += $3 } END { print int(bytes / 1000000) + 1 }'
}

# apt says hundreds of lines: they are shown only when it fails.
apt_install() {
  local log
  log=$(mktemp)
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-remove \
    --no-install-recommends -o DPkg::Lock::Timeout=300 -o APT::Status-Fd=1 "$@" 2>&1 |
    tee "$log" | show_packages || {
    grep -v -e '^pmstatus:' -e '^dlstatus:' "$log" >&2
    rm -f "$log"
    stop "apt-get could not install $*: its reason stands above"
  }
  rm -f "$log"
}

# Lines of apt's status: the kind, a package, percent, and what is done.
show_packages() {
  local kind package percent
  while IFS=: read -r kind package percent _; do
    case $kind in
      dlstatus) show_progress "packages: fetching, ${percent%%.*} %" ;;
      pmstatus) show_progress "packages: $package, ${percent%%.*} %" ;;
    esac
  done
  end_progress
}

# The name was a guess as long as a fresh machine had no package lists.
renew_boost() {
  local package
  for package in $1; do
    case $package in libboost*) newest_boost ;; *) echo "$package" ;; esac
  done | xargs
}

# Nothing of yours is removed to make room: what is in the way is named instead.
refuse_conflicts() {
  local plan removed
  plan=$(LC_ALL=C apt-get install --simulate --no-install-recommends "$@" 2>&1) ||
    stop "apt-get cannot install $*:
$plan"
  removed=$(echo "$plan" | sed -n 's/^Remv \([^ ]*\).*/\1/p' | xargs)
  [ -z "$removed" ] || stop "installing $*
would remove $removed, which is installed here, so nothing was changed.
If you can do without: apt-get remove $removed
Otherwise build in a container, where nothing else is installed."
}

# The benchmark starts its own; the package's would take port 80.
keep_nginx_off() {
  if [ -d /run/systemd/system ]; then as_root systemctl disable --quiet --now nginx || true; fi
}

can_be_root() { [ "$(id -u)" = 0 ] || command -v sudo >/dev/null; }

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# --- macOS (untested) ----------------------------------------------------------------------------

need_brew() {
  local prefix package missing=
  prefix=$(brew --prefix)
  for package in $(brew_packages "$1"); do
    [ -e "$prefix/opt/$package" ] || missing="$missing $package"
  done
  # shellcheck disable=SC2086 # a list of words
  [ -z "$missing" ] || brew install $missing >&2
  export OPENSSL_ROOT_DIR=$prefix/opt/openssl@3
  export CMAKE_PREFIX_PATH=$prefix
  export PATH=$PATH:$prefix/opt/llvm@14/bin
}
