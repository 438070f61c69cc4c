#include "mcns/service/config.h"

#include <array>
#include <set>
#include <utility>

#include <sched.h>
#include <unistd.h>

#include "dsl/env/path.h"
#include "dsl/result/text.h"
#include "dsl/service/version.h"
#include "mcns/dnstap/tap.h"

namespace mcns {
namespace {

using dsl::Code;
using dsl::fail;
using dsl::Result;
using dsl::config::TomlValue;

constexpr int kKeepaliveUnit = 100;  // milliseconds (RFC 7828)

std::uint32_t seconds(std::chrono::milliseconds time) {
  return static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::seconds>(time).count());
}

Result<std::vector<Upstream>> parse_upstreams(const std::vector<std::string>& texts) {
  std::vector<Upstream> out;
  for (const std::string& text : texts) {
    MC_ASSIGN(Upstream upstream, Upstream::parse(text));
    out.push_back(std::move(upstream));
  }
  return out;
}

Result<std::vector<std::string>> texts_of(const TomlValue& value, std::string_view key) {
  std::vector<std::string> out;
  for (const TomlValue& item : value.items) {
    if (item.kind != TomlValue::Kind::kString) {
      return fail(Code::kInvalidArgument, "{} is a list of texts, not of {}", key,
                  item.kind_name());
    }
    out.push_back(item.string);
  }
  if (value.kind != TomlValue::Kind::kArray) {
    return fail(Code::kInvalidArgument, "{} is a list, not {}", key, value.kind_name());
  }
  return out;
}

Result<ForwardPolicy> parse_policy(const std::string& text) {
  if (const auto policy = parse_forward_policy(text)) {
    return *policy;
  }
  return fail(Code::kInvalidArgument, "forward.policy is ordered, fastest or parallel, not \"{}\"",
              text);
}

Result<void> check_prefixes(const std::string& text) {
  MC_TRY(Prefixes::parse({text}));
  return {};
}

Result<void> check_upstream(const std::string& text) {
  MC_TRY(Upstream::parse(text));
  return {};
}

Result<void> check_kind(const TomlValue& value, TomlValue::Kind kind, std::string_view key,
                        std::string_view wanted) {
  if (value.kind != kind) {
    return fail(Code::kInvalidArgument, "forward.{} is {}, not {}", key, wanted, value.kind_name());
  }
  return {};
}

// [[forward]] zone, upstreams, fallback, policy, random_case, ca_cert.
Result<Config::Forward> parse_forward(const TomlValue& entry) {
  Config::Forward forward;
  ForwardGroup& out = forward.group;
  bool has_zone = false;
  for (const auto& [key, position, value] : entry.members) {
    if (key == "zone") {
      MC_ASSIGN(out.zone, Name::parse(value.string));
      forward.zone_at = value.position;
      has_zone = true;
    } else if (key == "upstreams" || key == "fallback") {
      MC_ASSIGN(const std::vector<std::string> texts, texts_of(value, "forward." + key));
      MC_ASSIGN((key == "upstreams" ? out.upstreams : out.fallback), parse_upstreams(texts));
      (key == "upstreams" ? forward.upstreams_at : forward.fallback_at) = value.position;
    } else if (key == "policy") {
      MC_ASSIGN(out.policy, parse_policy(value.string));
    } else if (key == "random_case") {
      MC_TRY(check_kind(value, TomlValue::Kind::kBool, key, "true or false"));
      forward.random_case = value.boolean;
    } else if (key == "ca_cert") {
      MC_TRY(check_kind(value, TomlValue::Kind::kString, key, "a path"));
      forward.ca_cert = value.string;
      forward.ca_cert_at = value.position;
    } else {
      return fail(Code::kInvalidArgument, "unknown key forward.{}", key)
          .hint("zone, upstreams, fallback, policy, random_case, ca_cert");
    }
  }
  if (!has_zone || out.upstreams.empty()) {
    return fail(Code::kInvalidArgument, "a [[forward]] needs a zone and upstreams")
        .hint("zone = \"ts.net\", upstreams = [\"100.100.100.100:53\"]");
  }
  return forward;
}

void trust(ForwardGroup& group, const std::string& ca_cert) {
  for (auto* upstreams : {&group.upstreams, &group.fallback}) {
    for (Upstream& upstream : *upstreams) {
      upstream.ca_cert = ca_cert;
    }
  }
}

// [[network]] name, cidrs.
Result<Network> parse_network(const TomlValue& entry) {
  Network out;
  for (const auto& [key, position, value] : entry.members) {
    if (key == "name") {
      out.name = value.string;
    } else if (key == "cidrs") {
      MC_ASSIGN(const std::vector<std::string> texts, texts_of(value, "network.cidrs"));
      MC_ASSIGN(out.prefixes, dsl::with_context(Prefixes::parse(texts), "network.cidrs"));
    } else {
      return fail(Code::kInvalidArgument, "unknown key network.{}", key).hint("name, cidrs");
    }
  }
  if (out.name.empty() || out.prefixes.empty()) {
    return fail(Code::kInvalidArgument, "a [[network]] needs a name and cidrs")
        .hint("name = \"lan\", cidrs = [\"192.168.88.0/24\"]");
  }
  return out;
}

int allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return ::sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
}

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : "";
}

}  // namespace

