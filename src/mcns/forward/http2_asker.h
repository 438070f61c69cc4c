// DNS questions as requests of HTTP/2 (RFC 8484, RFC 9113): octets in and out, and no socket.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "dsl/result/result.h"
#include "mcns/wire/name.h"

struct nghttp2_session;

namespace mcns {

// One connection's. Confined to its loop.
class Http2Asker {
 public:
  static constexpr std::size_t kBodyMax = 65535;  // a DNS message is no longer

  struct Target {
    std::string authority;  // "dns.example.net", "192.0.2.1:8443"
    std::string path;       // "/dns-query"
  };
  // What became of a request.
  struct Done {
    std::int32_t stream = 0;
    std::optional<Bytes> message;  // what the server says is a DNS message
    std::uint32_t age_s = 0;       // since the server's side has it
    std::string why;               // there is none: in words,
    bool unseen = false;           // and the server has not looked at the request
  };

  explicit Http2Asker(Target target);
  ~Http2Asker();
  Http2Asker(const Http2Asker&) = delete;
  Http2Asker& operator=(const Http2Asker&) = delete;

  // The stream. kUnavailable when this connection takes no more.
  dsl::Result<std::int32_t> ask(Bytes message);
  // Nobody waits for it any more.
  void cancel(std::int32_t stream);
  bool takes_more() const;

  void receive(std::string_view input);
  // Adds what is to be sent, as far as there is.
  void produce(Bytes& output);
  // Of requests that ended since the last time.
  std::vector<Done> take_done() { return std::exchange(done_, {}); }
  bool has_done() const { return !done_.empty(); }
  // The connection is of no more use; why, or empty.
  const std::string& failure() const { return failure_; }

 private:
  struct Stream {
    Bytes request;
    std::size_t sent = 0;
    int status = 0;
    std::string type;
    std::uint32_t age_s = 0;
    Bytes body;
    bool too_long = false;
    bool cancelled = false;
  };
  struct Callbacks;  // nghttp2's

  Stream* find(std::int32_t id);
  void end(std::int32_t id, std::uint32_t code);
  void look_for_end();

  const Target target_;
  nghttp2_session* session_ = nullptr;
  std::unordered_map<std::int32_t, Stream> streams_;
  std::vector<Done> done_;
  std::string failure_;
};

}  // namespace mcns
