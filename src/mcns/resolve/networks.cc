#include "mcns/resolve/networks.h"

#include <algorithm>
#include <utility>

namespace mcns {

class Networks::Inside final : public Vicinity {
 public:
  Inside(const std::vector<Network>& all, const Network* own, bool only_reachable)
      : all_(all), own_(own), only_reachable_(only_reachable) {}

  std::string_view network() const override {
    return own_ == nullptr ? std::string_view() : std::string_view(own_->name);
  }
  bool only_reachable() const override { return only_reachable_; }
  Place place_of(std::string_view octets) const override {
    const dsl::env::AddressBits address = dsl::env::address_bits(octets);
    if (own_ != nullptr && own_->prefixes.contains(address)) {
      return Place::kNear;
    }
    const bool declared = std::any_of(all_.begin(), all_.end(), [&address](const Network& each) {
      return each.prefixes.contains(address);
    });
    return declared ? Place::kElsewhere : Place::kAnywhere;
  }

 private:
  const std::vector<Network>& all_;
  const Network* own_;  // null: in none of them
  const bool only_reachable_;
};

Networks::Networks(std::vector<Network> networks, bool only_reachable)
    : networks_(std::move(networks)) {
  for (const Network& each : networks_) {
    inside_.push_back(std::make_unique<Inside>(networks_, &each, only_reachable));
  }
  inside_.push_back(std::make_unique<Inside>(networks_, nullptr, only_reachable));
}

const Vicinity& Networks::around(const dsl::env::AddressBits& client) const {
  const auto found =
      std::find_if(networks_.begin(), networks_.end(),
                   [&client](const Network& each) { return each.prefixes.contains(client); });
  return *inside_[static_cast<std::size_t>(found - networks_.begin())];
}

}  // namespace mcns
