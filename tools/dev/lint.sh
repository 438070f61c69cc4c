# checks format, style, layers, protos, shell and spelling
# shellcheck shell=bash
#
# usage: ./dev lint [--fix] [--all]
#
#   --fix   reformats sources and regenerates docs/acceptance.md instead of complaining
#   --all   clang-tidy on every file, not only on those that differ from the main branch (on the
#           main branch itself: from the commit before)

tracked() { git -C "$MC_ROOT" ls-files -co --exclude-standard -- "$@" | existing; }

# Files that are deleted but not yet committed are still listed by git.
existing() {
  local file
  while read -r file; do
    if [[ -f "$MC_ROOT/$file" ]]; then
      printf '%s\n' "$file"
    fi
  done
}

# Files that this branch changed, committed or not.
changed() {
  local base
  base="$(git -C "$MC_ROOT" merge-base HEAD origin/main 2>/dev/null ||
    git -C "$MC_ROOT" merge-base HEAD main 2>/dev/null || true)"
  if [[ -z "$base" || "$base" == "$(git -C "$MC_ROOT" rev-parse HEAD)" ]]; then
    base="$(git -C "$MC_ROOT" rev-parse --verify --quiet HEAD~1 || git -C "$MC_ROOT" rev-parse HEAD)"
  fi
  {
    git -C "$MC_ROOT" diff --name-only "$base" -- "$@"
    git -C "$MC_ROOT" ls-files -o --exclude-standard -- "$@"
  } | sort -u | existing
}

# Scripts by what their first line says, and the sourced parts of ./dev.
shell_files() {
  {
    tracked '*.sh'
    # Pages show scripts too.
    git -C "$MC_ROOT" grep -lIE --untracked '^#!.*\b(ba)?sh$' -- ':!*.md' | existing
  } | sort -u
}

check_format() {
  local mode=(--dry-run -Werror)
  if [[ -n "$fix" ]]; then
    mode=(-i)
  fi
  tracked '*.cc' '*.h' | xargs --no-run-if-empty clang-format-14 "${mode[@]}"
}

# One stamp a file: an unchanged file with unchanged headers is not examined again.
check_tidy() {
  local files=() file stamps="$BUILD_ROOT/tidy/stamps" headers
  if [[ -n "$all" ]]; then
    mapfile -t files < <(tracked 'src/*.cc')
  else
    mapfile -t files < <(changed 'src/*.cc')
  fi
  headers="$({ tracked 'src/*.h' 'proto/*' .clang-tidy | xargs cat; } | sha256sum | cut -c1-16)"
  mkdir -p "$stamps"
  local pending=()
  for file in "${files[@]}"; do
    if [[ ! -e "$stamps/$(stamp_of "$file" "$headers")" ]]; then
      pending+=("$file")
    fi
  done
  if ((${#pending[@]} == 0)); then
    return
  fi

  run cmake --preset tidy >/dev/null
  run ninja -C "$BUILD_ROOT/tidy" --quiet mc_generated
  printf '%s\n' "${pending[@]}" |
    run xargs --max-procs "$(cores)" --max-args 1 \
      clang-tidy-14 -p "$BUILD_ROOT/tidy" --quiet --warnings-as-errors='*' 2> >(grep -v ' warnings\? generated' >&2)
  for file in "${pending[@]}"; do
    : >"$stamps/$(stamp_of "$file" "$headers")"
  done
}

stamp_of() { printf '%s-%s' "$2" "$(sha256sum <"$1" | cut -c1-24)"; }

check_shell() { shell_files | xargs --no-run-if-empty shellcheck --external-sources; }

check_yaml() {
  tracked '*.yml' '*.yaml' | xargs --no-run-if-empty yamllint --strict -d relaxed
}

# Sources of tests hold misspelt input on purpose.
check_spelling() {
  local words=(--ignore-words "$MC_ROOT/tools/spelling-ok.txt")
  tracked '*.md' '*.h' '*.cc' '*.proto' '*.sh' '*.py' '*.txt' '*.cmake' '*.in' dev |
    grep -vE '^fuzz/corpus/|^tests/.*\.cc$' | xargs --no-run-if-empty codespell "${words[@]}"
}

# A path that exists on one machine only; tests make their own folders, services use /srv.
check_paths() {
  ! git -C "$MC_ROOT" grep -nIE --untracked '(^|[^A-Za-z0-9_./-])/(home|root|Users|work)/[a-z]' -- \
    ':!LICENSE' ':!tools/dev/lint.sh' ||
    fail "these lines name a folder of one machine"
}

check_proto() {
  local tag
  run tools/proto-lint
  if tag="$(git describe --tags --abbrev=0 2>/dev/null)"; then
    run tools/proto-breaking "$tag"
  fi
}

check_acceptance() {
  if [[ -n "$fix" ]]; then
    tools/acceptance
  else
    tools/acceptance --check
  fi
}

# step NAME COMMAND...
step() {
  local start=$EPOCHREALTIME status
  # Not in a condition: there bash ignores `set -e`, and a check would go on behind its failure.
  set +e
  (set -e && "${@:2}")
  status=$?
  set -e
  if ((status != 0)); then
    say "lint: $1 failed"
    exit 1
  fi
  say "lint: $1 ($(((${EPOCHREALTIME/./} - ${start/./}) / 1000)) ms)"
}

fix="" all=""

main() {
  for word in "$@"; do
    case "$word" in
      --fix) fix=1 ;;
      --all) all=1 ;;
      *) fail_usage "unknown option '$word'" "./dev lint --help" ;;
    esac
  done

  cd "$MC_ROOT"
  step format check_format
  step shell check_shell
  step yaml check_yaml
  step spelling check_spelling
  step paths check_paths
  step layers run tools/check-layers
  if [[ -x tools/check-env ]]; then
    step env run tools/check-env
  fi
  step proto check_proto
  step acceptance check_acceptance
  step tidy check_tidy
}
