#include "mcns/cli/resolv_conf_text.h"

#include <algorithm>

#include "dsl/env/socket_address.h"

namespace mcns::cli {

using dsl::Code;
using dsl::fail;
using dsl::text;

namespace {

constexpr std::size_t kServersMax = 3;  // MAXNS of glibc: it reads no more

std::vector<std::string> in_order(const Resolvers& resolvers) {
  std::vector<std::string> all = resolvers.servers;
  all.insert(all.end(), resolvers.fallback.begin(), resolvers.fallback.end());
  return all;
}

// Of more than glibc reads the fallback must not be what is left out.
std::vector<std::string> for_glibc(const Resolvers& resolvers) {
  std::vector<std::string> all(
      resolvers.servers.begin(),
      resolvers.servers.begin() +
          static_cast<std::ptrdiff_t>(std::min(resolvers.servers.size(), kServersMax - 1)));
  for (const std::string& address : resolvers.fallback) {
    if (all.size() < kServersMax) {
      all.push_back(address);
    }
  }
  return all;
}

std::string quoted(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) {
    out += text("\"{}\" ", word);
  }
  return out;
}

std::string blank_separated(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) {
    out += (out.empty() ? "" : " ") + word;
  }
  return out;
}

// FallbackDNS= is used only when no server is configured at all, so the fallback belongs into DNS=:
// resolved goes on to the next of the list when one does not answer.
std::string resolved_text(const Resolvers& resolvers) {
  return text(
      "# /etc/systemd/resolved.conf.d/mcns.conf\n"
      "# then: systemctl restart systemd-resolved\n"
      "[Resolve]\n"
      "DNS={}\n"
      "# These servers, and not those that DHCP gives, for every name.\n"
      "Domains={}~.\n",
      blank_separated(in_order(resolvers)),
      resolvers.search.empty() ? std::string() : resolvers.search + " ");
}

std::string nixos_text(const Resolvers& resolvers) {
  std::string out = text(
      "# to be imported by configuration.nix\n"
      "{\n"
      "  networking.nameservers = [ {}];\n"
      "  networking.resolvconf.extraOptions = [ \"timeout:1\" \"attempts:2\" ];\n",
      quoted(in_order(resolvers)));
  if (!resolvers.search.empty()) {
    out += text("  networking.search = [ \"{}\" ];\n", resolvers.search);
  }
  return out + "  services.resolved.domains = [ \"~.\" ];\n}\n";
}

std::string glibc_text(const Resolvers& resolvers) {
  std::string out = "# /etc/resolv.conf: asked in this order, the next when one does not answer\n";
  for (const std::string& address : for_glibc(resolvers)) {
    out += text("nameserver {}\n", address);
  }
  if (!resolvers.search.empty()) {
    out += text("search {}\n", resolvers.search);
  }
  return out + "options timeout:1 attempts:2\n";
}

}  // namespace

dsl::Result<void> check_resolvers(const Resolvers& resolvers) {
  for (const std::string& address : in_order(resolvers)) {
    if (!dsl::env::is_address_literal(address)) {
      return fail(Code::kInvalidArgument, "{} is no address", address)
          .hint("192.0.2.53 or 2001:db8::53: a resolver cannot be looked up");
    }
  }
  if (resolvers.servers.empty()) {
    return fail(Code::kInvalidArgument, "which addresses has the name service?")
        .hint("mcns resolv-conf --address 192.0.2.53");
  }
  if (resolvers.fallback.empty()) {
    return fail(Code::kInvalidArgument, "without a fallback nothing is resolved while mcns is down")
        .hint("--fallback 9.9.9.9");
  }
  for (const std::string& address : resolvers.fallback) {
    if (std::find(resolvers.servers.begin(), resolvers.servers.end(), address) !=
        resolvers.servers.end()) {
      return fail(Code::kInvalidArgument, "{} is the name service itself, and no fallback for it",
                  address)
          .hint("a resolver of somebody else: --fallback 9.9.9.9");
    }
  }
  return {};
}

std::string resolv_conf_text(std::string_view format, const Resolvers& resolvers) {
  if (format == "nixos") {
    return nixos_text(resolvers);
  }
  return format == "resolv.conf" ? glibc_text(resolvers) : resolved_text(resolvers);
}

}  // namespace mcns::cli
