# runs tests; without arguments all that CI runs
# shellcheck shell=bash
#
# usage: ./dev test                   setup, lint, build, unit, fuzz replay, e2e, sanitizers
#        ./dev test FILTER            builds and runs the unit tests of one module; FILTER is a
#                                     source or test file, a folder or a name: src/dsl/db/row.cc,
#                                     dsl/db, dsl_db, demo, tests/e2e/mcp/test_deploy.py
#        ./dev test --unit            all unit tests
#        ./dev test --e2e [SUITE]     end-to-end suites of tests/e2e (as root, with podman)
#        ./dev test --all             unit tests, fuzz replay and end-to-end suites
#        ./dev test --sim [--seed N] [--count N] [--log]
#                                     the node's boot, simulated from seeds; default 200 from 1
#        ./dev test --failed          the unit tests that failed last time
#        ./dev test --sanitizers      unit tests of dsl, and of services touched since the last tag,
#                                     under the address and undefined behaviour sanitizers
#
#   --preset NAME   build of the unit tests, default dev
#
# The last line is: N passed, N failed, N skipped.

# shellcheck source=tools/dev/modules.sh
source "$MC_ROOT/tools/dev/modules.sh"

preset=dev

results_folder() { printf '%s/%s/results' "$BUILD_ROOT" "$preset"; }

# However the run ends, its last line counts the cases.
counted=()
close_run() {
  local status=${1:-$?}
  "$PYTHON" "$MC_ROOT/tools/dev/count_results.py" "${counted[@]}" || status=1
  exit "$status"
}

close_prepared_run() {
  local status=$?
  undo_host_changes
  close_run "$status"
}

# count_into FOLDER...: forgets earlier results there; this run's are counted at its end.
count_into() {
  counted=("$@")
  rm -rf "${counted[@]}"
  trap close_run EXIT
}

# run_ctest ARGUMENT...: GoogleTest's own results beside CTest's, so that cases are counted.
run_ctest() {
  local results
  results="$(results_folder)"
  mkdir -p "$results"
  run env GTEST_OUTPUT="xml:$results/" \
    ctest --test-dir "$BUILD_ROOT/$preset" --parallel "$(cores)" --output-on-failure \
    --no-tests=error --output-junit "$results/ctest-$1.xml" "${@:2}"
}

# Alternatives of names for ctest --tests-regex.
names_regex() { printf '^(%s)$' "$(paste -sd'|')"; }

