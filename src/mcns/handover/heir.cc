#include "mcns/handover/heir.h"

#include <pthread.h>
#include <sys/socket.h>

#include "dsl/log/log.h"

namespace mcns::handover {
namespace {

using dsl::Code;
using dsl::fail;
using dsl::Result;
using dsl::net::PacketLink;

const dsl::log::Logger logger("mcns.handover");
constexpr std::chrono::hours kForever{24};  // he lives some seconds longer

dsl::Error with_context(dsl::Error error) {
  if (error.code() == Code::kUnavailable) {
    dsl::Error out(Code::kUnavailable, "the process that was to hand over has ended the talk");
    out.set_hint("its log says why; it may serve as before");
    return out;
  }
  if (error.code() == Code::kDeadlineExceeded) {
    error.set_hint("its log says what it was at; [handover] timeout is how long it is waited for");
  }
  return error;
}

}  // namespace

Result<bool> is_served(const std::string& path) {
  const auto link = PacketLink::connect(path);
  if (!link && link.error().code() != Code::kNotFound) {
    return tl::unexpected(link.error());
  }
  return link.has_value();
}

Result<std::unique_ptr<Heir>> Heir::ask(const std::string& path, const HeirOptions& options) {
  auto link = PacketLink::connect(path);
  if (!link && link.error().code() == Code::kNotFound) {
    return std::unique_ptr<Heir>();
  }
  if (!link) {
    return tl::unexpected(link.error());
  }
  std::unique_ptr<Heir> heir(new Heir(*std::move(link), options.timeout));
  logger.info("asks the process that serves for its place", {{"pid", heir->link_.peer().pid}});
  Result<void> received = heir->link_.send(encode({Kind::kTake, {options.version}}));
  if (received) {
    received = heir->receive_estate();
  }
  if (!received) {
    return tl::unexpected(with_context(received.error()));
  }
  return heir;
}

Heir::~Heir() {
  if (thread_.joinable()) {
    (void)::shutdown(link_.fd(), SHUT_RDWR);  // wakes the thread
    thread_.join();
  }
}

Result<void> Heir::receive_estate() {
  while (true) {
    MC_ASSIGN(Said said, hear(link_, 2 * timeout_));
    if (said.message.kind == Kind::kRefused) {
      return refusal(said.message);
    }
    const std::vector<std::string>& texts = said.message.texts;
    if (said.message.kind == Kind::kSockets && said.fds.size() == texts.size()) {
      for (std::size_t i = 0; i < texts.size(); ++i) {
        estate_.sockets.emplace_back(texts[i], std::move(said.fds[i]));
      }
    } else if (said.message.kind == Kind::kUnchangeable) {
      estate_.unchangeable = true;
    } else if (said.message.kind == Kind::kEstate && said.fds.size() <= 1) {
      estate_.version = texts.at(0);
      estate_.sources = texts.at(1);
      if (!said.fds.empty()) {
        estate_.cache = std::move(said.fds.front());
      }
      return {};
    } else {
      return fail(Code::kInvalidArgument, "the old process gives what makes no sense (kind {})",
                  static_cast<int>(said.message.kind));
    }
  }
}

Result<void> Heir::serving() {
  Result<void> sent = link_.send(encode({Kind::kServing, {}}));
  if (sent) {
    if (const auto said = expect(link_, Kind::kFree, timeout_); !said) {
      sent = tl::unexpected(said.error());
    }
  }
  if (!sent) {
    return tl::unexpected(with_context(sent.error()));
  }
  return {};
}

Result<void> Heir::ready(std::function<void(dsl::env::UniqueFd)> adopt) {
  if (const Result<void> sent = link_.send(encode({Kind::kReady, {}})); !sent) {
    return tl::unexpected(with_context(sent.error()));
  }
  thread_ = std::thread([this, adopt = std::move(adopt)] { run(adopt); });
  std::unique_lock lock(mutex_);
  if (!changed_.wait_for(lock, timeout_, [&] { return outcome_.has_value(); })) {
    return tl::unexpected(with_context(
        dsl::Error(Code::kDeadlineExceeded, "the old process neither hands over nor goes on")));
  }
  return *outcome_;
}

void Heir::run(const std::function<void(dsl::env::UniqueFd)>& adopt) {
  pthread_setname_np(pthread_self(), "heir");
  const auto conclude = [this](Result<void> outcome) {
    const std::lock_guard lock(mutex_);
    if (!outcome_) {
      outcome_ = std::move(outcome);
      changed_.notify_all();
    }
  };
  while (true) {
    auto said = hear(link_, kForever);
    if (!said) {
      // He has ended, in order or not: whatever it was, he reads no more.
      conclude({});
      return;
    }
    if (said->message.kind == Kind::kRefused) {
      conclude(refusal(said->message));
      return;
    }
    if (said->message.kind == Kind::kYours) {
      conclude({});
    }
    if (said->message.kind == Kind::kConnection && said->fds.size() == 1) {
      adopt(std::move(said->fds.front()));
    }
  }
}

Result<Upgraded> request_upgrade(const std::string& path, std::chrono::milliseconds timeout) {
  MC_ASSIGN(const PacketLink link, PacketLink::connect(path));
  MC_TRY(link.send(encode({Kind::kUpgrade, {}})));
  MC_ASSIGN(const Said said, expect(link, Kind::kUpgraded, timeout));
  const std::vector<std::string>& texts = said.message.texts;
  return Upgraded{texts[0], texts[1], texts[2], texts[3]};
}

}  // namespace mcns::handover