void Config::bind(dsl::config::Table& table) {
  face.bind(table);
  table.text("server.tokens", &tokens_path).help("tokens that may call over the network");
  table.text("database.path", &database_path).help("SQLite database: the zones");
  table.boolean("database.image", &image)
      .help("keep the zones as they are in memory, too, for a fast start: image/ beside it");
  table.text("database.damaged", &damaged)
      .one_of({"stop", "serve-image"})
      .help("a start with a damaged database: stop, or answer from the last image, unchangeable");
  table.text("database.backups", &backup_dir).help("where `mcns snapshot` puts its copies");
  replica.bind(table);
  table.text("handover.socket", &handover_socket)
      .help("where a new process asks for the place of this one; empty = beside the database");
  table.duration("handover.timeout", &handover_timeout)
      .range("1s", "10m")
      .help("one that is not ready by then ends, and this one goes on");

  table.list("dns.listen_addr", &listen)
      .or_one()
      .each([](const std::string& each) -> Result<void> {
        MC_TRY(net::listen_addresses(each));
        return {};
      })
      .help("where DNS is asked, UDP and TCP: address:port, or :port for every address");
  table.integer("dns.workers", &workers).range("0", "256").help("threads; 0 = one per allowed CPU");
  table.integer("dns.udp_size", &udp_size)
      .range("512", "4096")
      .help("most octets of a UDP answer")
      .reloadable();
  table.text("dns.nsid", &nsid)
      .help("identifies this server to who asks; \"hostname\" = its name")
      .reloadable();
  table.text("dns.any", &any)
      .one_of({"minimal", "hinfo", "full"})
      .help("what ANY gets (RFC 8482); full over TCP only")
      .reloadable();
  table.text("dns.identity", &identity)
      .help("answer to CH TXT version.bind and id.server; empty = refused")
      .reloadable();
  table.text("dns.order", &order)
      .one_of({"rotate", "fixed", "network"})
      .help(
          "of the records of an RRset: turned from answer to answer, as stored, or turned with the "
          "addresses first that are in the client's [[network]]");
  table.boolean("dns.only_reachable", &only_reachable)
      .help(
          "with order = \"network\": addresses of a [[network]] that the client is not in are left "
          "out, unless nothing remains");
  table.boolean("dns.rotate", &rotate).help("the former name of order: false is \"fixed\"");
  table.boolean("dns.cookies", &cookies)
      .help("DNS cookies (RFC 7873): a client that has one is not held for a forged address");
  table.list("dns.upstreams", &upstreams)
      .each(check_upstream)
      .help(
          "who is asked for names that are not ours: 1.1.1.1, udp://1.1.1.1:53, "
          "tcp://[2606:4700:4700::1111]:53, tls://1.1.1.1:853#one.one.one.one, "
          "https://1.1.1.1/dns-query#one.one.one.one")
      .origin(&origins.upstreams)
      .reloadable();
  table.list("dns.fallback_upstreams", &fallback_upstreams)
      .each(check_upstream)
      .help("asked only while every upstream is down")
      .origin(&origins.fallback_upstreams)
      .reloadable();
  table.boolean("dns.random_case", &random_case)
      .help(
          "ask upstreams over UDP with names in random case, which makes answers hard to forge; a "
          "[[forward]] may say otherwise")
      .reloadable();
  table.text("dns.ca_cert", &ca_cert)
      .help(
          "authorities (PEM) of upstreams over TLS and HTTPS; empty = those of the system; a "
          "[[forward]] may "
          "say otherwise")
      .origin(&origins.ca_cert)
      .reloadable();
  table.list("dns.allow_recursion", &allow_recursion)
      .each(check_prefixes)
      .help("who may ask for them: ranges, private, any, none")
      .reloadable();
  table.boolean("dns.follow_delegations", &follow_delegations)
      .help(
          "they also get what the servers of a zone say that one of ours delegates, and not only "
          "where these are")
      .reloadable();
  table.duration("dns.tcp_idle", &tcp_idle)
      .range("1s", "10m")
      .help("a quiet connection is closed")
      .reloadable();
  table.integer("dns.tcp_max", &tcp_max).range("1", "100000").help("connections").reloadable();
  table.integer("dns.tcp_max_per_client", &tcp_max_per_client)
      .range("1", "100000")
      .help("connections of one client")
      .reloadable();
  table.integer("dns.tcp_queries_in_flight", &tcp_queries_in_flight)
      .range("1", "10000")
      .help("questions of one connection that wait for upstreams")
      .reloadable();

  table.integer("rrl.rate", &rrl_rate)
      .range("0", "1000000")
      .help("answers a second over UDP that a network gets of each worker for a name; 0 = any");
  table.integer("rrl.errors", &rrl_errors)
      .range("0", "1000000")
      .help("the same for errors, all together; 0 = any");
  table.duration("rrl.window", &rrl_window)
      .range("1s", "1h")
      .help("who floods is answered again after so long a silence at most");
  table.integer("rrl.slip", &rrl_slip)
      .range("0", "100")
      .help("every so many answers over the rate one says to come by TCP; 1 = each, 0 = none");
  table.integer("rrl.v4_prefix", &rrl_v4_prefix).range("1", "32").help("what a network is");
  table.integer("rrl.v6_prefix", &rrl_v6_prefix).range("1", "128").help("and in IPv6");
  table.list("rrl.exempt", &rrl_exempt)
      .each(check_prefixes)
      .help("who has no rate: ranges, private, any, none");

  table.size("cache.size", &cache_size).range("1MiB", "64GiB").help("bound of its memory");
  table.duration("cache.max_ttl", &max_ttl).help("no answer is kept longer").reloadable();
  table.duration("cache.negative_ttl", &negative_ttl).help("nor a negative one").reloadable();
  table.duration("cache.min_ttl", &min_ttl).range("0s", "1h").help("nor shorter").reloadable();
  table.duration("cache.failure_ttl", &failure_ttl)
      .range("0s", "5s")
      .help("how long a SERVFAIL is kept (RFC 9520); 0s = never")
      .reloadable();
  table.duration("cache.stale", &stale)
      .help("how long old answers stay for dead upstreams")
      .reloadable();
  table.duration("cache.stale_ttl", &stale_ttl)
      .help("the TTL that a stale answer shows")
      .reloadable();
  table.duration("cache.stale_after", &stale_after)
      .help("how long upstreams are waited for first")
      .reloadable();
  table.boolean("cache.prefetch", &prefetch)
      .help("ask again shortly before a TTL ends")
      .reloadable();

  table.tables<Forward>("forward", &forwards, parse_forward)
      .help(
          "who is asked for names at and below `zone`: upstreams, fallback, policy (ordered, "
          "fastest, parallel), random_case, ca_cert")
      .origin(&origins.forwards)
      .reloadable();
  table
      .tables("network",
              [this](const TomlValue& entry) -> Result<void> {
                MC_ASSIGN(Network network, parse_network(entry));
                networks.push_back(std::move(network));
                return {};
              })
      .help(
          "where clients and addresses are, for dns.order: name, and cidrs such as "
          "[\"192.168.88.0/24\"]; a client is in the first that has it");
  table.list("seed.paths", &seed_paths).help("zones and records of a first start");
  table.integer("guard.max_shrink_percent", &shrink_percent_max)
      .range("1", "100")
      .help("an import that takes more of a zone's names away is refused")
      .reloadable();
  table.integer("guard.min_names", &shrink_names_min)
      .range("0", "1000000000")
      .help("of zones with at least so many names")
      .reloadable();
  table.integer("history.rows", &journal_rows)
      .range("100", "100000000")
      .help("changes that are kept of each zone")
      .reloadable();
  table.text("querylog.mode", &query_mode)
      .one_of({"off", "errors", "sample", "all"})
      .help(
          "which answers are logged, as JSON lines; errors: all but NOERROR and NXDOMAIN; sample: "
          "the share below");
  table.number("querylog.sample", &query_sample)
      .range("0", "1")
      .help("of all answers, for mode = \"sample\"");
  table.boolean("querylog.anonymize", &query_anonymize)
      .help("clients are written as their /24 or /48 only, here and for dnstap");
  table.text("querylog.file", &query_file)
      .help("of the log; moved away it is made anew; empty = queries.jsonl beside the database");
  table.text("querylog.dnstap", &dnstap)
      .each([](const std::string& each) {
        return each.empty() ? Result<void>() : dnstap::check_place(each);
      })
      .help(
          "every message of clients and upstreams, whatever the mode: \"unix:/run/dnstap.sock\" "
          "for a reader there, or the path of a file; empty = none");
  table.list("authz.agent_accounts", &agent_accounts)
      .help("accounts that may change any record, and no zone");

  table.check([this] { return check_order(); });
}

