// The sockets of [[components.sockets]]: bound once, held while containers come and go, and handed
// to each container that asks.
//
// What is held is what was asked for by `hold`, less what was given up. A component is its
// service's name and its own. Where a container asks is a directory of its component, `sockets_dir`
// of the specification, with the agent's end of the exchange in it (docs/formats/sockets.md).
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "dsl/env/env.h"
#include "dsl/env/unique_fd.h"
#include "dsl/net/packet_link.h"
#include "mcp/agent/config.h"
#include "mcp/agent/events.h"
#include "mcp/agent/registry.h"
#include "mcp/runtime/runtime.h"

namespace mcp::agent {

// Thread-safe. Its one thread, which answers containers, begins with the first socket.
class SocketKeeper {
 public:
  SocketKeeper(dsl::env::Env& env, const Config& config, runtime::Runtime& runtime,
               EventLog& events);
  ~SocketKeeper();

  // The directory that a container of the component has mounted. Nothing without sockets.
  Result<void> make_directory(const model::Service& service, const model::Component& component);

  // From now on exactly the component's sockets are held and handed over: those that are missing
  // are bound, those that it no longer has are closed. One that another component of the service
  // held changes hands. The errors of bind_socket; what could be bound stays.
  Result<void> hold(const model::Service& service, const model::Component& component);
  // Whether `hold` could succeed, without a change: for what is not held, the address is free.
  // `former` may be in the way, since it goes first.
  Result<void> check(const model::Service& service, const model::Component& component,
                     const model::Service* former);
  bool holds(const std::string& service, const model::Component& component);

  // After a start of the agent: takes back what live containers have, binds the rest. A failure is
  // an event; the component asks again, and so does whoever starts it.
  void restore(const std::vector<ServiceRecord>& records);
  Result<void> restore(const ServiceRecord& record, const ComponentRecord& wanted);

  // Closes what the component holds, as it is to be stopped: its clients are refused at once
  // instead of waiting for nobody.
  void close(const std::string& service, const std::string& component);
  // Closes what is not of `present`, directories too; null: everything of the service.
  void keep_only(const std::string& service, const model::Service* present);

  // Joins the thread. What is held stays open until the process ends. Safe to call twice.
  void stop();

 private:
  using Key = std::pair<std::string, std::string>;  // service, component
  struct Held {
    model::Socket socket;
    dsl::env::UniqueFd fd;
  };
  // A component that has sockets: where it asks, what it should have, what it has.
  struct Holder {
    std::string directory;
    std::optional<dsl::net::PacketListener> listener;
    std::vector<model::Socket> wanted;
    std::vector<Held> held;
  };
  struct Offer;

  // All with `mutex_` held.
  Result<void> open(const model::Service& service, const model::Component& component);
  Result<void> complete(const Key& key, Holder& holder);
  void take_over(const Key& key, Holder& holder);
  void forget(Holder& holder);
  Offer offer_of(const Key& key, int listener);

  void answer_forever();
  void answer(const Key& key, int listener);
  void wake();

  dsl::env::Env& env_;
  const Config& config_;
  runtime::Runtime& runtime_;
  EventLog& events_;
  const dsl::env::UniqueFd wake_;  // eventfd

  std::mutex mutex_;  // guards all below
  std::map<Key, Holder> holders_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace mcp::agent
