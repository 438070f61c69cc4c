# A certificate for the agent of `./dev up`, of an authority that issues this one and is then
# forgotten. Sourced, never run.
# shellcheck shell=bash

readonly certificate_days=397 # what browsers and phones still take

# kind_of_name NAME IF_ADDRESS IF_HOST: one of the two, by the name's form.
kind_of_name() {
  if [[ "$1" =~ ^[0-9.]+$ || "$1" == *:* ]]; then printf '%s' "$2"; else printf '%s' "$3"; fi
}

# certificate_serves DIRECTORY NAME...: whether the pair there is for these names, for a month more.
certificate_serves() {
  local directory="$1" name
  shift
  [[ -f "$directory/ca.crt" && -f "$directory/agent.crt" && -f "$directory/agent.key" ]] || return 1
  openssl x509 -in "$directory/agent.crt" -noout -checkend $((30 * 86400)) >/dev/null || return 1
  for name in "$@"; do
    openssl x509 -in "$directory/agent.crt" -noout "$(kind_of_name "$name" -checkip -checkhost)" "$name" |
      grep -q "does match" || return 1
  done
}

# make_certificate DIRECTORY NAME...: writes ca.crt, agent.crt and agent.key; the first name is the
# subject. The authority's key is not kept: whoever trusts ca.crt
# trusts this one certificate.
make_certificate() {
  local directory="$1" names="" name
  shift
  for name in "$@"; do
    names+=",$(kind_of_name "$name" IP DNS):$name"
  done
  (
    set -e
    umask 077
    work="$(mktemp -d "$directory/new.XXXXXX")"
    trap 'rm -rf "$work"' EXIT
    cat >"$work/openssl.cnf" <<CONF
[req]
distinguished_name = name
prompt = no
[name]
CN = $1
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
subjectAltName = ${names#,}
CONF
    key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -config "$work/openssl.cnf")
    {
      openssl req -x509 "${key[@]}" -days "$certificate_days" -subj "/CN=Metacircular $1, made by dev up" \
        -extensions authority -keyout "$work/ca.key" -out "$work/ca.crt"
      openssl req -new "${key[@]}" -keyout "$work/agent.key" -out "$work/agent.csr"
      openssl x509 -req -in "$work/agent.csr" -CA "$work/ca.crt" -CAkey "$work/ca.key" \
        -CAcreateserial -days "$certificate_days" -extfile "$work/openssl.cnf" -extensions server \
        -out "$work/agent.crt"
    } 2>"$work/log" || {
      cat "$work/log" >&2
      exit 1
    }
    mv "$work/ca.crt" "$work/agent.crt" "$work/agent.key" "$directory/"
  )
}
