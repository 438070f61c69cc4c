// One accepted connection: socket, perhaps TLS, and the session that answers on it.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "standin/session.h"
#include "standin/settings.h"
#include "standin/tls.h"

namespace standin {

// Owns a descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd();

  int get() const { return fd_; }

 private:
  int fd_ = -1;
};

// Confined to the server's thread; never blocks. `health` and `tls` must outlive it.
class Connection {
 public:
  using Time = std::chrono::steady_clock::time_point;

  Connection(Fd fd, Kind kind, const Health& health, const TlsContext& tls, Time now);

  // Goes on as far as the socket allows. False: drop the connection.
  bool advance(Time now);

  int fd() const { return fd_.get(); }
  short wanted() const { return wanted_; }  // poll events to wait for
  bool ready() const { return ready_; }     // has more to do without waiting
  Time last_used() const { return last_used_; }

 private:
  enum class Io { kDone, kWait, kEnd };

  Io start();
  Io handshake();
  Io read(std::string& in);
  Io write();
  Io tls_result(int result);
  void farewell();

  Fd fd_;
  Kind kind_;
  const Health& health_;
  const TlsContext& context_;
  TlsConnection tls_;
  std::unique_ptr<Session> session_;  // null until the protocol is known
  std::string out_;
  bool closing_ = false;
  bool ready_ = false;
  short wanted_;
  Time last_used_;
};

}  // namespace standin
