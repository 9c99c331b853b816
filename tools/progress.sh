# shellcheck shell=bash
# What dev tells whoever runs it: lines of its own, and progress.

say() { printf 'dev: %s\n' "$*" >&2; }

stop() {
  say "$*"
  exit 1
}

# One line that is written over again; where nobody watches a terminal, a line now and then.
progress_at=-100

show_progress() {
  if [ -t 2 ]; then
    printf '\r\033[Kdev: %.*s' $((${COLUMNS:-80} - 6)) "$*" >&2
  elif [ $((SECONDS - progress_at)) -ge 15 ]; then
    progress_at=$SECONDS
    say "$*"
  fi
}

end_progress() { [ ! -t 2 ] || printf '\r\033[K' >&2; }

# Ninja's steps, "[7/291] Building CXX object ...", as progress; warnings and errors as they are.
show_steps() {
  local line step all
  while IFS= read -r line; do
    case $line in
      '['*'] Re-checking globbed directories...') ;;
      '['*/*']'*)
        step=${line#[} all=${line#*/}
        step=${step%%/*} all=${all%%]*}
        line=${line#*] }
        show_progress "$(step_of "$step" "$all" "$1" "${line##*/}")"
        ;;
      'ninja: '*'no work to do.') ;;
      '') ;;
      *) end_progress && printf '%s\n' "$line" >&2 ;;
    esac
  done
  end_progress
}

step_of() {
  if [ "$1" != $(($2 - 1)) ]; then
    echo "compiling: $1 of $2, ${4%.o}"
  elif optimises_across_files "$3"; then
    echo "linking, with optimisation across all files: about two minutes"
  else
    echo "linking"
  fi
}

optimises_across_files() { case $1 in release | bench) ;; *) false ;; esac; }
