#include "mcp/agent/socket_keeper.h"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "dsl/env/path.h"
#include "dsl/log/log.h"
#include "dsl/service/socket_exchange.h"
#include "mcp/agent/containers.h"
#include "mcp/agent/held_socket.h"
#include "mcp/model/codes.h"
#include "mcp/model/words.h"
#include "mcp/runtime/proc.h"

namespace mcp::agent {

using dsl::Code;
using dsl::fail;
using dsl::text;
using dsl::env::UniqueFd;

namespace {

const dsl::log::Logger logger("agent.sockets");
// A container that asks says what it wants in the same breath.
constexpr std::chrono::milliseconds kQuestionPatience{1000};
constexpr std::chrono::milliseconds kAtOnce{0};

bool same_address(const model::Socket& a, const model::Socket& b) {
  return a.protocol == b.protocol && a.host_ip == b.host_ip && a.host == b.host;
}

bool has_address(const std::vector<model::Socket>& sockets, const model::Socket& wanted) {
  return std::any_of(sockets.begin(), sockets.end(),
                     [&](const model::Socket& each) { return same_address(each, wanted); });
}

std::string shown(const std::string& service, const std::string& component) {
  return text("{}/{}", service, component);
}

}  // namespace

// Copies of what a component holds, so that nothing is locked while a container is answered.
struct SocketKeeper::Offer {
  std::vector<std::string> names;
  std::vector<UniqueFd> fds;
  std::string refusal;
  bool known = false;
};

SocketKeeper::SocketKeeper(dsl::env::Env& env, const Config& config, runtime::Runtime& runtime,
                           EventLog& events)
    : env_(env),
      config_(config),
      runtime_(runtime),
      events_(events),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

SocketKeeper::~SocketKeeper() { stop(); }

void SocketKeeper::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake();
  }
  if (thread_.joinable()) {
    thread_.join();
  }
}

void SocketKeeper::wake() {
  const std::uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof(one));  // full is as good as written
}

Result<void> SocketKeeper::make_directory(const model::Service& service,
                                          const model::Component& component) {
  if (component.sockets.empty()) {
    return {};
  }
  // The specification may come from a label or a mirror: nothing is made where it points.
  const std::string directory =
      model::sockets_directory(config_.platform(), service.name, component.name);
  if (component.sockets_dir != directory) {
    return fail(Code::kFailedPrecondition,
                "{} was resolved for the sockets directory {}, and this node's is {}",
                shown(service.name, component.name), component.sockets_dir, directory)
        .hint("deploy it again from its definition");
  }
  MC_TRY(env_.files().make_directories(directory, 0700));
  return env_.files().set_mode(directory, 0700);
}

Result<void> SocketKeeper::open(const model::Service& service, const model::Component& component) {
  MC_TRY(make_directory(service, component));
  Holder& holder = holders_[{service.name, component.name}];
  holder.directory = component.sockets_dir;
  holder.wanted = component.sockets;
  if (!holder.listener) {
    MC_ASSIGN(holder.listener, dsl::service::listen_for_services(holder.directory));
  }
  if (!thread_.joinable() && !stopping_) {
    thread_ = std::thread([this] { answer_forever(); });
    (void)::pthread_setname_np(thread_.native_handle(), "sockets");  // the name fits
  }
  wake();
  return {};
}

// Takes over what other components of the service hold at its addresses.
void SocketKeeper::take_over(const Key& key, Holder& holder) {
  for (auto& [other, former] : holders_) {
    if (other.first != key.first || other == key) {
      continue;
    }
    for (auto each = former.held.begin(); each != former.held.end();) {
      if (has_address(holder.wanted, each->socket)) {
        holder.held.push_back(std::move(*each));
        each = former.held.erase(each);
      } else {
        ++each;
      }
    }
  }
}

// Binds what is missing.
Result<void> SocketKeeper::complete(const Key& key, Holder& holder) {
  for (const model::Socket& socket : holder.wanted) {
    const bool there = std::any_of(holder.held.begin(), holder.held.end(), [&](const Held& held) {
      return same_address(held.socket, socket);
    });
    if (there) {
      continue;
    }
    Result<UniqueFd> bound = bind_socket(socket);
    if (!bound) {
      return fail(std::move(bound).error()).context(shown(key.first, key.second));
    }
    holder.held.push_back({socket, std::move(*bound)});
    logger.info("holds a socket", {{"component", shown(key.first, key.second)},
                                   {"socket", model::format_listen(socket)}});
  }
  return {};
}

