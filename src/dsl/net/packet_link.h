// Whole messages, and descriptors with them, between two processes of one machine: a unix socket
// of type SOCK_SEQPACKET.
//
//   MC_ASSIGN(auto listener, net::PacketListener::open(path));
//   MC_ASSIGN(auto link, listener.accept(std::chrono::seconds(1)));
//   if (link.peer().uid != geteuid()) ...
//   MC_ASSIGN(const net::Packet packet, link.receive(std::chrono::seconds(2)));
#pragma once

#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "dsl/env/unique_fd.h"
#include "dsl/result/result.h"

namespace dsl::net {

constexpr std::size_t kPacketMax = 32768;   // octets
constexpr std::size_t kPacketFdsMax = 128;  // descriptors; the kernel's bound is 253

struct Packet {
  std::string bytes;
  std::vector<env::UniqueFd> fds;  // close-on-exec
};

// One end of a connection. Confined to its owner.
class PacketLink {
 public:
  // Who was on the other end when it was connected, by the kernel's word.
  struct Peer {
    pid_t pid = 0;
    uid_t uid = 0;
  };

  PacketLink() = default;
  explicit PacketLink(env::UniqueFd fd) : fd_(std::move(fd)) {}

  // kNotFound when nobody listens there, whatever lies at the path; kUnavailable when too many wait
  // there. A path may be of any length.
  static Result<PacketLink> connect(const std::string& path);
  // Both ends, for tests and children.
  static Result<std::pair<PacketLink, PacketLink>> pair();

  // Within the bounds above; `fds` stay the caller's. kUnavailable when the other end is gone.
  Result<void> send(std::string_view bytes, std::span<const int> fds = {}) const;
  // kDeadlineExceeded; kUnavailable when the other end is gone; kInvalidArgument for a message
  // beyond the bounds.
  Result<Packet> receive(std::chrono::milliseconds timeout) const;

  Peer peer() const;
  int fd() const { return fd_.get(); }
  explicit operator bool() const { return static_cast<bool>(fd_); }
  void close() { fd_.reset(); }

 private:
  env::UniqueFd fd_;
};

// Confined to its owner. Its end leaves the file at the path: it may be the next one's already.
class PacketListener {
 public:
  // Takes the place of what lies at `path`, of any length, in one step, so that there is no moment
  // without a listener. The file is 0600 from the first moment.
  static Result<PacketListener> open(const std::string& path);

  // kDeadlineExceeded.
  Result<PacketLink> accept(std::chrono::milliseconds timeout) const;
  int fd() const { return fd_.get(); }

 private:
  explicit PacketListener(env::UniqueFd fd) : fd_(std::move(fd)) {}
  env::UniqueFd fd_;
};

}  // namespace dsl::net
