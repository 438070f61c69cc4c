#include "mcns/service/service.h"

#include <algorithm>
#include <span>
#include <utility>

#include <unistd.h>

#include "dsl/env/path.h"
#include "dsl/env/socket_address.h"
#include "dsl/log/log.h"
#include "dsl/result/text.h"
#include "dsl/service/version.h"
#include "dsl/transcode/openapi.h"
#include "mcns/forward/groups.h"
#include "mcns/seed/seed.h"
#include "mcns/service/upstream_check.h"

namespace mcns {
namespace {

using dsl::Result;

const dsl::log::Logger logger("mcns");
constexpr std::chrono::milliseconds kFailedGrace{4000};
// A write holds one until the commit that it shares with others: so many can be in a group. They
// are made when they are first needed.
constexpr int kApiWorkers = 64;

dsl::transcode::OpenApiInfo about() {
  return {.title = "mcns",
          .version = dsl::build_info().version,
          .summary = "The names of the platform."};
}

// Whom names are asked of, and how. To set the same anew would empty the cache.
bool is_of_forwards(const std::string& key) {
  return key == "forward" || key == "dns.upstreams" || key == "dns.fallback_upstreams" ||
         key == "dns.random_case" || key == "dns.ca_cert" || key == "dns.follow_delegations";
}

// Another number once somebody else has changed the database: all our changes go over the
// connection that is asked.
Result<std::int64_t> data_version(dsl::db::Database& database) {
  std::int64_t version = 0;
  MC_TRY(database.write([&](dsl::db::Transaction& tx) {
    return tx.query("PRAGMA data_version", [&](dsl::db::Row& row) -> Result<void> {
      version = row.integer(0);
      return {};
    });
  }));
  return version;
}

Result<void> apply_seed(dsl::env::Env& env, const std::vector<std::string>& paths,
                        dsl::db::Database& database, Writer& writer) {
  MC_TRY(seed::apply(env, paths, database, writer));
  return {};
}

std::vector<std::string> addresses_of(const std::vector<net::DnsSocket>& sockets) {
  std::vector<std::string> out;
  for (const net::DnsSocket& socket : sockets) {
    out.push_back(socket.address);
  }
  return out;
}

}  // namespace

Result<void> Service::check(dsl::env::Env& env, const dsl::config::Sources& sources) {
  MC_ASSIGN(const Config config, read_config(env, sources));
  MC_ASSIGN(const std::vector<std::string> addresses, own_addresses(config));
  MC_ASSIGN(const OwnAddresses own, OwnAddresses::parse(addresses));
  return check_upstreams(env, config, own);
}

Result<std::vector<std::string>> Service::own_addresses(const Config& config) const {
  if (dns_) {
    return addresses_of(dns_->sockets());
  }
  std::vector<std::string> out;
  for (const std::string& listen : config.listen) {
    MC_ASSIGN(const std::vector<dsl::env::SocketAddress> addresses, net::listen_addresses(listen));
    for (const dsl::env::SocketAddress& address : addresses) {
      out.push_back(dsl::env::to_text(address));
    }
  }
  return out;
}

void Service::adopt(dsl::service::ActivatedSockets& sockets) {
  dns_sockets_ = sockets.take(kDnsSocket);
  api_sockets_ = sockets.extract({dsl::endpoint::kRestSocket, dsl::endpoint::kMetricsSocket});
}

Result<void> Service::start(dsl::env::Env& env) {
  env_ = &env;
  Result<void> started = start_all(env);
  if (!started) {
    stop(kFailedGrace);  // what it has read already is answered by nobody else
  }
  return started;
}

// As an heir it answers as soon as it can, and takes writes last: not before the process that it
// follows reads no more, which would answer without them.
Result<void> Service::start_all(dsl::env::Env& env) {
  MC_TRY(inherit());
  make_cache(env);
  Result<void> opened = open_zones(env);
  if (!opened && may_serve_image(opened.error())) {
    opened = take_image(opened.error());
  }
  MC_TRY(opened);
  if (heir_) {
    writer_->pause();
  }
  MC_TRY(start_dns(env));
  if (heir_) {
    MC_TRY(heir_->serving());
  }
  MC_TRY(start_api(env));
  if (heir_) {
    MC_TRY(heir_->ready([this](dsl::env::UniqueFd fd) { dns_->adopt(std::move(fd)); }));
    writer_->resume();
  }
  if (recorder_) {
    recorder_->begin_tap();  // a file that is there is moved aside: not by a start that fails
  }
  open_door();
  return {};
}

Result<void> Service::open_zones(dsl::env::Env& env) {
  MC_TRY(with_way_back(open_store(env)));
  MC_TRY(look_for_lost_zones());
  MC_TRY(with_way_back(api::check_forwards(*database_)));
  return with_way_back(apply_seed(env, config_.seed_paths, *database_, *writer_));
}

void Service::make_cache(dsl::env::Env& env) {
  std::uint64_t seed = 0;
  env.random().fill(std::as_writable_bytes(std::span(&seed, 1)));
  cache_ = Cache::make(config_.cache_options(), seed);
}

Result<void> Service::open_store(dsl::env::Env& env) {
  std::vector<zone::ImageZone> image;
  if (config_.image) {
    images_ =
        std::make_unique<ImageKeeper>(env, zones_,
                                      ImageKeeper::Options{.database_path = config_.database_path,
                                                           .folder = config_.image_folder()});
    if (!dns_) {  // else the workers have zones, and hash names
      image = images_->load();
    }
  }
  MC_ASSIGN(database_, open_database(env, config_));
  WriterOptions writing = config_.writer_options();
  // In the cache is what others have said.
  writing.moved = [cache = cache_.get()](const std::vector<Name>& names) {
    for (const Name& name : names) {
      (void)cache->flush(name.wire(), true);
    }
  };
  MC_ASSIGN(writer_, Writer::open(env, *database_, zones_, std::move(writing), image));
  if (images_) {
    images_->start([this] { return data_version(*database_); });
  }
  if (config_.cookies) {
    secret_keeper_ = std::make_unique<SecretKeeper>(env, *database_, secrets_);
  }
  return {};
}

// A file that is gone or empty looks like a first start.
Result<void> Service::look_for_lost_zones() {
  zone::Reader reader(zones_);
  const zone::Pin version(reader);
  if (!version->zones().empty() || !images_ || !images_->has_zones()) {
    return {};
  }
  if (config_.damaged == "serve-image") {
    return dsl::fail(dsl::Code::kDataLoss, "{} has no zones, and the image beside it has some",
                     config_.database_path)
        .hint(dsl::text("put it back with {}; to begin anew, remove the image", way_back()));
  }
  logger.warn(
      "the database has no zones, and the image beside it has some: was it lost?",
      {{"database", config_.database_path},
       {"image", config_.image_folder()},
       {"hint", dsl::text("{} puts it back; to begin anew, remove the image", way_back())}});
  return {};
}

Result<void> Service::start_dns(dsl::env::Env& env) {
  if (!config_.rotate) {
    logger.warn("dns.rotate is the former name of dns.order: write order = \"fixed\"");
  }
  queries_ = std::make_unique<QueryEvents>(env.clock());
  querylog::RecorderOptions recording = config_.recorder_options();
  recording.tap_waits = dnstap::is_file(recording.dnstap.place);
  recorder_ = querylog::Recorder::start(env, *queries_, recording);
  ForwardOptions forwarding = config_.forward_options();
  forwarding.events = queries_.get();
  own_names_ = std::make_unique<OwnNames>(zones_);
  forwarding.own_zones = own_names_.get();
  MC_ASSIGN(forwarder_, Forwarder::start(env, *cache_, forwarding));
  MC_ASSIGN(Prefixes rrl_exempt, Prefixes::parse(config_.rrl_exempt));
  rrl::Options rrl = config_.rrl_options();
  env.random().fill(std::as_writable_bytes(std::span(rrl.key)));
  networks_ = config_.answer_networks();
  parts_ = std::make_unique<ResolverParts>(
      ResolverParts{.zones = zones_,
                    .cache = *cache_,
                    .forwarder = forwarder_.get(),
                    .rules = config_.resolver_rules(),
                    .networks = networks_.get(),
                    .events = queries_.get(),
                    .cookies = config_.cookies ? &secrets_ : nullptr,
                    .rrl = rrl,
                    .rrl_exempt = std::move(rrl_exempt)});
  std::vector<net::DnsSocket> sockets;
  for (dsl::env::UniqueFd& fd : dns_sockets_) {
    MC_ASSIGN(net::DnsSocket socket, net::adopt_socket(std::move(fd)));
    sockets.push_back(std::move(socket));
  }
  if (dns_sockets_.empty()) {
    MC_ASSIGN(sockets, net::bind_sockets(config_.listen, config_.worker_count()));
  }
  MC_TRY(set_forwards(sockets));
  keep_cache_of_estate(env);  // the upstreams are set by now, which forgets what came from others
  MC_ASSIGN(dns_, net::Server::start(config_.server_options(), *parts_, std::move(sockets)));
  return {};
}

Result<void> Service::set_forwards(const std::vector<net::DnsSocket>& sockets) {
  const std::vector<std::string> addresses = addresses_of(sockets);
  forwards_ = std::make_unique<api::Forwards>(damage_ ? nullptr : database_.get(), *forwarder_,
                                              *cache_, addresses);
  Result<void> set = forwards_->configure(config_.forward_groups(), config_.forward_defaults());
  if (set) {
    return {};
  }
  const bool is_deadly = set.error().code() == dsl::Code::kInvalidArgument;
  MC_ASSIGN(const OwnAddresses own, OwnAddresses::parse(addresses));
  if (Result<void> checked = check_upstreams(*env_, config_, own); !checked) {
    set = std::move(checked);  // the same with its place, and what else there is
  }
  if (!is_deadly) {
    // Authorities that cannot be read, say: names of our own do not depend on them.
    logger.failure(dsl::log::Level::kError,
                   "starts without upstreams; mend it, and reload the configuration", set.error());
    return {};
  }
  return set;
}

Result<void> Service::start_api(dsl::env::Env& env) {
  // NOLINTNEXTLINE(modernize-make-unique): an aggregate, which it cannot make
  services_.reset(new api::Services{
      .env = env,
      .database = *database_,
      .writer = *writer_,
      .resolver = *parts_,
      .forwards = *forwards_,
      .queries = *queries_,
      .tokens = std::make_shared<dsl::auth::TokenFile>(env, config_.tokens_path),
      .settings = {.agent_accounts = config_.agent_accounts, .backup_dir = config_.backup_dir},
      .hooks = {.dns_listeners = [this] { return dns_->listeners(); },
                .api_listeners = [this] { return face_->listeners(); },
                .problems = [this] { return problems(); },
                .seed_preview =
                    [this, &env] { return seed::preview(env, config_.seed_paths, *database_); }},
      .started = env.clock().now(),
      .unchangeable = damage_ ? std::optional(damage_->why) : std::nullopt});
  MC_TRY(env.files().make_directories(dsl::env::folder_of(config_.face.socket_path), 0750));
  MC_ASSIGN(face_, dsl::endpoint::Endpoint::open(
                       env, config_.face, api::make_methods(*services_),
                       {.service = "mcns",
                        .about = about(),
                        .authenticate = api::authenticator(geteuid(), config_.face.socket_group,
                                                           services_->tokens),
                        .policy = api::policy(*services_),
                        .workers = kApiWorkers,
                        // Names come before the CA, so they may not need one.
                        .serves_without_certificate = true}));
  face_->health().add("replica", [this] { return database_->replica_health(); });
  if (damage_) {
    face_->health().add("database",
                        [this]() -> Result<void> { return tl::unexpected(damage_->why); });
  }
  add_metrics(face_->metrics(), {.dns = *dns_,
                                 .cache = *cache_,
                                 .zones = zones_,
                                 .forwarder = *forwarder_,
                                 .writer = *writer_,
                                 .events = *queries_,
                                 .recorder = recorder_.get(),
                                 .clock = env.clock()});
  dsl::service::ActivatedSockets sockets = api_sockets_.copy();
  return face_->serve(sockets);
}

std::vector<std::string> Service::listeners() const {
  std::vector<std::string> out = dns_->listeners();
  if (face_) {
    for (std::string& line : face_->listeners()) {
      out.push_back(std::move(line));
    }
  }
  return out;
}

Result<std::string> Service::openapi() {
  return dsl::transcode::openapi(api::declared_methods(), about());
}

// First what may be refused.
Result<void> Service::reloaded(const std::vector<std::string>& changed_keys) {
  if (!forwards_ || !writer_) {
    return dsl::fail(dsl::Code::kUnavailable,
                     "another process is taking over, or the database is gone")
        .hint("the process that serves next reads the file");
  }
  if (std::any_of(changed_keys.begin(), changed_keys.end(), is_of_forwards)) {
    MC_TRY(forwards_->configure(config_.forward_groups(), config_.forward_defaults()));
  }
  forwarder_->set_stale_after(config_.stale_after);
  cache_->set_options(config_.cache_options());
  const WriterOptions writing = config_.writer_options();
  writer_->set_limits(writing.guard, writing.journal_rows_max);
  parts_->rules.set(config_.resolver_rules());
  dns_->reload(config_.server_options());
  return {};
}

Result<void> Service::refresh() {
  if (forwards_) {
    MC_TRY(forwards_->renew_authorities());
  }
  return face_ ? face_->refresh() : Result<void>();  // it is read when the API comes back
}

void Service::stop(std::chrono::milliseconds grace) {
  const bool is_succeeded = face_ == nullptr;
  door_.reset();
  // Names are answered until the last: first nobody may change them any more.
  if (services_) {
    services_->stopping = true;
  }
  if (database_) {
    database_->stop_waiting();
  }
  if (face_) {
    face_->stop(grace / 2);
  }
  if (dns_) {
    dns_->stop(is_succeeded ? grace : grace / 2);
  }
  refusals_.reset();
  face_.reset();
  heir_.reset();
  services_.reset();
  forwards_.reset();
  // Its end answers what is still at upstreams, by way of the workers: their loops have stopped and
  // drop it, but they have to be there.
  forwarder_.reset();
  dns_.reset();
  recorder_.reset();  // with the last answers
  close_database();
}

void Service::close_database() {
  secret_keeper_.reset();
  if (images_) {
    images_->stop();
  }
  writer_.reset();
  database_.reset();
  if (images_) {
    images_->finish();
  }
  images_.reset();
}

}  // namespace mcns