Result<void> Config::check_order() const {
  if (order == "network" && networks.empty()) {
    return fail(Code::kInvalidArgument, "dns.order is \"network\", and no [[network]] is declared")
        .hint("[[network]] name = \"lan\", cidrs = [\"192.168.88.0/24\"]");
  }
  if (only_reachable && order != "network") {
    return fail(Code::kInvalidArgument, "dns.only_reachable needs dns.order = \"network\"");
  }
  std::set<std::string> names;
  for (const Network& network : networks) {
    if (!names.insert(network.name).second) {
      return fail(Code::kInvalidArgument, "the [[network]] \"{}\" is there twice", network.name)
          .hint("a network may have several cidrs");
    }
  }
  return {};
}

int Config::worker_count() const {
  return workers > 0 ? static_cast<int>(workers) : allowed_cpus();
}

std::string Config::handover_path() const {
  return handover_socket.empty() ? dsl::env::folder_of(database_path) + "/" + "handover.sock"
                                 : handover_socket;
}

std::string Config::image_folder() const {
  return dsl::env::folder_of(database_path) + "/" + "image";
}

AnswerOptions Config::answer_options() const {
  AnswerOptions out;
  out.udp_size = static_cast<std::uint16_t>(udp_size);
  out.any =
      any == "full" ? AnyAnswer::kFull : (any == "hinfo" ? AnyAnswer::kHinfo : AnyAnswer::kMinimal);
  out.rotate = order != "fixed" && rotate;
  out.nsid = nsid == "hostname" ? host_name() : nsid;
  out.identity = identity;
  out.cookies = cookies;
  out.follow_delegations = follow_delegations;
  out.keepalive = static_cast<std::uint16_t>(tcp_idle.count() / kKeepaliveUnit);
  return out;
}

