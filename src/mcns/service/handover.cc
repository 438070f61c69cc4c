// The service as the old and as the new process of a hand-over; mcns/handover has the talk.
#include <optional>
#include <utility>

#include <signal.h>

#include "dsl/hash/sha256.h"
#include "dsl/log/log.h"
#include "dsl/result/text.h"
#include "dsl/service/version.h"
#include "mcns/cache/image.h"
#include "mcns/handover/memory.h"
#include "mcns/handover/watched.h"
#include "mcns/service/refusals.h"
#include "mcns/service/service.h"

namespace mcns {
namespace {

using dsl::Code;
using dsl::fail;
using dsl::Result;
using dsl::env::UniqueFd;

const dsl::log::Logger logger("mcns");
constexpr std::chrono::milliseconds kCallGrace{2000};    // for running calls of the API
constexpr std::chrono::milliseconds kRefusalGrace{500};  // they wait for nothing, only for a turn
constexpr std::chrono::milliseconds kAtOnce{0};
constexpr std::chrono::milliseconds kLook{20};  // between two looks at a process that starts
// Heads and the image's own head beside the messages.
constexpr std::size_t kImageMax = 2 * kCacheImageMax;

std::int64_t mono_ms(dsl::env::Env& env) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             env.clock().mono_now().time_since_epoch())
      .count();
}

// Of all upstreams by group: an answer of others than ours is not to be served.
std::string sources_of(api::Forwards& forwards) {
  const auto groups = forwards.list();
  if (!groups) {
    return "";  // nobody's
  }
  std::string out;
  for (const api::Forwards::Group& each : *groups) {
    out += each.group.zone.text();
    for (const auto* upstreams : {&each.group.upstreams, &each.group.fallback}) {
      out += '|';
      for (const Upstream& upstream : *upstreams) {
        out += upstream.text() + " " + upstream.ca_cert + " ";
      }
    }
    out += '\n';
  }
  return dsl::sha256_hex(out);
}

}  // namespace

// --- the new process ---

Result<void> Service::inherit() {
  if (host_ == nullptr) {
    return {};
  }
  if (host_->ends_once_ready()) {
    return leave_who_serves();
  }
  MC_ASSIGN(heir_,
            handover::Heir::ask(config_.handover_path(), {.version = dsl::build_info().version,
                                                          .timeout = config_.handover_timeout}));
  if (!heir_) {
    return {};
  }
  // What a unit has handed us is the same sockets, or others that nobody has asked yet.
  dns_sockets_.clear();
  api_sockets_ = {};
  for (auto& [name, fd] : heir_->estate().sockets) {
    if (name == kDnsSocket) {
      dns_sockets_.push_back(std::move(fd));
    } else {
      api_sockets_.add(name, std::move(fd));
    }
  }
  logger.info("takes over", {{"from", heir_->estate().version}, {"sockets", dns_sockets_.size()}});
  return {};
}

// A trial run would take the place of who serves, and then end: nobody would answer.
Result<void> Service::leave_who_serves() {
  MC_ASSIGN(const bool is_served, handover::is_served(config_.handover_path()));
  if (is_served) {
    return fail(Code::kFailedPrecondition,
                "a server is running on {}: a run that ends at once would take its place",
                config_.handover_path())
        .hint("mcns check-config checks the configuration; mcns upgrade starts the new program");
  }
  return {};
}

void Service::keep_cache_of_estate(dsl::env::Env& env) {
  if (!heir_ || !heir_->estate().cache) {
    return;
  }
  const UniqueFd memory = std::move(heir_->estate().cache);
  if (heir_->estate().sources != sources_of(*forwards_)) {
    logger.info("begins with an empty cache: the upstreams are others now");
    return;
  }
  const auto mapped = handover::MappedMemory::open(memory, kImageMax);
  const auto kept = mapped ? read_cache_image(mapped->bytes(), mono_ms(env), *cache_)
                           : Result<std::size_t>(tl::unexpected(mapped.error()));
  if (!kept) {
    logger.failure(dsl::log::Level::kWarn, "begins with an empty cache", kept.error());
    return;
  }
  logger.info("keeps the cache of the process before", {{"entries", *kept}});
}

void Service::open_door() {
  if (host_ == nullptr) {
    return;
  }
  auto door = handover::Door::open(config_.handover_path(),
                                   [this] { host_->post([this] { answer_door(); }); });
  if (!door) {
    // Names are worth more than the way to replace this process.
    logger.failure(dsl::log::Level::kWarn, "no other process can take over from this one",
                   door.error());
    return;
  }
  door_ = *std::move(door);
}

// --- the old process ---

Result<void> Service::upgrade() {
  MC_TRY(upgrade_now());
  return {};
}

void Service::answer_door() {
  while (door_) {
    auto visit = door_->next(kAtOnce);
    if (!visit) {
      return;
    }
    if (visit->asks.kind == handover::Kind::kTake) {
      host_->changing();
      (void)hand_over_to(*visit);  // it is told by its own link, and the log has it
      continue;
    }
    const auto done = upgrade_now();
    const handover::Message answer =
        done ? handover::Message{handover::Kind::kUpgraded,
                                 {done->from, done->to, done->took_ms, done->pid}}
             : handover::refused(done.error());
    (void)visit->link.send(handover::encode(answer));  // gone is as good: the log has it
  }
}

