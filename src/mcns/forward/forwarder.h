// Questions that are not ours, asked of upstreams: groups by suffix, health, hedging, coalescing,
// loop detection, and what to do when all are down.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/env/env.h"
#include "dsl/result/result.h"
#include "mcns/cache/cache.h"
#include "mcns/wire/codes.h"
#include "mcns/wire/name.h"

namespace mcns {

class OwnZones;
class QueryEvents;

enum class ForwardPolicy { kOrdered, kFastest, kParallel };
std::string_view text(ForwardPolicy policy);  // "ordered"
std::optional<ForwardPolicy> parse_forward_policy(std::string_view text);

// "udp://192.0.2.1:53" (TCP when truncated), "tcp://...", "192.0.2.1" alone is udp on 53;
// "tls://192.0.2.1:853#dns.example.net" (RFC 7858), which is on 853, and whose certificate has to
// be for that name, or without one for the address; "https://192.0.2.1/dns-query#dns.example.net"
// (RFC 8484), which is on 443, and the same of its certificate. Literal addresses only: a resolver
// that resolves its resolvers does not come up.
struct Upstream {
  enum class Transport { kUdp, kTcp, kTls, kHttps };
  Transport transport = Transport::kUdp;
  std::string address;  // literal
  std::uint16_t port = 53;
  std::string path;     // kHttps: "/dns-query"
  std::string name;     // with TLS: of the certificate; empty = the address
  std::string ca_cert;  // with TLS: path of the authorities (PEM); empty = the system's. Not in
                        // `text`.

  // It has to prove who it is, and nobody can read along.
  bool has_tls() const { return transport == Transport::kTls || transport == Transport::kHttps; }
  static dsl::Result<Upstream> parse(std::string_view text);
  std::string text() const;
};

struct ForwardGroup {
  Name zone;  // the root: everything else
  std::vector<Upstream> upstreams;
  std::vector<Upstream> fallback;  // asked only while every one of `upstreams` is down
  ForwardPolicy policy = ForwardPolicy::kOrdered;
  bool random_case = false;  // of the letters in questions over UDP (0x20)
};

struct ForwardOptions {
  std::chrono::milliseconds timeout_total{4000};    // resolv.conf clients give up at 5 s
  std::chrono::milliseconds stale_after{1800};      // then a stale answer is sent, if there is one
  std::size_t inflight_max = 4096;                  // beyond it a stale answer, or SERVFAIL
  std::size_t inflight_per_zone_max = 512;          // random-subdomain floods
  std::size_t sockets_per_upstream = 16;            // connected, on random ports
  int hops_max = 4;                                 // between servers of ours
  std::chrono::milliseconds attempt_timeout{1000};  // of one question to one upstream
  std::chrono::milliseconds hedge_min{20};  // before another is asked as well: this, or the p95 RTT
  std::chrono::milliseconds probe_first{500};    // between probes of one that is down: doubled each
  std::chrono::milliseconds probe_max{30000};    // time, up to this
  std::chrono::milliseconds probe_every{30000};  // of one that is up
  QueryEvents* events = nullptr;      // told of every message to and from upstreams; outlives it
  OwnZones* own_zones = nullptr;      // who serves what is below a delegation of ours; outlives it
  std::uint16_t delegated_port = 53;  // of the servers of delegated zones
  std::size_t delegated_servers_max = 128;  // that are known at a time
};

// What is asked; `name` in wire form, case as the client's.
struct ForwardQuestion {
  Name name;
  Type type = Type::kA;
  Class dns_class = Class::kIn;
  bool dnssec_ok = false;
  bool checking_disabled = false;
  int hops = 0;  // servers of ours that passed it on already
  // Below a delegation in a zone of ours: the servers of that zone are asked, unless a group has
  // that zone or one inside of it.
  bool below_cut = false;
  // For an ALIAS, whose client cannot go on by itself: when the answer ends in a CNAME that says
  // nothing of where it leads, that is asked for, too.
  bool whole_chain = false;
  // Of the cache, before our own zones were looked at for it: what is flushed since then is not to
  // be kept. Nothing: that of now.
  std::optional<std::uint64_t> generation;
};

struct ForwardAnswer {
  Rcode rcode = Rcode::kServFail;
  Bytes message;  // whole response, uncached form as of Cache::insert; empty when there is none
  bool stale = false;
  bool of_zones = false;  // some of it is from our own zones, so it is not to be kept
  ExtendedError error = ExtendedError::kOther;  // with a SERVFAIL or a stale answer
  std::string detail;                           // for `explain`: "udp://192.0.2.1:53 after 12 ms"
};

struct UpstreamState {
  std::string upstream;  // as of Upstream::text
  std::string group;     // "." or its zone
  std::string state;     // "up", "down", "loop", "unknown"
  bool fallback = false;
  double rtt_ms = 0;  // EWMA
  std::uint64_t asked = 0;
  std::uint64_t failed = 0;
  std::uint64_t other_case = 0;  // answers that did not keep the case of the question's letters
  std::string trouble;           // why it was last out of reach; empty once it has answered
};

// Thread-safe. Owns one thread with an epoll loop on which all upstream sockets live.
class Forwarder {
 public:
  // `cache` and `env` outlive it.
  static dsl::Result<std::unique_ptr<Forwarder>> start(dsl::env::Env& env, Cache& cache,
                                                       ForwardOptions options);
  virtual ~Forwarder() = default;

  // Replaces all groups at once, before it returns; what is under way goes on. `own_addresses`
  // ("192.0.2.1:53", "[::]:53") are refused as upstreams. kInvalidArgument, and the errors of
  // reading the authorities of TLS, which is done anew each time. Not to be called by `done`.
  virtual dsl::Result<void> set_groups(std::vector<ForwardGroup> groups,
                                       const std::vector<std::string>& own_addresses) = 0;
  // ForwardOptions::stale_after of the questions from now on.
  virtual void set_stale_after(std::chrono::milliseconds time) = 0;
  // Calls `done` once, on the forwarder's thread (or at once on the caller's, when it cannot be
  // asked; or when the forwarder ends). Identical questions under way are asked once, whatever the
  // case of their letters: the question in the answer's message is that of the first, of the same
  // size. The answer is in the cache by then, when it may be kept.
  virtual void ask(ForwardQuestion question, std::function<void(const ForwardAnswer&)> done) = 0;

  // Of all groups, in the order they were given. Every upstream is probed once in a while, the
  // fallback ones too, so what is said here is not old.
  virtual std::vector<UpstreamState> upstreams() const = 0;
  // The zone of the group that `name` belongs to; empty when there is none for it.
  virtual std::string group_of(const Name& name) const = 0;
  // Whether a query with that nonce (loop_options.h) is a probe of ours that came back. Then the
  // upstream that it was sent to is this server, and is not asked any more.
  virtual bool is_own_nonce(std::uint64_t nonce) = 0;
};

}  // namespace mcns
