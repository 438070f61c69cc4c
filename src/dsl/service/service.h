// The life of a server process: start in order, signals, systemd, graceful stop.
//
// Order: configuration, log, env, sockets that others hold ($LISTEN_FDS, else $MC_SOCKETS), then
// the service's own `start` (database, listeners), ready, notify. On TERM or INT: not ready,
// STOPPING=1, the service's `stop` with the drain deadline, exit 0; a second signal ends at once
// with 130. HUP: RELOADING=1, the whole new file is checked (`check`), `reloaded` with what
// it changes, `refresh`, READY=1; what is wrong anywhere changes no key. USR2: `upgrade`.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dsl/config/config.h"
#include "dsl/env/env.h"
#include "dsl/log/log.h"
#include "dsl/result/result.h"
#include "dsl/service/activation.h"
#include "dsl/service/host.h"
#include "dsl/service/version.h"

namespace dsl::service {

// What a service author writes. All calls come from one thread, in this order.
class Service {
 public:
  virtual ~Service() = default;
  // Binds its keys to the table.
  virtual void configure(config::Table& table) = 0;
  // Takes the sockets that systemd or the node's agent has bound for it. One that is left is a
  // mistake of the unit, or of the definition, and ends the process with kInvalidArgument: its
  // clients would wait for ever. Called before `start`, also when there are none.
  virtual void adopt(ActivatedSockets& sockets) { (void)sockets; }
  // What a start with these sources would find wrong, with the files that they name: keys that HUP
  // cannot apply as well. For `check-config`, and before each HUP, which an error refuses. Changes
  // nothing, not even the bound struct.
  virtual Result<void> check(env::Env& env, const config::Sources& sources) {
    (void)env;
    (void)sources;
    return {};
  }
  // What it may ask of the process. Called before `start`; `host` outlives the service's use.
  virtual void run_by(Host& host) { (void)host; }
  // Returns once it can serve. An error ends the process with the error's exit code.
  virtual Result<void> start(env::Env& env) = 0;
  // Addresses it really listens on, for --ready-fd: "grpc 127.0.0.1:40123", "unix /path".
  virtual std::vector<std::string> listeners() const = 0;
  // HUP has changed these keys, whose new values are in the bound struct already. An error refuses
  // all of them: then nothing has changed here, and they get their old values back.
  virtual Result<void> reloaded(const std::vector<std::string>& changed_keys) {
    (void)changed_keys;
    return {};
  }
  // What takes over the keys that HUP cannot.
  virtual std::string way_to_apply(const std::string& key) const {
    (void)key;
    return "restart it";
  }
  // The OpenAPI document of its REST API, for the `openapi` command; asked without `start`.
  virtual Result<std::string> openapi() {
    return fail(Code::kUnimplemented, "this service has no REST API");
  }
  // Reads again what lies in files beside the configuration, such as certificates. Called after
  // each HUP, also when the configuration itself was refused. An error is reported; what was in use
  // stays in use.
  virtual Result<void> refresh() { return {}; }
  // USR2: the program on disk is to take the place of this process. An error is reported, and the
  // service goes on.
  virtual Result<void> upgrade() {
    return fail(Code::kUnimplemented, "this service cannot hand over to another process")
        .hint("restart it");
  }
  // Stops accepting, drains until `grace` has passed, closes what it owns.
  virtual void stop(std::chrono::milliseconds grace) = 0;
};

struct RunOptions {
  config::Sources sources;
  int ready_fd = -1;  // one line per listener, then an empty line, then it is closed
  bool once = false;  // stop as soon as it is ready
  std::chrono::milliseconds grace{30000};
};

// The `server` command. Exit code of the process.
int run(const std::string& name, Service& service, const RunOptions& options);
// The `check-config` and `config reference` commands: text to print.
Result<std::string> check_config(const std::string& name, Service& service,
                                 const config::Sources& sources);
std::string config_reference(const std::string& name, Service& service);

}  // namespace dsl::service
