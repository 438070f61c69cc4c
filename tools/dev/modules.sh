# Which tests belong to which files. A module's tests are one CTest test, declared by mc_test(NAME),
# mc_pytest(NAME) or mc_fuzz(NAME) in the CMakeLists.txt of its folder. Sourced, never run.
# shellcheck shell=bash

# Names of the tests declared in or below a folder.
modules_below() {
  find "$1" -name CMakeLists.txt -exec sed -nE \
    -e 's/^ *mc_(test|pytest)\(([a-z0-9_]+).*/\2/p' -e 's/^ *mc_fuzz\(([a-z0-9_]+).*/fuzz_\1/p' {} + |
    sort -u
}

# modules_of_filter FILTER: the names of its tests, one a line.
modules_of_filter() {
  local filter="$1" path
  filter="${filter#"$MC_ROOT"/}"
  filter="${filter#./}"
  if [[ -e "$filter" && ! -e "$MC_ROOT/$filter" ]]; then # relative to where the user stands
    filter="$(realpath --relative-to="$MC_ROOT" "$filter")"
  fi

  if [[ "$filter" == fuzz/*.cc ]]; then
    filter="$(basename "$filter" .cc)"
    printf 'fuzz_%s\n' "$filter"
    return
  fi
  if modules_below "$MC_ROOT/tests" | grep -qxF -- "$filter"; then
    printf '%s\n' "$filter"
    return
  fi

  # src/dsl/db/row.cc, tests/dsl/db/row_test.cc, proto/demo/v1/demo.proto -> the nearest folder
  # of tests/ on the way up.
  path="$filter"
  path="${path#src/}"
  path="${path#tests/}"
  path="${path#proto/}"
  path="${path%/}"
  if [[ "$path" != */* && ! -d "$MC_ROOT/tests/$path" ]]; then # db -> dsl/db
    path="$(cd "$MC_ROOT/tests" && find . -mindepth 2 -type d -name "$path" -printf '%P\n' | sort | sed 1q)"
    path="${path:-$filter}"
  fi
  if [[ ! -e "$MC_ROOT/$filter" && ! -e "$MC_ROOT/src/$path" && ! -e "$MC_ROOT/tests/$path" ]]; then
    return
  fi
  while [[ "$path" != . && ! -f "$MC_ROOT/tests/$path/CMakeLists.txt" ]]; do
    path="$(dirname "$path")"
  done
  if [[ "$path" != . ]]; then
    modules_below "$MC_ROOT/tests/$path"
  fi
}

# Build targets of those of the given tests that are compiled.
targets_of_modules() {
  local name
  for name in "$@"; do
    if [[ "$name" == fuzz_* ]]; then
      printf '%s\n' "$name"
    elif grep -rqE --include=CMakeLists.txt "^ *mc_test\($name\b" "$MC_ROOT/tests"; then
      printf '%s_test\n' "$name"
    fi
  done
}

# Build targets of the binaries that those of the given tests run that are in Python.
python_targets_of_modules() {
  local name
  for name in "$@"; do
    if grep -rqE --include=CMakeLists.txt "^ *mc_pytest\($name\b" "$MC_ROOT/tests"; then
      printf '%s_test\n' "$name"
    fi
  done
}

# Tests of dsl, and of everything touched since the last tag (all, when there is none).
touched_modules() {
  local tag area
  tag="$(git -C "$MC_ROOT" describe --tags --abbrev=0 2>/dev/null || true)"
  if [[ -z "$tag" || "$(git -C "$MC_ROOT" log -1 --format=%cd --date=format:%u)" == 7 ]]; then
    modules_below "$MC_ROOT/tests"
    return
  fi
  {
    printf 'dsl\n'
    git -C "$MC_ROOT" diff --name-only "$tag" -- src tests proto | cut -d/ -f2
  } | sort -u | while read -r area; do
    if [[ -d "$MC_ROOT/tests/$area" ]]; then
      modules_below "$MC_ROOT/tests/$area"
    fi
  done | sort -u
}
