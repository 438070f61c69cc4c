#include <algorithm>
#include <array>
#include <cstddef>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "mcp/boot/probe_socket.h"
#include "mcp/boot/probes.h"

namespace mcp::boot {

namespace {

using dsl::fail;
using dsl::text;
using dsl::env::MonoTime;

constexpr std::size_t kUdpBytesMax = 4096;

constexpr std::uint16_t kTypeA = 1;
constexpr std::uint16_t kTypeSoa = 6;
constexpr std::uint16_t kTypeAaaa = 28;

constexpr std::array<std::string_view, 6> kRcodes = {"NOERROR",  "FORMERR", "SERVFAIL",
                                                     "NXDOMAIN", "NOTIMP",  "REFUSED"};

struct Question {
  std::string name;
  std::uint16_t type = 0;
};

Question question_of(const model::Health& health) {
  const bool v6 = health.expect.find(':') != std::string::npos;
  return {health.query.empty() ? model::Platform{}.service_zone : health.query,
          health.expect.empty() ? kTypeSoa
          : v6                  ? kTypeAaaa
                                : kTypeA};
}

std::string show_rcode(int rcode) {
  return rcode < static_cast<int>(kRcodes.size())
             ? std::string(kRcodes[static_cast<std::size_t>(rcode)])
             : text("rcode {}", rcode);
}

// One spelling for each address: "::0001" and "::1" are the same.
std::string normal_address(const std::string& address) {
  std::array<char, sizeof(in6_addr)> binary{};
  std::array<char, INET6_ADDRSTRLEN> out{};
  const int family = address.find(':') == std::string::npos ? AF_INET : AF_INET6;
  if (inet_pton(family, address.c_str(), binary.data()) != 1 ||
      inet_ntop(family, binary.data(), out.data(), out.size()) == nullptr) {
    return address;
  }
  return out.data();
}

// Why the reply does not satisfy the gate; empty when it does.
std::string objection(const DnsReply& reply, const std::string& expect, bool udp) {
  if (reply.rcode != 0) {
    return show_rcode(reply.rcode);
  }
  if (udp && reply.truncated) {
    return "";  // alive; the same question by TCP tells the rest
  }
  if (expect.empty()) {
    return reply.answers > 0 ? "" : "NOERROR without an answer";
  }
  const auto& addresses = reply.addresses;
  const bool found =
      std::find(addresses.begin(), addresses.end(), normal_address(expect)) != addresses.end();
  return found ? "" : text("no {} in the answer", expect);
}

Result<DnsReply> ask_udp(dsl::env::Env& env, const Endpoint& endpoint, const std::string& query,
                         std::uint16_t id, MonoTime deadline) {
  MC_ASSIGN(ProbeSocket socket,
            ProbeSocket::connect(env.clock(), ProbeSocket::Kind::kUdp, endpoint, deadline));
  MC_TRY(socket.write(query, deadline));
  // What is no reply to this question is passed over: a late one to an earlier probe, noise.
  for (int datagrams = 0; datagrams < 16; ++datagrams) {
    MC_ASSIGN(const std::string packet, socket.read(kUdpBytesMax, deadline));
    DnsReply reply = parse_dns_reply(packet);
    if (reply.well_formed && reply.id == id) {
      return reply;
    }
  }
  return fail(dsl::Code::kDataLoss, "malformed replies");
}

Result<DnsReply> ask_tcp(dsl::env::Env& env, const Endpoint& endpoint, const std::string& query,
                         std::uint16_t id, MonoTime deadline) {
  MC_ASSIGN(ProbeSocket socket,
            ProbeSocket::connect(env.clock(), ProbeSocket::Kind::kTcp, endpoint, deadline));
  // RFC 1035 section 4.2.2: a two-byte length comes first.
  const std::string length = {static_cast<char>(query.size() >> 8),
                              static_cast<char>(query.size() & 0xff)};
  MC_TRY(socket.write(length + query, deadline));
  MC_ASSIGN(const std::string prefix, socket.read_exactly(2, deadline));
  const std::size_t size = static_cast<unsigned char>(prefix[0]) * std::size_t{256} +
                           static_cast<unsigned char>(prefix[1]);
  MC_ASSIGN(const std::string packet, socket.read_exactly(size, deadline));
  DnsReply reply = parse_dns_reply(packet);
  if (!reply.well_formed || reply.id != id) {
    return fail(dsl::Code::kDataLoss, "malformed reply");
  }
  return reply;
}

}  // namespace

Answer probe_dns(dsl::env::Env& env, const Gate& gate, const Endpoint& endpoint) {
  const std::string subject = text("dns {} ", show(endpoint));
  const Question question = question_of(gate.health);
  const auto id = static_cast<std::uint16_t>(env.random().below(65536));
  const std::string query = dns_query(question.name, question.type, id);
  if (query.empty()) {
    return {.text = text("{}\"{}\" is no domain name", subject, question.name)};
  }
  const MonoTime deadline = env.clock().mono_now() + gate.health.timeout;
  for (const bool udp : {true, false}) {
    const char* way = udp ? "udp" : "tcp";
    const auto reply = udp ? ask_udp(env, endpoint, query, id, deadline)
                           : ask_tcp(env, endpoint, query, id, deadline);
    if (!reply) {
      return {.text = text("{}{}: {}", subject, way, reply.error().message())};
    }
    const std::string wrong = objection(*reply, gate.health.expect, udp);
    if (!wrong.empty()) {
      return {.text = text("{}{}: {} for {}", subject, way, wrong, question.name)};
    }
  }
  return {.pass = true, .text = text("{}udp and tcp: {} ok", subject, question.name)};
}

}  // namespace mcp::boot
