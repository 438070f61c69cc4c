// Reaches a node that has several addresses, whichever of them works.
//
//   MC_ASSIGN(rpc::Dialled node, rpc::dial(env, {.addresses = {"192.168.88.181:9444", "rift:9444"},
//                                                .tls = {.ca_file = ca, .name = "rift"},
//                                                .probe = get_node_and_compare_its_name}));
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dsl/env/env.h"
#include "dsl/result/result.h"
#include "dsl/rpc/client.h"
#include "dsl/rpc/look_up.h"

namespace dsl::rpc {

struct DialOptions {
  std::vector<std::string> addresses;  // "192.0.2.7:9444", "rift.lan:9444"; the best first
  std::string first;  // of `addresses`: the one that answered last time, tried before the others
  TlsOptions tls;     // an empty name: each address answers for its own host
  std::function<Result<std::string>()> token;  // as in ChannelOptions
  // Asks the node who it is. An error means: not this one. Runs on threads of the dial, on several
  // at once; hands the options to its calls, so that it ends when another address has won.
  std::function<Result<void>(Channel&, const CallOptions&)> probe;

  std::chrono::milliseconds stagger{150};           // RFC 8305 section 5 recommends 250
  std::chrono::milliseconds look_up_timeout{2000};  // of a name
  std::chrono::milliseconds attempt_timeout{5000};  // to connect, and to answer the probe
  // The system's resolver, or a test's.
  std::function<void(const std::string& host, LookedUp done)> look_up = rpc::look_up;
};

// What became of one address, for those who want to know (-v).
struct DialAttempt {
  enum class Outcome { kAnswered, kFailed, kCancelled, kNotTried };
  std::string address;   // as in the options
  std::string endpoint;  // the literal with its port; empty when the name was not resolved
  Outcome outcome = Outcome::kNotTried;
  std::chrono::milliseconds begun{0};  // since the dial began
  std::chrono::milliseconds took{0};
  std::string note;  // why not; empty when it answered
};

struct Dialled {
  std::unique_ptr<Channel> channel;   // connected
  std::string address;                // the one that answered, as in the options: to be remembered
  std::vector<DialAttempt> attempts;  // in the order of their beginning, then those not tried
};

// Tries the addresses one after the other, each as soon as the one before has failed or has had
// `stagger` time, without giving up on that one. Literals come before names, which are resolved
// meanwhile, so a dead resolver costs nothing as long as a literal answers. The first whose probe
// succeeds wins, the others are cancelled. kUnavailable when none does, with what each did in the
// details; another code when a node answered and refused.
//
// Blocks. Starts a thread for each attempt, 16 at most, and joins them.
Result<Dialled> dial(env::Env& env, const DialOptions& options);

}  // namespace dsl::rpc
