// Questions over TCP, or over TLS (RFC 7766, RFC 7858): each with its length in front.
#pragma once

#include "mcns/forward/stream_line.h"

namespace mcns {

// Confined to its loop.
class TcpLine final : public StreamLine {
 public:
  TcpLine(Place place, RandomPool& random, ChannelEvents& events)
      : StreamLine(std::move(place), events), random_(random) {}

  // The id that it got.
  dsl::Result<std::uint32_t> send(Attempt attempt, const Packet& packet) override;
  void forget(std::uint32_t id) override { outstanding_.remove(static_cast<std::uint16_t>(id)); }
  std::uint16_t message_id(std::uint32_t id) const override {
    return static_cast<std::uint16_t>(id);
  }

 private:
  void ended() override;
  void take(std::string_view input) override;
  void produce(Bytes& output) override;
  bool is_waiting() const override { return !outstanding_.empty(); }
  std::vector<Attempt> take_all() override { return outstanding_.take_all(); }

  RandomPool& random_;
  Outstanding outstanding_;
  Bytes output_;
  Bytes input_;
};

}  // namespace mcns
