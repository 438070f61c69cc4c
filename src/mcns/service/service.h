// mcns as a server: what is built in which order, and how it ends.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dsl/db/database.h"
#include "dsl/endpoint/endpoint.h"
#include "dsl/restore/commands.h"
#include "dsl/service/service.h"
#include "mcns/api/api.h"
#include "mcns/events/query_events.h"
#include "mcns/handover/door.h"
#include "mcns/handover/giver.h"
#include "mcns/handover/heir.h"
#include "mcns/net/server.h"
#include "mcns/querylog/recorder.h"
#include "mcns/resolve/own_names.h"
#include "mcns/service/config.h"
#include "mcns/service/image_keeper.h"
#include "mcns/service/metrics.h"
#include "mcns/service/secret_keeper.h"

namespace mcns {

// The socket units' FileDescriptorName= for port 53.
inline constexpr const char* kDnsSocket = "dns";

// Opens the database of the zones. One that is gone while a replica of it is there is restored
// first, as nobody else may be there to do it; a damaged one is refused, with the ways out.
dsl::Result<std::unique_ptr<dsl::db::Database>> open_database(dsl::env::Env& env,
                                                              const Config& config);

// The configuration as a server started from these sources has it.
dsl::Result<Config> read_config(dsl::env::Env& env, const dsl::config::Sources& sources);
// The configuration file at `path`, for a command beside the server; empty = the default one.
dsl::Result<Config> read_config(dsl::env::Env& env, const std::string& path);
// Where commands reach the service that has this file, which is there.
dsl::Result<std::string> admin_socket(dsl::env::Env& env, const std::string& path);

// What `mcns restore` has to know, from that file.
dsl::Result<dsl::restore::Settings> restore_settings(dsl::env::Env& env, const std::string& path);

// Confined to the thread that runs it.
class Service : public dsl::service::Service, private handover::Owner {
 public:
  void configure(dsl::config::Table& table) override { config_.bind(table); }
  dsl::Result<void> check(dsl::env::Env& env, const dsl::config::Sources& sources) override;
  void adopt(dsl::service::ActivatedSockets& sockets) override;
  void run_by(dsl::service::Host& host) override { host_ = &host; }
  dsl::Result<void> start(dsl::env::Env& env) override;
  dsl::Result<void> upgrade() override;
  std::vector<std::string> listeners() const override;
  dsl::Result<std::string> openapi() override;
  dsl::Result<void> reloaded(const std::vector<std::string>& changed_keys) override;
  std::string way_to_apply(const std::string& key) const override {
    const bool is_bound = key == "dns.listen_addr" || key == "dns.workers";  // an heir takes those
    return is_bound ? "a restart" : "mcns upgrade, or a restart";
  }
  dsl::Result<void> refresh() override;
  void stop(std::chrono::milliseconds grace) override;

  const Config& config() const { return config_; }

 private:
  dsl::Result<void> start_all(dsl::env::Env& env);
  // Database and zones, with all that tells whether they are whole.
  dsl::Result<void> open_zones(dsl::env::Env& env);
  dsl::Result<void> open_store(dsl::env::Env& env);
  void close_database();
  dsl::Result<void> look_for_lost_zones();
  bool may_serve_image(const dsl::Error& error) const;
  // Takes the zones of the last image, and changes nothing; `damage`: why the database is not
  // there.
  dsl::Result<void> take_image(const dsl::Error& damage);
  // The command that puts back a database that is gone or damaged.
  std::string way_back() const;
  // The same behind the hint of what is wrong with the database.
  dsl::Result<void> with_way_back(dsl::Result<void> done) const;
  // Puts in the database's place what reads the zones in memory and refuses writes.
  void do_without_database();
  std::vector<std::string> problems() const;
  // Where it is asked: the sockets it has, else those that `config` names.
  dsl::Result<std::vector<std::string>> own_addresses(const Config& config) const;
  void make_cache(dsl::env::Env& env);
  dsl::Result<void> set_forwards(const std::vector<net::DnsSocket>& sockets);
  dsl::Result<void> start_dns(dsl::env::Env& env);
  dsl::Result<void> start_api(dsl::env::Env& env);

  // --- handover.cc ---
  dsl::Result<void> inherit();
  dsl::Result<void> leave_who_serves();
  void keep_cache_of_estate(dsl::env::Env& env);
  void open_door();
  void answer_door();
  dsl::Result<handover::Upgraded> upgrade_now();
  dsl::Result<handover::Visit> await_successor(dsl::env::Process& successor);
  dsl::Result<void> hand_over_to(handover::Visit& visit);
  // Waits for `work`, which has the service to itself meanwhile, with signs of life.
  void watched(const std::function<void()>& work);
  void close_store();
  dsl::Result<void> reopen_store();
  // Every call of the API is told `why`.
  void serve_refusals(const dsl::Error& why, bool for_good);
  handover::Holdings release() override;
  void leave_addresses() override;
  void stop_reading(std::function<bool(int fd)> take) override;
  void take_back() override;
  void still_alive() override;

  Config config_;
  dsl::service::Host* host_ = nullptr;           // absent: nobody can take over
  dsl::env::Env* env_ = nullptr;                 // from `start` on
  dsl::service::ActivatedSockets api_sockets_;   // kept for those who come after the endpoint
  std::vector<dsl::env::UniqueFd> dns_sockets_;  // handed over; empty = bind

  // The database is damaged: names are answered without it.
  struct Damage {
    dsl::Error why;
    dsl::env::WallTime as_of;  // what is answered
  };
  std::optional<Damage> damage_;

  // In the order in which they are made, and in which each needs those before it.
  std::unique_ptr<Cache> cache_;
  std::unique_ptr<dsl::db::Database> database_;
  zone::Store zones_;
  std::unique_ptr<ImageKeeper> images_;  // null when there is to be none
  std::unique_ptr<Writer> writer_;
  cookie::SharedSecrets secrets_;
  std::unique_ptr<SecretKeeper> secret_keeper_;  // absent without cookies
  std::unique_ptr<QueryEvents> queries_;
  std::unique_ptr<querylog::Recorder> recorder_;  // absent when nothing is recorded
  std::unique_ptr<OwnNames> own_names_;
  std::unique_ptr<Forwarder> forwarder_;
  std::unique_ptr<Networks> networks_;  // may be absent
  std::unique_ptr<ResolverParts> parts_;
  std::unique_ptr<net::Server> dns_;
  std::unique_ptr<api::Forwards> forwards_;
  std::unique_ptr<api::Services> services_;
  std::unique_ptr<dsl::endpoint::Endpoint> face_;
  std::unique_ptr<dsl::endpoint::Endpoint> refusals_;  // in its place during a hand-over
  std::unique_ptr<handover::Heir> heir_;               // of the process before; may be absent
  std::unique_ptr<handover::Door> door_;
};

}  // namespace mcns
