# Shared by every verb: printing, running, failing. Sourced, never run.
# shellcheck shell=bash

# The Python of the distribution: it has the packages of tools/packages.txt.
# shellcheck disable=SC2034 # used by the verbs
readonly PYTHON=/usr/bin/python3 BUILD_ROOT="$MC_ROOT/build"

# A second clone in another folder hits the same compiler cache.
export CCACHE_BASEDIR="$MC_ROOT" CCACHE_NOHASHDIR=1

# Git refuses a tree of another owner (sudo ./dev ...); whoever runs this script trusts the tree.
if [[ -z "${GIT_CONFIG_COUNT:-}" ]]; then
  export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0="$MC_ROOT"
fi

verb_file() { printf '%s/tools/dev/%s.sh' "$MC_ROOT" "$1"; }

# A verb's file starts with its help: the comment block up to the first line that is none, whose
# first line is the summary.
verb_help() { sed -n '/^#/!q; /^# shellcheck/d; s/^# \{0,1\}//p' "$(verb_file "$1")"; }
verb_summary() { sed -n '1{s/^# //p;q}' "$(verb_file "$1")"; }

say() { printf '%s\n' "$*"; }

# fail MESSAGE [HINT]
fail() {
  printf 'error: %s\n' "$1" >&2
  if [[ -n "${2:-}" ]]; then
    printf 'hint: %s\n' "$2" >&2
  fi
  exit 1
}

fail_usage() {
  (fail "$@") || true
  exit 2
}

# Runs a command; with -v prints it first, quoted so that it can be pasted.
run() {
  if [[ -n "${MC_VERBOSE:-}" ]]; then
    printf '+ %s\n' "${*@Q}" >&2
  fi
  "$@"
}

# Runs a command as root: directly, or through sudo.
run_as_root() {
  if ((EUID == 0)); then
    run "$@"
  elif command -v sudo >/dev/null; then
    run sudo "$@"
  else
    fail "this needs root, and sudo is not installed" "as root: ${*@Q}"
  fi
}

cores() { nproc; }

# Packages of the given groups of tools/packages.txt, one a line; no group = all.
packages_of() {
  awk -v wanted=" $* " '
    /^#/ || NF == 0 { next }
    /^\[/ { gsub(/[][]/, ""); group = $1; next }
    wanted == "  " || index(wanted, " " group " ") { print $1 }' "$MC_ROOT/tools/packages.txt"
}

# Services that have an image, one a line.
image_services() { sed -n 's/^\([a-z][a-z0-9-]*\) .*/\1/p' "$MC_ROOT/deploy/images/services.txt"; }

# Configures a preset the first time; afterwards Ninja does it when a list file has changed.
configure() {
  local preset="$1"
  if [[ ! -f "$BUILD_ROOT/$preset/build.ninja" ]]; then
    (cd "$MC_ROOT" && run cmake --preset "$preset" >/dev/null)
  fi
}

# build_targets PRESET [TARGET...]
build_targets() {
  local preset="$1"
  shift
  configure "$preset"
  run ninja -C "$BUILD_ROOT/$preset" --quiet "$@"
}
