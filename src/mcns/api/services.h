// What the methods of the API work on.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dsl/auth/tokens.h"
#include "dsl/db/database.h"
#include "dsl/env/env.h"
#include "mcns/api/forwards.h"
#include "mcns/api/replies.h"
#include "mcns/events/query_events.h"
#include "mcns/resolve/resolver.h"
#include "mcns/writer/writer.h"

namespace mcns::api {

struct Settings {
  std::vector<std::string> agent_accounts = {"mcp-agent"};
  std::string backup_dir = "/srv/mcns/backups";
};

// What only the process as a whole can tell. Each may be absent, is thread-safe, and must not wait.
struct Hooks {
  std::function<std::vector<std::string>()> dns_listeners;  // "udp 192.0.2.53:53", those bound
  std::function<std::vector<std::string>()> api_listeners;  // of the endpoint
  std::function<std::vector<std::string>()> problems;       // "the certificate ends in 3 days"
  // What the seed files would add, a line each.
  std::function<dsl::Result<std::vector<std::string>>()> seed_preview;
};

// References to what outlives the server of the API.
struct Services {
  dsl::env::Env& env;
  dsl::db::Database& database;
  Writer& writer;
  const ResolverParts& resolver;  // zones, cache and forwarder as the workers have them
  Forwards& forwards;
  QueryEvents& queries;
  std::shared_ptr<dsl::auth::TokenFile> tokens;  // nothing = none are kept
  Settings settings;
  Hooks hooks;
  dsl::env::WallTime started{};
  // The database is damaged, and the zones are those of an image: why nothing can be changed.
  std::optional<dsl::Error> unchangeable = std::nullopt;
  // To be set before the server stops: streams without an end then end at once.
  std::atomic<bool> stopping = false;
  Replies replies{env.clock()};  // of the methods, and known to who decides their rights
};

}  // namespace mcns::api
