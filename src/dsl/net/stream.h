// A non-blocking byte stream that owns its socket and, with TLS, its SSL object on the descriptor
// itself: no memory buffer in between, so that kernel TLS stays possible.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "dsl/env/unique_fd.h"
#include "dsl/tls/tls.h"

struct ssl_st;  // OpenSSL's SSL

namespace dsl::net {

enum class Io {
  kDone,
  kWantRead,   // again when the socket is readable
  kWantWrite,  // again when the socket is writable
  kEnd,        // the peer has ended the stream in order
  kFailed,     // reset, or not TLS: nothing more comes or goes
};

struct IoResult {
  Io io = Io::kDone;
  std::size_t count = 0;  // bytes moved; with kDone at least 1
};

// Confined to its owner's loop. Made for edge-triggered waits: `drained` spares the read that would
// only find nothing. How long a step may take is the owner's to say, with a Timer.
class Stream {
 public:
  explicit Stream(env::UniqueFd fd);
  ~Stream();
  Stream(Stream&&) noexcept;
  Stream& operator=(Stream&&) = delete;

  // From now on TLS as the server of the connection; `context` is shared. kUnavailable without
  // memory.
  Result<void> start_tls(const tls::Context& context);
  // The same as its client; the server must be `name`, where the context verifies. `session` is
  // that of an earlier connection to it, whose verdict on the certificate it brings along; or null.
  Result<void> start_tls_client(const tls::Context& context, const std::string& name,
                                const tls::Session& session = nullptr);
  // kDone once TLS is agreed on; at once for plain streams.
  Io handshake();

  IoResult read(std::span<char> out);
  IoResult write(std::string_view data);
  // Whether the last read took all that had arrived: the next bytes come with a new event.
  bool drained() const { return drained_; }
  // Bytes before TLS, left in place, and their removal.
  IoResult peek(std::span<char> out);
  void discard(std::size_t count);

  // Tells the peer that nothing more comes; reading stays possible.
  void end_writing();

  int fd() const { return fd_.get(); }
  bool is_tls() const { return ssl_ != nullptr; }
  std::string failure() const;   // why the step before has failed, in words
  std::string distrust() const;  // why the peer's certificate is not trusted; empty if it is
  std::string alpn() const;      // agreed on; empty without
  bool is_resumed() const;       // the session of an earlier connection was taken up
  // For the next connection to this server; null while it has given nothing to begin with, and once
  // this one is cut off.
  tls::Session session() const;
  std::string client_name() const;  // subject of a verified client certificate, RFC 2253; or empty

 private:
  struct Free {
    void operator()(ssl_st* ssl) const;
  };
  Result<void> attach(const tls::Context& context);
  Io socket_outcome();
  Io tls_outcome(int result);
  IoResult read_tls(std::span<char> out);

  env::UniqueFd fd_;
  std::unique_ptr<ssl_st, Free> ssl_;
  std::uint64_t raw_bytes_ = 0;  // that OpenSSL had read from the socket so far
  bool drained_ = false;
  bool maybe_more_ = false;  // a read has filled OpenSSL's buffer since the socket was last empty
  int errno_ = 0;            // of the last failure; 0 = the peer went, or the next one says it
  unsigned long tls_error_ = 0;  // OpenSSL's number of it
  bool broken_ = false;          // after a fatal error OpenSSL must not be asked to say good-bye
};

}  // namespace dsl::net
