#include "mcns/service/config.h"

#include <array>
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
      return fail(Code::kInvalidArgument, "forward.{} is a list of texts, not of {}", key,
                  item.kind_name());
    }
    out.push_back(item.string);
  }
  if (value.kind != TomlValue::Kind::kArray) {
    return fail(Code::kInvalidArgument, "forward.{} is a list, not {}", key, value.kind_name());
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

// [[forward]] zone, upstreams, fallback, policy.
Result<ForwardGroup> parse_forward(const TomlValue& entry) {
  ForwardGroup out;
  bool has_zone = false;
  for (const auto& [key, position, value] : entry.members) {
    if (key == "zone") {
      MC_ASSIGN(out.zone, Name::parse(value.string));
      has_zone = true;
    } else if (key == "upstreams" || key == "fallback") {
      MC_ASSIGN(const std::vector<std::string> texts, texts_of(value, key));
      MC_ASSIGN((key == "upstreams" ? out.upstreams : out.fallback), parse_upstreams(texts));
    } else if (key == "policy") {
      MC_ASSIGN(out.policy, parse_policy(value.string));
    } else {
      return fail(Code::kInvalidArgument, "unknown key forward.{}", key)
          .hint("zone, upstreams, fallback, policy");
    }
  }
  if (!has_zone || out.upstreams.empty()) {
    return fail(Code::kInvalidArgument, "a [[forward]] needs a zone and upstreams")
        .hint("zone = \"ts.net\", upstreams = [\"100.100.100.100:53\"]");
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
  table.text("database.backups", &backup_dir).help("where `mcns snapshot` puts its copies");
  replica.bind(table);
  table.text("handover.socket", &handover_socket)
      .help("where a new process asks for the place of this one; empty = beside the database");
  table.duration("handover.timeout", &handover_timeout)
      .range("1s", "10m")
      .help("one that is not ready by then ends, and this one goes on");

  table.list("dns.listen_addr", &listen)
      .or_one()
      .help("where DNS is asked, UDP and TCP: address:port, or :port for every address");
  table.integer("dns.workers", &workers).range("0", "256").help("threads; 0 = one per allowed CPU");
  table.integer("dns.udp_size", &udp_size).range("512", "4096").help("most octets of a UDP answer");
  table.text("dns.nsid", &nsid).help("identifies this server to who asks; \"hostname\" = its name");
  table.text("dns.any", &any)
      .one_of({"minimal", "hinfo", "full"})
      .help("what ANY gets (RFC 8482); full over TCP only");
  table.text("dns.identity", &identity)
      .help("answer to CH TXT version.bind and id.server; empty = refused");
  table.boolean("dns.rotate", &rotate).help("turn the records of an RRset from answer to answer");
  table.list("dns.upstreams", &upstreams).help("who is asked for names that are not ours");
  table.list("dns.fallback_upstreams", &fallback_upstreams)
      .help("asked only while every upstream is down");
  table.list("dns.allow_recursion", &allow_recursion)
      .help("who may ask for them: ranges, private, any, none");
  table.duration("dns.tcp_idle", &tcp_idle).range("1s", "10m").help("a quiet connection is closed");
  table.integer("dns.tcp_max", &tcp_max).range("1", "100000").help("connections");
  table.integer("dns.tcp_max_per_client", &tcp_max_per_client)
      .range("1", "100000")
      .help("connections of one client");
  table.integer("dns.tcp_queries_in_flight", &tcp_queries_in_flight)
      .range("1", "10000")
      .help("questions of one connection that wait for upstreams");

  table.size("cache.size", &cache_size).range("1MiB", "64GiB").help("bound of its memory");
  table.duration("cache.max_ttl", &max_ttl).help("no answer is kept longer");
  table.duration("cache.negative_ttl", &negative_ttl).help("nor a negative one");
  table.duration("cache.min_ttl", &min_ttl).range("0s", "1h").help("nor shorter");
  table.duration("cache.failure_ttl", &failure_ttl)
      .range("0s", "5s")
      .help("how long a SERVFAIL is kept (RFC 9520); 0s = never");
  table.duration("cache.stale", &stale).help("how long old answers stay for dead upstreams");
  table.duration("cache.stale_ttl", &stale_ttl).help("the TTL that a stale answer shows");
  table.duration("cache.stale_after", &stale_after).help("how long upstreams are waited for first");
  table.boolean("cache.prefetch", &prefetch).help("ask again shortly before a TTL ends");

  table.tables("forward", [this](const TomlValue& entry) -> Result<void> {
    MC_ASSIGN(ForwardGroup group, parse_forward(entry));
    forwards.push_back(std::move(group));
    return {};
  });
  table.list("seed.paths", &seed_paths).help("zones and records of a first start");
  table.integer("guard.max_shrink_percent", &shrink_percent_max)
      .range("1", "100")
      .help("an import that takes more of a zone's names away is refused");
  table.integer("guard.min_names", &shrink_names_min)
      .range("0", "1000000000")
      .help("of zones with at least so many names");
  table.integer("history.rows", &journal_rows)
      .range("100", "100000000")
      .help("changes that are kept of each zone");
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
      .help(
          "every message of clients and upstreams, whatever the mode: \"unix:/run/dnstap.sock\" "
          "for a reader there, or the path of a file; empty = none");
  table.list("authz.agent_accounts", &agent_accounts)
      .help("accounts that may change any record, and no zone");

  table.check([this]() -> Result<void> {
    for (const std::string& each : listen) {
      MC_TRY(dsl::with_context(net::listen_addresses(each), "dns.listen_addr"));
    }
    MC_TRY(dsl::with_context(parse_upstreams(upstreams), "dns.upstreams"));
    MC_TRY(dsl::with_context(parse_upstreams(fallback_upstreams), "dns.fallback_upstreams"));
    MC_TRY(dsl::with_context(Prefixes::parse(allow_recursion), "dns.allow_recursion"));
    if (!dnstap.empty()) {
      MC_TRY(dsl::with_context(dnstap::check_place(dnstap), "querylog.dnstap"));
    }
    return {};
  });
}

int Config::worker_count() const {
  return workers > 0 ? static_cast<int>(workers) : allowed_cpus();
}

std::string Config::handover_path() const {
  return handover_socket.empty() ? dsl::env::folder_of(database_path) + "/" + "handover.sock"
                                 : handover_socket;
}

AnswerOptions Config::answer_options() const {
  AnswerOptions out;
  out.udp_size = static_cast<std::uint16_t>(udp_size);
  out.any =
      any == "full" ? AnyAnswer::kFull : (any == "hinfo" ? AnyAnswer::kHinfo : AnyAnswer::kMinimal);
  out.rotate = rotate;
  out.nsid = nsid == "hostname" ? host_name() : nsid;
  out.identity = identity;
  return out;
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
  std::vector<ForwardGroup> out = forwards;
  ForwardGroup rest;
  // `load` has checked that they can be read.
  rest.upstreams = parse_upstreams(upstreams).value_or(std::vector<Upstream>());
  rest.fallback = parse_upstreams(fallback_upstreams).value_or(std::vector<Upstream>());
  if (!rest.upstreams.empty()) {
    out.push_back(std::move(rest));
  }
  return out;
}

}  // namespace mcns
