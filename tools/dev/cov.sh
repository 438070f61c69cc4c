# measures line coverage of the unit tests
# shellcheck shell=bash
#
# usage: ./dev cov [FILTER]
#
# Writes HTML to build/cov/coverage/index.html and prints a summary per module. FILTER as in
# ./dev test.

# shellcheck source=tools/dev/modules.sh
source "$MC_ROOT/tools/dev/modules.sh"

main() {
  local tests=() targets=() build="$BUILD_ROOT/cov"
  if (($# > 0)); then
    mapfile -t tests < <(modules_of_filter "$1")
  else
    mapfile -t tests < <(modules_below "$MC_ROOT/tests")
  fi
  mapfile -t targets < <(targets_of_modules "${tests[@]}")
  ((${#targets[@]} > 0)) || fail_usage "no unit tests for '${1:-}'" "./dev test --help"

  build_targets cov "${targets[@]}"
  find "$build" -name '*.gcda' -delete
  run ctest --test-dir "$build" --parallel "$(cores)" --output-on-failure \
    --tests-regex "^($(printf '%s\n' "${targets[@]%_test}" | paste -sd'|'))\$"
  mkdir -p "$build/coverage"
  run gcovr --root "$MC_ROOT" --filter "$MC_ROOT/src/" --print-summary \
    --html-details "$build/coverage/index.html" --json-summary "$build/coverage/summary.json" "$build"
  jq -r '.files | group_by(.filename | split("/")[:-1] | join("/"))[]
      | [(map(.line_covered) | add), (map(.line_total) | add),
         (.[0].filename | split("/")[:-1] | join("/"))]
      | "\(if .[1] == 0 then 100 else (100 * .[0] / .[1] | floor) end)%\t\(.[2])"' \
    "$build/coverage/summary.json"
}
