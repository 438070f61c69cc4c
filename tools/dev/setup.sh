# installs the packages of tools/packages.txt
# shellcheck shell=bash
#
# usage: ./dev setup [--check] [GROUP...]
#
# Groups: build, test, bench, docs, podman; none = all. Says what it will install first; does
# nothing when nothing is missing. Uses apt-get as root, else sudo.
#
#   --check   only list what is missing; exit 10 when something is

missing_packages() {
  local wanted
  wanted="$(packages_of "$@")"
  if [[ -z "$wanted" ]]; then
    return
  fi
  # dpkg-query says "not found" on stderr for names it has never seen; those are missing too.
  # shellcheck disable=SC2086
  comm -23 <(sort -u <<<"$wanted") \
    <(dpkg-query -W -f '${Package} ${db:Status-Status}\n' $wanted 2>/dev/null |
      awk '$2 == "installed" { print $1 }' | sort -u)
}

main() {
  local check="" groups=()
  for word in "$@"; do
    case "$word" in
      --check) check=1 ;;
      -*) fail_usage "unknown option '$word'" "./dev setup --help" ;;
      *)
        grep -qxF "[$word]" "$MC_ROOT/tools/packages.txt" ||
          fail_usage "no package group '$word'" \
            "groups: $(sed -n 's/^\[\(.*\)\]$/\1/p' "$MC_ROOT/tools/packages.txt" | paste -sd' ')"
        groups+=("$word")
        ;;
    esac
  done

  local missing=()
  mapfile -t missing < <(missing_packages "${groups[@]}")
  if ((${#missing[@]} == 0)); then
    say "setup: all packages are installed"
    return
  fi
  if [[ -n "$check" ]]; then
    say "setup: missing: ${missing[*]}"
    exit 10
  fi

  say "setup: will install: ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  # The package lists are fetched only when they do not know a package, or nothing is in them.
  if ! apt-get install --simulate --no-install-recommends "${missing[@]}" >/dev/null 2>&1; then
    run_as_root apt-get update -q
  fi
  run_as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q --yes \
    --no-install-recommends "${missing[@]}"
}