Result<void> SocketKeeper::hold(const model::Service& service, const model::Component& component) {
  if (component.sockets.empty()) {
    close(service.name, component.name);
    return {};
  }
  const std::lock_guard lock(mutex_);
  MC_TRY(open(service, component));
  const Key key{service.name, component.name};
  Holder& holder = holders_[key];
  // First: an address may have become part of a wider one.
  std::erase_if(holder.held,
                [&](const Held& held) { return !has_address(holder.wanted, held.socket); });
  take_over(key, holder);
  return complete(key, holder);
}

Result<void> SocketKeeper::check(const model::Service& service, const model::Component& component,
                                 const model::Service* former) {
  std::vector<model::Port> going;
  if (former != nullptr) {
    for (const model::Component& each : former->components) {
      const std::vector<model::Port> addresses = model::host_addresses(each);
      going.insert(going.end(), addresses.begin(), addresses.end());
    }
  }
  for (const model::Socket& socket : component.sockets) {
    const model::Port port = model::as_port(socket);
    const bool freed = std::any_of(going.begin(), going.end(), [&](const model::Port& other) {
      return model::overlap(other, port);
    });
    const Result<UniqueFd> bound = freed ? UniqueFd() : bind_socket(socket);
    if (!bound) {
      return fail(bound.error()).context(shown(service.name, component.name));
    }
  }
  return {};
}

bool SocketKeeper::holds(const std::string& service, const model::Component& component) {
  const std::lock_guard lock(mutex_);
  const auto holder = holders_.find({service, component.name});
  return std::all_of(
      component.sockets.begin(), component.sockets.end(), [&](const model::Socket& wanted) {
        return holder != holders_.end() &&
               std::any_of(holder->second.held.begin(), holder->second.held.end(),
                           [&](const Held& held) { return same_address(held.socket, wanted); });
      });
}

void SocketKeeper::restore(const std::vector<ServiceRecord>& records) {
  for (const ServiceRecord& record : records) {
    for (const ComponentRecord& wanted : record.components) {
      const model::Component* component = record.service.find(wanted.name);
      const bool run = wanted.should_run && record.service.active;
      if (!run || component == nullptr || component->sockets.empty()) {
        continue;
      }
      if (const Result<void> restored = restore(record, wanted); !restored) {
        events_.add(Severity::kError, "sockets", wanted.service, wanted.name,
                    restored.error().message());
      }
    }
  }
}

Result<void> SocketKeeper::restore(const ServiceRecord& record, const ComponentRecord& wanted) {
  const model::Component* component = record.service.find(wanted.name);
  MC_ASSERT(component != nullptr, "a component record has its component");
  std::vector<TakenSocket> taken;
  if (const Result<runtime::Container> live = runtime_.inspect(wanted.container)) {
    if (label(*live, kLabelManaged).empty()) {
      return {};  // made by hand: it publishes its ports, until it is made anew
    }
    taken = take_from_container(runtime::Proc(env_.files()), *live, component->sockets);
  }
  {
    const std::lock_guard lock(mutex_);
    Holder& holder = holders_[{wanted.service, wanted.name}];
    for (TakenSocket& socket : taken) {
      const model::Socket& is = component->sockets[socket.wanted];
      const bool there = std::any_of(holder.held.begin(), holder.held.end(), [&](const Held& held) {
        return same_address(held.socket, is);
      });
      if (!there) {
        logger.info("has taken a socket back from its container",
                    {{"component", shown(wanted.service, wanted.name)},
                     {"socket", model::format_listen(is)}});
        holder.held.push_back({is, std::move(socket.fd)});
      }
    }
  }
  return hold(record.service, *component);
}

// With `mutex_` held. The directory stays when it is not empty, which is nobody's loss.
void SocketKeeper::forget(Holder& holder) {
  holder.held.clear();
  holder.wanted.clear();
  holder.listener.reset();
  if (!holder.directory.empty()) {
    (void)env_.files().remove(text("{}/{}", holder.directory, dsl::service::kSocketsFile));
    (void)env_.files().remove(holder.directory);
    (void)env_.files().remove(dsl::env::folder_of(holder.directory));
  }
}

