// How many connections there may be, in total and of one party.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "dsl/env/socket_address.h"

namespace dsl::net {

// The part of an address that one party holds: an IPv4 address, or the /64 of an IPv6 one.
std::string party_of(const env::SocketAddress& address);

// Thread-safe. Tickets may outlive the object that gave them.
class ConnectionLimits {
 public:
  // A place that is given back with the end of the ticket. Movable.
  class Ticket;

  ConnectionLimits(int total_max, int per_party_max);

  // Nothing when either bound is reached.
  std::optional<Ticket> take(const env::SocketAddress& peer);
  int taken() const;
  // Those who have a place keep it.
  void set_max(int total_max, int per_party_max);

 private:
  struct Counts {
    mutable std::mutex mutex;  // guards all below
    int total_max = 0;
    int per_party_max = 0;
    int total = 0;
    std::map<std::string, int> parties;  // each at least 1
  };

  const std::shared_ptr<Counts> counts_ = std::make_shared<Counts>();
};

class ConnectionLimits::Ticket {
 public:
  Ticket() = default;
  Ticket(Ticket&& other) noexcept = default;
  Ticket& operator=(Ticket&& other) noexcept;
  ~Ticket() { give_back(); }

 private:
  friend class ConnectionLimits;
  Ticket(std::shared_ptr<Counts> counts, std::string party)
      : counts_(std::move(counts)), party_(std::move(party)) {}
  void give_back();

  std::shared_ptr<Counts> counts_;
  std::string party_;
};

}  // namespace dsl::net
