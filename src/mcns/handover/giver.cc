#include "mcns/handover/giver.h"

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <utility>

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "dsl/env/env.h"
#include "dsl/env/pidfd.h"
#include "dsl/log/log.h"
#include "dsl/result/text.h"

namespace mcns::handover {
namespace {

using dsl::Code;
using dsl::fail;
using dsl::Result;
using dsl::env::MonoTime;
using dsl::net::PacketLink;

const dsl::log::Logger logger("mcns.handover");
constexpr std::chrono::milliseconds kSlice{2000};  // between two signs of life
constexpr std::chrono::milliseconds kKillWait{5000};
constexpr timeval kSendMax{1, 0};  // an heir that hangs must not hold up answers

MonoTime now() { return dsl::env::system_env().clock().mono_now(); }

// One that waits may take several slices.
Result<void> await(const PacketLink& link, Kind kind, MonoTime deadline, Owner& owner) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - now());
    const auto slice = std::clamp(left, std::chrono::milliseconds(0), kSlice);
    const auto said = expect(link, kind, slice);
    owner.still_alive();
    if (said) {
      return {};
    }
    if (said.error().code() != Code::kDeadlineExceeded) {
      return tl::unexpected(said.error());
    }
    if (left <= slice) {
      return fail(Code::kDeadlineExceeded, "the new process says nothing");
    }
  }
}

Result<void> send_holdings(const PacketLink& link, const Holdings& holdings,
                           const std::string& version) {
  for (std::size_t at = 0; at < holdings.fds.size(); at += dsl::net::kPacketFdsMax) {
    const std::size_t count = std::min(holdings.fds.size() - at, dsl::net::kPacketFdsMax);
    const auto from = holdings.names.begin() + static_cast<std::ptrdiff_t>(at);
    MC_TRY(link.send(encode({Kind::kSockets, {from, from + static_cast<std::ptrdiff_t>(count)}}),
                     std::span(holdings.fds).subspan(at, count)));
  }
  if (holdings.unchangeable) {
    MC_TRY(link.send(encode({Kind::kUnchangeable, {}})));
  }
  const int cache = holdings.cache.get();
  return link.send(encode({Kind::kEstate, {version, holdings.sources}}),
                   holdings.cache ? std::span(&cache, 1) : std::span<const int>());
}

// Up to the point of no return.
Result<void> talk(const PacketLink& link, const Holdings& holdings, Owner& owner,
                  const GiverOptions& options) {
  const MonoTime deadline = now() + options.timeout;
  MC_TRY(send_holdings(link, holdings, options.version));
  MC_TRY(await(link, Kind::kServing, deadline, owner));
  owner.leave_addresses();
  MC_TRY(link.send(encode({Kind::kFree, {}})));
  return await(link, Kind::kReady, deadline, owner);
}

// For whoever asked for the upgrade.
dsl::Error explained(const dsl::Error& error, const GiverOptions& options) {
  dsl::Error out(error.code(), error.message());
  if (error.code() == Code::kUnavailable) {
    out = dsl::Error(error.code(), "the new process ended before it was ready; the old one serves");
  } else if (error.code() == Code::kDeadlineExceeded) {
    out = dsl::Error(error.code(), dsl::text("the new process was not ready within {} ms; the old "
                                             "one serves",
                                             options.timeout.count()));
  }
  out.set_hint("its words are in the log of the service");
  return out;
}

bool has_ended(const dsl::env::UniqueFd& process, std::chrono::milliseconds timeout, Owner& owner) {
  const MonoTime deadline = now() + timeout;
  while (true) {
    pollfd wait{process.get(), POLLIN, 0};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - now());
    const auto slice = std::clamp(left, std::chrono::milliseconds(0), kSlice);
    if (::poll(&wait, 1, static_cast<int>(slice.count())) > 0) {
      return true;
    }
    owner.still_alive();
    if (left <= slice) {
      return false;
    }
  }
}

void end_heir(const Visit& heir, Owner& owner, std::chrono::milliseconds grace) {
  if (has_ended(heir.process, grace, owner)) {
    return;
  }
  logger.warn("the new process does not end, so it is killed", {{"pid", heir.pid}});
  (void)::pidfd_send_signal(heir.process.get(), SIGKILL, nullptr, 0);  // ended just now: as good
  if (!has_ended(heir.process, kKillWait, owner)) {
    logger.error("the new process cannot be killed", {{"pid", heir.pid}});
  }
}

}  // namespace

Result<void> give(Visit& heir, Owner& owner, const GiverOptions& options) {
  logger.info("hands over", {{"pid", heir.pid}, {"version", heir.asks.texts.at(0)}});
  const Holdings holdings = owner.release();
  if (Result<void> talked = talk(heir.link, holdings, owner, options); !talked) {
    const dsl::Error error = explained(talked.error(), options);
    (void)heir.link.send(encode(refused(error)));  // gone is as good
    end_heir(heir, owner, options.end_grace);
    heir.link.close();
    owner.take_back();
    return tl::unexpected(error);
  }
  // The link lives until the last connection has gone that way.
  auto link = std::make_shared<PacketLink>(std::move(heir.link));
  (void)::setsockopt(link->fd(), SOL_SOCKET, SO_SNDTIMEO, &kSendMax, sizeof(kSendMax));
  owner.stop_reading([link](int fd) {
    return link->send(encode({Kind::kConnection, {}}), std::span(&fd, 1)).has_value();
  });
  (void)link->send(encode({Kind::kYours, {}}));  // it also sees our end
  logger.info("has handed over", {{"pid", heir.pid}});
  return {};
}

}  // namespace mcns::handover
