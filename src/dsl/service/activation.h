// Sockets that somebody else has bound for us: systemd, by the LISTEN_FDS protocol without its
// library, or the agent of the node, by $MC_SOCKETS (agent_sockets.h).
#pragma once

#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dsl/env/env.h"
#include "dsl/env/unique_fd.h"
#include "dsl/result/result.h"

namespace dsl::service {

// The sockets by the names that their unit gives them (FileDescriptorName=, else the unit's own
// name), or the definition ([[components.sockets]]). Confined to its owner; one that nobody takes
// is closed with it.
class ActivatedSockets {
 public:
  // None: the process was started as any other.
  ActivatedSockets() = default;

  // Reads $LISTEN_FDS, $LISTEN_PID and $LISTEN_FDNAMES and removes them from the environment; the
  // descriptors become ours alone (close-on-exec), so that no child inherits them. Empty when they
  // are meant for another process. To be called first of all: before a fork, before any thread, and
  // before anything opens a descriptor. kInvalidArgument when the variables contradict each other
  // or a descriptor is no socket.
  static Result<ActivatedSockets> from_environment(env::Env& env);

  // One more of that name.
  void add(std::string_view name, env::UniqueFd fd);
  // The sockets of that name, in the order of the unit's ListenStream= lines; empty when there are
  // none. The caller owns them. They listen already, and may be blocking.
  std::vector<env::UniqueFd> take(std::string_view name);
  // Those of these names, for who takes them later.
  ActivatedSockets extract(std::initializer_list<std::string_view> names);
  // Those not yet taken, each with a descriptor of its own for the same socket.
  ActivatedSockets copy() const;
  // Of those not yet taken: they stay ours.
  std::vector<std::pair<std::string, int>> descriptors() const;
  // Of those not yet taken, each once.
  std::vector<std::string> names() const;
  bool empty() const { return sockets_.empty(); }

 private:
  std::map<std::string, std::vector<env::UniqueFd>, std::less<>> sockets_;
};

}  // namespace dsl::service