void SocketKeeper::close(const std::string& service, const std::string& component) {
  const std::lock_guard lock(mutex_);
  const auto holder = holders_.find({service, component});
  if (holder != holders_.end()) {
    // The directory stays: a container that is only stopped has it mounted.
    holder->second.held.clear();
    holder->second.wanted.clear();
    holder->second.listener.reset();
    wake();
  }
}

void SocketKeeper::keep_only(const std::string& service, const model::Service* present) {
  const std::lock_guard lock(mutex_);
  for (auto each = holders_.begin(); each != holders_.end();) {
    auto& [key, holder] = *each;
    const model::Component* component =
        present != nullptr && key.first == service ? present->find(key.second) : nullptr;
    if (key.first != service) {
      ++each;
    } else if (component == nullptr || component->sockets.empty()) {
      forget(holder);
      each = holders_.erase(each);
    } else {
      holder.wanted = component->sockets;
      std::erase_if(holder.held, [&](const Held& held) {
        return !has_address(component->sockets, held.socket);
      });
      ++each;
    }
  }
  wake();
}

// Bounded: the wait ends with `wake`, and each container is waited for but a moment.
void SocketKeeper::answer_forever() {
  while (true) {
    std::vector<pollfd> polled{{wake_.get(), POLLIN, 0}};
    std::vector<std::pair<Key, int>> doors;
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) {
        return;
      }
      for (const auto& [key, holder] : holders_) {
        if (holder.listener) {
          doors.emplace_back(key, holder.listener->fd());
          polled.push_back({holder.listener->fd(), POLLIN, 0});
        }
      }
    }
    if (::poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) {
      logger.error("cannot wait for containers that want their sockets", {{"errno", errno}});
      return;
    }
    std::uint64_t count = 0;
    (void)!::read(wake_.get(), &count, sizeof(count));  // empty is as good as read
    for (std::size_t i = 0; i < doors.size(); ++i) {
      if (polled[i + 1].revents != 0) {
        answer(doors[i].first, doors[i].second);
      }
    }
  }
}

// What is missing is tried once more: who held an address may have gone.
SocketKeeper::Offer SocketKeeper::offer_of(const Key& key, int listener) {
  Offer offer;
  const auto found = holders_.find(key);
  if (found == holders_.end() || !found->second.listener ||
      found->second.listener->fd() != listener) {
    return offer;
  }
  offer.known = true;
  Holder& holder = found->second;
  if (const Result<void> completed = complete(key, holder); !completed) {
    offer.refusal = completed.error().message();
    return offer;
  }
  for (const model::Socket& wanted : holder.wanted) {
    for (const Held& held : holder.held) {
      if (same_address(held.socket, wanted)) {
        offer.names.push_back(wanted.name);
        offer.fds.emplace_back(::fcntl(held.fd.get(), F_DUPFD_CLOEXEC, 0));
      }
    }
  }
  if (std::any_of(offer.fds.begin(), offer.fds.end(), [](const UniqueFd& fd) { return !fd; })) {
    offer.refusal = "the agent is out of descriptors";
  }
  return offer;
}

void SocketKeeper::answer(const Key& key, int listener) {
  dsl::Result<dsl::net::PacketLink> link = dsl::net::PacketLink();
  Offer offer;
  {
    const std::lock_guard lock(mutex_);
    offer = offer_of(key, listener);
    if (offer.known) {
      link = holders_.at(key).listener->accept(kAtOnce);
    }
  }
  if (!link || !*link) {
    return;  // it has gone, or the component has
  }
  std::vector<dsl::service::OfferedSocket> sockets;
  for (std::size_t i = 0; i < offer.fds.size(); ++i) {
    sockets.push_back({offer.names[i], offer.fds[i].get()});
  }
  const Result<void> answered =
      dsl::service::answer_service(*link, sockets, offer.refusal, kQuestionPatience);
  if (!offer.refusal.empty()) {
    logger.warn("refuses a container its sockets",
                {{"component", shown(key.first, key.second)}, {"because", offer.refusal}});
  } else if (!answered) {
    logger.failure(dsl::log::Level::kWarn, "a container did not get its sockets", answered.error());
  } else {
    logger.info("has handed sockets to a container",
                {{"component", shown(key.first, key.second)}, {"sockets", sockets.size()}});
  }
}

}  // namespace mcp::agent