std::unique_ptr<Networks> Config::answer_networks() const {
  return order == "network" ? std::make_unique<Networks>(networks, only_reachable) : nullptr;
}

CacheOptions Config::cache_options() const {
  CacheOptions out;
  out.size_bytes = cache_size;
  out.max_ttl_s = seconds(max_ttl);
  out.negative_ttl_s = seconds(negative_ttl);
  out.min_ttl_s = seconds(min_ttl);
  out.failure_ttl_s = seconds(failure_ttl);
  out.stale_s = seconds(stale);
  out.stale_ttl_s = seconds(stale_ttl);
  out.prefetch = prefetch;
  return out;
}

ForwardOptions Config::forward_options() const {
  ForwardOptions out;
  out.stale_after = stale_after;
  return out;
}

WriterOptions Config::writer_options() const {
  WriterOptions out;
  out.guard.shrink_percent_max = static_cast<int>(shrink_percent_max);
  out.guard.names_min = static_cast<std::uint64_t>(shrink_names_min);
  out.journal_rows_max = static_cast<std::size_t>(journal_rows);
  return out;
}

net::ServerOptions Config::server_options() const {
  net::ServerOptions out;
  out.workers = worker_count();
  out.udp_size = static_cast<std::uint16_t>(udp_size);
  out.tcp_idle = tcp_idle;
  out.tcp_max = static_cast<int>(tcp_max);
  out.tcp_max_per_client = static_cast<int>(tcp_max_per_client);
  out.tcp_queries_in_flight = static_cast<int>(tcp_queries_in_flight);
  return out;
}