run_modules() {
  local tests=()
  mapfile -t tests < <(modules_of_filter "$1")
  if ((${#tests[@]} == 0)); then
    fail "no tests for '$1'" "a file or folder of src/ or tests/, or a module's name"
  fi

  count_into "$(results_folder)"
  configure "$preset"
  local targets=()
  mapfile -t targets < <(
    targets_of_modules "${tests[@]}"
    python_targets_of_modules "${tests[@]}"
  )
  if ((${#targets[@]} > 0)); then
    build_targets "$preset" "${targets[@]}"
  fi
  run_ctest unit --tests-regex "$(printf '%s\n' "${tests[@]}" | names_regex)"
}

run_unit() {
  build_targets "$preset"
  run_ctest unit --exclude-regex '^fuzz_' "$@"
}

# run_sim ARGUMENT...: its exit is the run's.
run_sim() {
  configure "$preset"
  build_targets "$preset" mc-sim
  run "$BUILD_ROOT/$preset/tests/mc-sim" "$@"
}

run_fuzz_replay() {
  if compgen -G "$MC_ROOT/fuzz/corpus/*" >/dev/null; then
    build_targets "$preset"
    run_ctest fuzz --tests-regex '^fuzz_'
  fi
}

# run_e2e [PATH]: suites need root (podman as another user, network namespaces).
run_e2e() {
  local path="$MC_ROOT/tests/e2e${1:+/$1}"
  if [[ -z "${1:-}" ]] && ! compgen -G "$MC_ROOT/tests/e2e/*" >/dev/null; then
    return
  fi
  if [[ ! -e "$path" ]]; then
    fail "no end-to-end suite '$1'" "tests/e2e holds the suites"
  fi

  local results
  results="$(results_folder)"
  mkdir -p "$results"
  if ((EUID != 0)); then
    local count
    count="$("$PYTHON" -m pytest -q --collect-only -p no:cacheprovider "$path" | grep -c '::' || true)"
    say "e2e: $count tests skipped: they need root"
    printf '<testsuite><count passed="0" failed="0" skipped="%d"/></testsuite>\n' "$count" \
      >"$results/e2e.xml"
    return
  fi
  (cd "$MC_ROOT" && run "$PYTHON" -m pytest -p no:cacheprovider --junitxml="$results/e2e.xml" "$path")
}

run_sanitizers() {
  preset=asan
  local modules=() targets=()
  mapfile -t modules < <(touched_modules)
  mapfile -t targets < <(targets_of_modules "${modules[@]}")
  configure asan
  build_targets asan "${targets[@]}"
  run_ctest asan --tests-regex "$(printf '%s\n' "${targets[@]%_test}" | names_regex)"
}

# The user and the settings that the podman suites need: made where that was agreed to (CI, or
# `./dev up` before), and undone when the run ends. Without them those suites skip, and say so.
prepare_podman() {
  ((EUID == 0)) || return 0
  # shellcheck source=tools/dev/host.sh
  source "$MC_ROOT/tools/dev/host.sh"
  readonly owner=mcp host_changes="$BUILD_ROOT/host-changes"
  find_host_changes
  ((${#host_plan[@]} > 0)) || return 0
  local entry
  for entry in "${host_plan[@]}"; do
    say "this machine: ${entry#*|}"
  done
  if [[ "${CI:-}" != true ]]; then
    say "not done outside CI; the podman suites may skip (./dev up prepares the machine)"
    return 0
  fi
  apply_host_changes
  trap close_prepared_run EXIT
}

# stage NAME COMMAND...: runs one part as a process of its own and prints its time; the first
# failing stage ends the run.
stage() {
  local name="$1" start=$SECONDS
  shift
  say "== $name"
  if ! "$@" </dev/null; then
    say "== $name failed after $((SECONDS - start)) s"
    exit 1
  fi
  say "== $name took $((SECONDS - start)) s"
}

print_versions() {
  g++ --version | sed -n 1p
  cmake --version | sed -n 1p
  ccache --version | sed -n 1p
}

run_all_stages() {
  count_into "$BUILD_ROOT"/{dev,asan}/results
  stage setup "$MC_ROOT/dev" setup build test podman
  print_versions
  prepare_podman
  stage lint "$MC_ROOT/dev" lint
  stage build "$MC_ROOT/dev" build
  stage unit "$MC_ROOT/dev" test --stage unit
  stage fuzz "$MC_ROOT/dev" test --stage fuzz_replay
  stage e2e "$MC_ROOT/dev" test --stage e2e
  stage sanitizers "$MC_ROOT/dev" test --stage sanitizers
}

main() {
  local what="" filter=""
  if [[ "${1:-}" == --sim ]]; then
    run_sim "${@:2}"
    return
  fi
  while (($# > 0)); do
    case "$1" in
      --unit | --e2e | --all | --failed | --sanitizers) what="${1#--}" ;;
      --preset)
        preset="${2:?--preset needs a name}"
        shift
        ;;
      --preset=*) preset="${1#*=}" ;;
      --stage) # one stage of the full run, which counts at its end
        "run_$2"
        return
        ;;
      -*) fail_usage "unknown option '$1'" "./dev test --help" ;;
      *) filter="$1" ;;
    esac
    shift
  done
  if [[ -n "$filter" && -n "$what" && "$what" != e2e ]]; then
    fail_usage "a filter does not go with --$what" "./dev test --help"
  fi

  if [[ "$filter" == *tests/e2e/* ]]; then
    what=e2e
    filter="${filter##*tests/e2e/}"
  fi
  if [[ -z "$what" && -z "$filter" ]]; then
    run_all_stages
    return
  fi
  if [[ -z "$what" ]]; then
    run_modules "$filter"
    return
  fi

  if [[ "$what" == sanitizers ]]; then
    preset=asan
  fi
  count_into "$(results_folder)"
  case "$what" in
    unit) run_unit ;;
    failed) run_unit --rerun-failed ;;
    e2e)
      build_targets "$preset"
      run_e2e "$filter"
      ;;
    all)
      run_unit
      run_fuzz_replay
      run_e2e
      ;;
    sanitizers) run_sanitizers ;;
  esac
}
