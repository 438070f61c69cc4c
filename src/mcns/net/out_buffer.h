// What a client of a stream was answered and has not taken yet. Private to mcns::net.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mcns::net {

// Confined to its connection.
class OutBuffer {
 public:
  void add(char octet) { octets_ += octet; }
  void add(std::string_view octets) { octets_ += octets; }
  // To be written next; valid until the next call.
  std::string_view rest() const { return std::string_view(octets_).substr(taken_); }
  bool empty() const { return taken_ == octets_.size(); }

  // So many octets of `rest` are the socket's now.
  void took(std::size_t count) {
    taken_ += count;
    // A client that asks on and takes slowly never lets it run empty: without this it would hold
    // every octet that was ever sent. In large parts, as the rest is moved each time.
    if (empty() || taken_ >= kTakenMax) {
      octets_.erase(0, taken_);
      taken_ = 0;
    }
  }

  // With what was taken already.
  std::size_t held_bytes() const { return octets_.size(); }

  static constexpr std::size_t kTakenMax = std::size_t{64} << 10U;

 private:
  std::string octets_;
  std::size_t taken_ = 0;
};

}  // namespace mcns::net
