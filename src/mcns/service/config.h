// /srv/mcns/mcns.toml
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dsl/config/config.h"
#include "dsl/endpoint/endpoint.h"
#include "dsl/replica/config.h"
#include "mcns/answer/answer.h"
#include "mcns/api/forwards.h"
#include "mcns/cache/cache.h"
#include "mcns/forward/forwarder.h"
#include "mcns/net/server.h"
#include "mcns/querylog/recorder.h"
#include "mcns/resolve/networks.h"
#include "mcns/resolve/rules.h"
#include "mcns/writer/writer.h"

namespace mcns {

struct Config {
  dsl::endpoint::Config face{.socket_path = "/srv/mcns/admin.sock",
                             .grpc_addr = ":9443",
                             .rest_addr = ":8443",
                             .tls_cert = "",
                             .tls_key = ""};
  std::string tokens_path = "/srv/mcns/tokens";
  std::string database_path = "/srv/mcns/mcns.db";
  bool image = true;
  std::string damaged = "stop";  // or "serve-image"
  dsl::replica::Config replica;
  std::string backup_dir = "/srv/mcns/backups";
  std::string handover_socket;  // empty = beside the database
  std::chrono::milliseconds handover_timeout{30000};

  std::vector<std::string> listen = {":53"};
  std::int64_t workers = 0;  // 0 = one per allowed CPU
  std::int64_t udp_size = 1232;
  std::string nsid;
  std::string any = "minimal";
  std::string identity;
  bool cookies = true;
  std::string order = "rotate";
  bool only_reachable = false;
  bool rotate = true;  // the former name of `order`: false = "fixed"
  std::vector<std::string> upstreams = {"1.1.1.1:53", "8.8.8.8:53"};
  std::vector<std::string> fallback_upstreams = {"9.9.9.9:53"};
  bool random_case = false;
  std::string ca_cert;  // of upstreams over TLS; empty = the system's
  std::vector<std::string> allow_recursion = {"private"};
  bool follow_delegations = true;
  std::chrono::milliseconds tcp_idle{10000};
  std::int64_t tcp_max = 4096;
  std::int64_t tcp_max_per_client = 64;
  std::int64_t tcp_queries_in_flight = 128;

  std::int64_t rrl_rate = 200;
  std::int64_t rrl_errors = 20;
  std::chrono::milliseconds rrl_window{15000};
  std::int64_t rrl_slip = 2;
  std::int64_t rrl_v4_prefix = 24;
  std::int64_t rrl_v6_prefix = 56;
  std::vector<std::string> rrl_exempt = {"private"};

  std::uint64_t cache_size = CacheOptions().size_bytes;
  std::chrono::milliseconds max_ttl{300000};
  std::chrono::milliseconds negative_ttl{300000};
  std::chrono::milliseconds min_ttl{0};
  std::chrono::milliseconds failure_ttl{0};
  std::chrono::milliseconds stale{86400000};
  std::chrono::milliseconds stale_ttl{30000};
  std::chrono::milliseconds stale_after{1800};
  bool prefetch = true;

  // A [[forward]]; what it leaves out is as [dns] has it.
  struct Forward {
    ForwardGroup group;
    std::optional<bool> random_case;
    std::optional<std::string> ca_cert;
    // In the file.
    dsl::config::Position zone_at;
    dsl::config::Position upstreams_at;
    dsl::config::Position fallback_at;
    dsl::config::Position ca_cert_at;
  };
  std::vector<Forward> forwards;
  std::vector<Network> networks;  // [[network]]
  // Of what is checked when all else is good (upstream_check.h).
  struct Origins {
    dsl::config::Origin upstreams;
    dsl::config::Origin fallback_upstreams;
    dsl::config::Origin ca_cert;
    dsl::config::Origin forwards;
  };
  Origins origins;
  std::vector<std::string> seed_paths = {"/srv/mcns/seed.toml", "/srv/mcns/seed.d/*.zone"};
  std::int64_t shrink_percent_max = 50;
  std::int64_t shrink_names_min = 20;
  std::int64_t journal_rows = 100000;
  std::string query_mode = "off";
  double query_sample = 0.01;
  bool query_anonymize = false;
  std::string query_file;  // empty = beside the database
  std::string dnstap;      // empty = none
  std::vector<std::string> agent_accounts = {"mcp-agent"};

  void bind(dsl::config::Table& table);
  // [dns] order with what goes with it. kInvalidArgument.
  dsl::Result<void> check_order() const;

  // After `load`, which has checked the values.
  int worker_count() const;
  std::string handover_path() const;
  std::string image_folder() const;
  AnswerOptions answer_options() const;
  // What answers are fitted to; null when they are the same for every client.
  std::unique_ptr<Networks> answer_networks() const;
  CacheOptions cache_options() const;
  ForwardOptions forward_options() const;
  WriterOptions writer_options() const;
  net::ServerOptions server_options() const;
  rrl::Options rrl_options() const;  // without the key
  ResolverRules resolver_rules() const;
  querylog::RecorderOptions recorder_options() const;
  // Every [[forward]], and at the end the shorthand of [dns] if it has upstreams.
  std::vector<ForwardGroup> forward_groups() const;
  // What [dns] says for groups that say nothing of it.
  api::ForwardDefaults forward_defaults() const;
};

}  // namespace mcns
