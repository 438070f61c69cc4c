# makes a service, a module or a decision record from a template
# shellcheck shell=bash
#
# usage: ./dev new service NAME     src/NAME, proto/NAME/v1, tests/NAME, deploy/examples/NAME.toml
#        ./dev new module NAME      src/dsl/NAME and tests/dsl/NAME; AREA/NAME for src/AREA/NAME
#        ./dev new decision TITLE   docs/decisions/NNNN-title.md
#
# What is made compiles and passes its tests as it is: ./dev test NAME.

readonly templates="$MC_ROOT/tools/templates"

# render TEMPLATE KEY=VALUE...: copies a template's tree into the repository, replacing @KEY@ in
# paths and contents. Refuses to overwrite; prints each file.
render() {
  local template="$1" expressions=() pair source target
  shift
  for pair in "$@"; do
    expressions+=(-e "s|@${pair%%=*}@|${pair#*=}|g")
  done

  local sources=() targets=()
  mapfile -t sources < <(cd "$templates/$template" && find . -type f -name '*.in' | sort)
  for source in "${sources[@]}"; do
    target="$(sed "${expressions[@]}" <<<"${source#./}")"
    target="${target%.in}"
    [[ ! -e "$MC_ROOT/$target" ]] || fail "$target exists already" "choose another name"
    targets+=("$target")
  done
  local i
  for i in "${!sources[@]}"; do
    mkdir -p "$(dirname "$MC_ROOT/${targets[i]}")"
    sed "${expressions[@]}" "$templates/$template/${sources[i]}" >"$MC_ROOT/${targets[i]}"
    # The order of includes and the breaks of lines depend on the name.
    if [[ "${targets[i]}" == *.cc || "${targets[i]}" == *.h ]]; then
      clang-format-14 -i "$MC_ROOT/${targets[i]}"
    fi
    say "made ${targets[i]}"
  done
}

check_name() {
  [[ "$1" =~ ^[a-z][a-z0-9]*(_[a-z0-9]+)*$ ]] ||
    fail_usage "'$1' is not a name" "lower-case letters, digits and single underscores"
}

# my_service -> MyService
pascal_case() { sed -E 's/(^|_)([a-z0-9])/\U\2/g' <<<"$1"; }

new_service() {
  local name="$1"
  check_name "$name"
  [[ ! -e "$MC_ROOT/src/$name" ]] || fail "src/$name exists already" "choose another name"
  render service "name=$name" "Name=$(pascal_case "$name")" "NAME=${name^^}"
  say "next: ./dev test $name"
}

new_module() {
  local path="$1" name
  if [[ "$path" != */* ]]; then
    path="dsl/$path"
  fi
  for name in ${path//\// }; do
    check_name "$name"
  done
  [[ -f "$MC_ROOT/src/${path%/*}/CMakeLists.txt" ]] ||
    fail_usage "src/${path%/*} has no modules" "for example dsl/NAME or mcp/NAME"
  [[ ! -e "$MC_ROOT/src/$path" ]] || fail "src/$path exists already" "choose another name"
  render module "path=$path" "name=$name" "target=${path//\//_}" "namespace=${path//\//::}"
  say "next: ./dev test $path"
}

new_decision() {
  local title="$1" slug last number
  slug="$(tr '[:upper:]' '[:lower:]' <<<"$title" | sed -E 's/[^a-z0-9]+/-/g; s/^-|-$//g')"
  [[ -n "$slug" ]] || fail_usage "a decision needs a title" "./dev new --help"
  mkdir -p "$MC_ROOT/docs/decisions"
  last="$(find "$MC_ROOT/docs/decisions" -name '[0-9][0-9][0-9][0-9]-*.md' -printf '%f\n' |
    sort | tail -1)"
  last="${last:-0000}"
  number="$(printf '%04d' $((10#${last:0:4} + 1)))"
  title="${title//[\\&|]/\\&}" # special to sed
  render decision "file=$number-$slug" "number=$((10#$number))" "title=$title" \
    "date=$(date -u +%F)"
}

main() {
  local kind="${1:-}"
  case "$kind" in
    service | module | decision)
      shift
      [[ -n "$*" ]] || fail_usage "a $kind needs a name" "./dev new --help"
      "new_$kind" "$*"
      ;;
    *) fail_usage "unknown kind '$kind'" "./dev new --help" ;;
  esac
}
