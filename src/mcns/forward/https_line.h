// Questions over HTTPS (RFC 8484): HTTP/2 over TLS, a stream for each.
#pragma once

#include <memory>
#include <unordered_map>

#include "mcns/forward/http2_asker.h"
#include "mcns/forward/stream_line.h"

namespace mcns {

// Confined to its loop.
class HttpsLine final : public StreamLine {
 public:
  HttpsLine(Place place, Http2Asker::Target target, ChannelEvents& events);

  // The stream that it got.
  dsl::Result<std::uint32_t> send(Attempt attempt, const Packet& packet) override;
  void forget(std::uint32_t stream) override;
  // RFC 8484 section 4.1: always the same, so that HTTP may cache.
  std::uint16_t message_id(std::uint32_t /*stream*/) const override { return 0; }

 private:
  struct Waiting {
    Attempt attempt = 0;
    Packet packet;
  };
  void begin() override;
  dsl::Result<void> opened() override;
  void ended() override;
  void take(std::string_view input) override;
  void produce(Bytes& output) override;
  bool is_waiting() const override { return !waiting_.empty(); }
  std::vector<Attempt> take_all() override;
  void tell_done();

  const Http2Asker::Target target_;
  std::unique_ptr<Http2Asker> asker_;  // of the connection
  std::uint64_t connection_ = 0;       // how many there have been
  std::unordered_map<std::int32_t, Waiting> waiting_;
  dsl::net::Timer later_;  // for what ended while something was written
};

}  // namespace mcns