rrl::Options Config::rrl_options() const {
  rrl::Options out;
  out.rate = static_cast<std::uint32_t>(rrl_rate);
  out.errors = static_cast<std::uint32_t>(rrl_errors);
  out.window = rrl_window;
  out.slip = static_cast<std::uint32_t>(rrl_slip);
  out.v4_prefix = static_cast<unsigned>(rrl_v4_prefix);
  out.v6_prefix = static_cast<unsigned>(rrl_v6_prefix);
  return out;
}

ResolverRules Config::resolver_rules() const {
  // `load` has checked that they can be read.
  return {Prefixes::parse(allow_recursion).value_or(Prefixes()), answer_options()};
}

api::ForwardDefaults Config::forward_defaults() const {
  return {.random_case = random_case, .ca_cert = ca_cert};
}

querylog::RecorderOptions Config::recorder_options() const {
  querylog::RecorderOptions out;
  out.mode = query_mode == "all"      ? LogMode::kAll
             : query_mode == "sample" ? LogMode::kSample
             : query_mode == "errors" ? LogMode::kErrors
                                      : LogMode::kOff;
  out.share = query_sample;
  out.path =
      query_file.empty() ? dsl::env::folder_of(database_path) + "/" + "queries.jsonl" : query_file;
  out.anonymize = query_anonymize;
  out.dnstap.place = dnstap;
  out.dnstap.identity = {.server = host_name(),
                         .program = dsl::text("mcns {}", dsl::build_info().version)};
  return out;
}

std::vector<ForwardGroup> Config::forward_groups() const {
  std::vector<ForwardGroup> out;
  for (const Forward& forward : forwards) {
    ForwardGroup& group = out.emplace_back(forward.group);
    group.random_case = forward.random_case.value_or(random_case);
    trust(group, forward.ca_cert.value_or(ca_cert));
  }
  ForwardGroup rest;
  rest.random_case = random_case;
  // `load` has checked that they can be read.
  rest.upstreams = parse_upstreams(upstreams).value_or(std::vector<Upstream>());
  rest.fallback = parse_upstreams(fallback_upstreams).value_or(std::vector<Upstream>());
  trust(rest, ca_cert);
  if (!rest.upstreams.empty()) {
    out.push_back(std::move(rest));
  }
  return out;
}

}  // namespace mcns