Result<handover::Upgraded> Service::upgrade_now() {
  if (!door_) {
    return fail(Code::kFailedPrecondition, "the hand-over socket is not open")
        .hint("the log says why; restart the service");
  }
  const dsl::env::MonoTime begun = env_->clock().mono_now();
  MC_ASSIGN(const std::unique_ptr<dsl::env::Process> successor, host_->start_successor());
  host_->changing();
  auto visit = await_successor(*successor);
  if (!visit) {
    host_->keeps_serving(dsl::text("serving as before: {}", visit.error().message()));
    return tl::unexpected(visit.error());
  }
  handover::Upgraded out;
  out.from = dsl::build_info().version;
  out.to = visit->asks.texts.at(0);
  out.pid = std::to_string(visit->pid);
  MC_TRY(hand_over_to(*visit));
  const auto took = env_->clock().mono_now() - begun;
  out.took_ms = std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(took).count());
  return out;
}

Result<handover::Visit> Service::await_successor(dsl::env::Process& successor) {
  dsl::env::Clock& clock = env_->clock();
  const dsl::env::MonoTime deadline = clock.mono_now() + config_.handover_timeout;
  while (clock.mono_now() < deadline) {
    if (auto visit = door_->next(kLook)) {
      if (visit->asks.kind == handover::Kind::kTake && visit->pid == successor.pid()) {
        return *std::move(visit);
      }
      const dsl::Error busy(Code::kFailedPrecondition, "an upgrade is under way already");
      (void)visit->link.send(handover::encode(handover::refused(busy)));  // gone is as good
    }
    if (const std::optional<int> code = successor.poll()) {
      return fail(Code::kFailedPrecondition,
                  "the new process ended with {} before it could take over; the old one serves",
                  *code)
          .hint("its words are in the log of the service; mcns check-config may tell more");
    }
    host_->still_alive();
  }
  successor.signal(SIGKILL);
  (void)successor.wait(std::chrono::seconds(5));  // one that cannot be killed has not our database
  return fail(Code::kDeadlineExceeded,
              "the new process did not ask for the place within {} ms; the old one serves",
              config_.handover_timeout.count())
      .hint("its words are in the log of the service");
}

Result<void> Service::hand_over_to(handover::Visit& visit) {
  const pid_t pid = visit.pid;
  Result<void> given = handover::give(
      visit, *this, {.version = dsl::build_info().version, .timeout = config_.handover_timeout});
  if (!given) {
    logger.failure(dsl::log::Level::kError, "serves as before: the hand-over came to nothing",
                   given.error());
    host_->keeps_serving(dsl::text("serving as before: {}", given.error().message()));
    return given;
  }
  door_->keep_file();
  door_.reset();
  host_->succeeded_by(pid);
  return {};
}

handover::Holdings Service::release() {
  handover::Holdings out;
  out.sources = forwards_ ? sources_of(*forwards_) : "";
  out.unchangeable = damage_.has_value();
  if (services_) {
    services_->stopping = true;
  }
  if (database_) {
    database_->stop_waiting();
  }
  // Each may take long: a change that is being written, calls that end, the end of the log.
  watched([this] {
    if (writer_) {
      writer_->pause();
    }
  });
  watched([this] {
    if (face_) {
      face_->stop(kCallGrace);
    }
  });
  watched([this] { close_store(); });
  serve_refusals(taking_over(), false);

  for (const net::DnsSocket& socket : dns_->sockets()) {
    out.names.emplace_back(kDnsSocket);
    out.fds.push_back(socket.fd.get());
  }
  for (const auto& [name, fd] : api_sockets_.descriptors()) {
    out.names.push_back(name);
    out.fds.push_back(fd);
  }
  Result<UniqueFd> memory = UniqueFd();
  watched([&] { memory = handover::sealed_memory(write_cache_image(*cache_, mono_ms(*env_))); });
  if (memory) {
    out.cache = *std::move(memory);
  } else {
    logger.failure(dsl::log::Level::kWarn, "the cache stays behind", memory.error());
  }
  return out;
}

void Service::watched(const std::function<void()>& work) {
  handover::do_watched(work, [this] { still_alive(); }, {.patience = config_.handover_timeout});
}

void Service::close_store() {
  refusals_.reset();
  face_.reset();
  services_.reset();
  forwards_.reset();
  close_database();
}

void Service::leave_addresses() {
  if (refusals_) {
    refusals_->stop(kRefusalGrace);
    refusals_.reset();
  }
}

void Service::stop_reading(std::function<bool(int fd)> take) { dns_->hand_over(std::move(take)); }

void Service::take_back() {
  leave_addresses();
  Result<void> reopened;
  watched([&] { reopened = reopen_store(); });
  if (reopened) {
    return;
  }
  // Names go on being answered from memory.
  close_store();
  damage_ = Damage{unchangeable(reopened.error(), way_back()), env_->clock().now()};
  logger.failure(dsl::log::Level::kError, "the database cannot be opened again", damage_->why);
  if (const Result<void> opened = reopen_store(); !opened) {
    close_store();
    serve_refusals(damage_->why, true);
  }
}

Result<void> Service::reopen_store() {
  if (damage_) {
    do_without_database();
  } else {
    MC_TRY(open_store(*env_));
  }
  MC_ASSIGN(std::vector<std::string> own, own_addresses(config_));
  forwards_ = std::make_unique<api::Forwards>(damage_ ? nullptr : database_.get(), *forwarder_,
                                              *cache_, std::move(own));
  MC_TRY(forwards_->configure(config_.forward_groups(), config_.forward_defaults()));
  return start_api(*env_);
}

void Service::still_alive() { host_->still_alive(); }

}  // namespace mcns
