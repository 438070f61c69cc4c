// Certificates: the agent's own, and the authority that it and podman trust.
#include <algorithm>

#include "dsl/tls/tls.h"
#include "mcp/agent/doctor_checks.h"

namespace mcp::agent {

using dsl::text;

namespace {

constexpr std::chrono::hours kExpiryWarning{14 * 24};

// What a peer may dial this agent by.
std::vector<std::string> wanted_names(const DoctorContext& context) {
  std::vector<std::string> names = {context.config.node_name};
  for (const auto& [label, address] : context.config.node_addresses) {
    if (!is_loopback(address)) {
      names.push_back(address);
    }
  }
  return names;
}

std::string days_left(dsl::env::WallTime until, dsl::env::WallTime now) {
  return text("{} days", std::chrono::duration_cast<std::chrono::hours>(until - now).count() / 24);
}

std::string renew(const DoctorContext& context) {
  std::vector<std::string> names = wanted_names(context);
  return text("issue {} anew for the names {}; the agent takes it without a restart",
              context.config.face.tls_cert, joined(names, names.size()));
}

// Where podman looks for the authority of the image registry.
std::vector<std::string> trust_folders(const DoctorContext& context) {
  return {text("{}/.config/containers/certs.d/{}", context.home, context.config.registry),
          text("/etc/containers/certs.d/{}", context.config.registry),
          text("/etc/docker/certs.d/{}", context.config.registry)};
}

std::set<std::string> fingerprints(const std::string& pem) {
  std::set<std::string> found;
  const auto certificates = dsl::tls::parse_certificates(pem);
  for (const dsl::tls::Certificate& each :
       certificates.value_or(std::vector<dsl::tls::Certificate>{})) {
    found.insert(each.fingerprint_sha256);
  }
  return found;
}

}  // namespace

DoctorFinding check_tls_san(const DoctorContext& context) {
  const std::string& cert_file = context.config.face.tls_cert;
  const std::string& key_file = context.config.face.tls_key;
  if (cert_file.empty()) {
    return skipped("no certificate is configured: the agent serves its local socket only");
  }
  const Result<std::string> cert = context.env.files().read_file(cert_file);
  const Result<std::string> key = context.env.files().read_file(key_file);
  const char* consequence = "nodes and people see this node as \"error\" though the agent runs";
  if (!cert || !key) {
    return bad("fail", (cert ? key : cert).error().message(), consequence,
               text("put certificate and key where server.tls_cert and server.tls_key say, "
                    "readable for {}",
                    context.user));
  }
  const dsl::env::WallTime now = context.env.clock().now();
  const Result<dsl::tls::Certificate> leaf = dsl::tls::check_pair(*cert, *key, now);
  if (!leaf) {
    return bad("fail", text("{}: {}", cert_file, leaf.error().message()), consequence,
               renew(context));
  }
  std::vector<std::string> missing;
  for (const std::string& name : wanted_names(context)) {
    if (std::find(leaf->names.begin(), leaf->names.end(), name) == leaf->names.end()) {
      missing.push_back(name);
    }
  }
  if (!missing.empty()) {
    return bad("fail",
               text("{} does not carry {}; it carries {}", cert_file, joined(missing),
                    joined(leaf->names)),
               text("whoever dials {} refuses the certificate and shows the node as \"error\"",
                    missing.front()),
               renew(context));
  }
  if (leaf->not_after < now + kExpiryWarning) {
    return bad("warn", text("{} expires in {}", cert_file, days_left(leaf->not_after, now)),
               "from then on every call over the network is refused", renew(context));
  }
  return good(text("{} fits, for {} more", cert_file, days_left(leaf->not_after, now)));
}

DoctorFinding check_tls_trust(const DoctorContext& context) {
  const std::string& ca_file = context.config.ca_cert;
  if (ca_file.empty()) {
    return bad("warn", "agent.ca_cert is not set", "https gates accept any certificate",
               "copy the platform's CA to the node and set agent.ca_cert to it");
  }
  const Result<std::string> pem = context.env.files().read_file(ca_file);
  const auto authorities = pem ? dsl::tls::parse_certificates(*pem) : tl::unexpected(pem.error());
  if (!authorities) {
    return bad("fail", text("{}: {}", ca_file, authorities.error().message()),
               "https gates verify nothing", text("copy the platform's CA to {}", ca_file));
  }
  const dsl::env::WallTime now = context.env.clock().now();
  for (const dsl::tls::Certificate& each : *authorities) {
    if (each.not_after < now || each.not_before > now) {
      return bad("fail", text("{}: {} is not valid now", ca_file, each.subject),
                 "every certificate below it is refused",
                 "copy the CA's present certificate; if it is valid, look at the clock");
    }
  }
  const std::set<std::string> wanted = fingerprints(*pem);
  std::vector<std::string> places = {"/etc/ssl/certs/ca-certificates.crt"};
  for (const std::string& folder : trust_folders(context)) {
    for (const std::string& name :
         context.env.files().list(folder).value_or(std::vector<std::string>{})) {
      if (name.ends_with(".crt")) {
        places.push_back(text("{}/{}", folder, name));
      }
    }
  }
  for (const std::string& place : places) {
    const std::set<std::string> trusted =
        fingerprints(context.env.files().read_file(place).value_or(""));
    if (std::any_of(wanted.begin(), wanted.end(),
                    [&](const std::string& one) { return trusted.contains(one); })) {
      return good(text("podman trusts the platform's CA by {}", place));
    }
  }
  const std::string folder = trust_folders(context).front();
  return bad("warn",
             text("podman does not trust the platform's CA for {}", context.config.registry),
             "pulls from the image registry fail with \"certificate signed by unknown authority\"",
             text("mkdir -p {} && cp {} {}/ca.crt (as {})", folder, ca_file, folder, context.user));
}

}  // namespace mcp::agent
