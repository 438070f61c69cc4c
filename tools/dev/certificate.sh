# Certificates for what `./dev up` starts, of one authority that issues these and is then forgotten.
# Sourced, never run.
# shellcheck shell=bash

readonly certificate_days=397 # what browsers and phones still take

# kind_of_name NAME IF_ADDRESS IF_HOST: one of the two, by the name's form.
kind_of_name() {
  if [[ "$1" =~ ^[0-9.]+$ || "$1" == *:* ]]; then printf '%s' "$2"; else printf '%s' "$3"; fi
}

# certificate_serves DIRECTORY PAIR NAME...: whether PAIR.crt there, with its key and the authority, is
# for these names, for a month more.
certificate_serves() {
  local directory="$1" pair="$1/$2" name
  shift 2
  [[ -f "$directory/ca.crt" && -f "$pair.crt" && -f "$pair.key" ]] || return 1
  openssl verify -CAfile "$directory/ca.crt" "$pair.crt" >/dev/null 2>&1 || return 1
  openssl x509 -in "$pair.crt" -noout -checkend $((30 * 86400)) >/dev/null || return 1
  for name in "$@"; do
    openssl x509 -in "$pair.crt" -noout "$(kind_of_name "$name" -checkip -checkhost)" "$name" |
      grep -q "does match" || return 1
  done
}

# provide_certificates DIRECTORY "PAIR NAME..."...: ca.crt and a pair for each of the words. When all
# are good they stay; else all are made anew, since the authority that made them is no more.
provide_certificates() {
  local directory="$1" words
  shift
  for words in "$@"; do
    # shellcheck disable=SC2086 # a pair and its names
    certificate_serves "$directory" $words || {
      make_certificates "$directory" "$@"
      return
    }
  done
}

# make_certificates DIRECTORY "PAIR NAME..."...: writes ca.crt, and PAIR.crt and PAIR.key for each; the
# first name is the subject. The authority's key is not kept: whoever trusts ca.crt trusts these
# certificates and no other.
make_certificates() {
  local directory="$1"
  shift
  (
    set -e
    umask 077
    work="$(mktemp -d "$directory/new.XXXXXX")"
    trap 'rm -rf "$work"' EXIT
    issue_certificates "$work" "$@" 2>"$work/log" || {
      cat "$work/log" >&2
      exit 1
    }
    rm "$work/ca.key"
    mv "$work"/*.crt "$work"/*.key "$directory/"
  )
}

issue_certificates() {
  local work="$1" words pair names name
  shift
  cat >"$work/openssl.cnf" <<CONF
[req]
distinguished_name = name
prompt = no
[name]
CN = replaced
[authority]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = \${ENV::names}
CONF
  local key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -config "$work/openssl.cnf")
  # The file names a variable, so it has to have a value here too.
  names=none openssl req -x509 "${key[@]}" -days "$certificate_days" \
    -subj "/CN=Metacircular, made by dev up" -extensions authority \
    -keyout "$work/ca.key" -out "$work/ca.crt" || return
  for words in "$@"; do
    read -r pair words <<<"$words"
    names=""
    for name in $words; do
      names+=",$(kind_of_name "$name" IP DNS):$name"
    done
    export names="${names#,}"
    openssl req -new "${key[@]}" -subj "/CN=${words%% *}" -keyout "$work/$pair.key" \
      -out "$work/$pair.csr" || return
    openssl x509 -req -in "$work/$pair.csr" -CA "$work/ca.crt" -CAkey "$work/ca.key" \
      -CAcreateserial -days "$certificate_days" -extfile "$work/openssl.cnf" -extensions server \
      -out "$work/$pair.crt" || return
  done
}
