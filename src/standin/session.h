// One connection's protocol, free of sockets: bytes in, bytes out.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace standin {

// What all answers depend on: the service's name, and whether the fail file exists now.
// Immutable; asks the file system at each call.
class Health {
 public:
  Health(std::string service, std::string fail_file)
      : service_(std::move(service)), fail_file_(std::move(fail_file)) {}

  const std::string& service() const { return service_; }
  bool failing() const;

 private:
  std::string service_;
  std::string fail_file_;
};

// Confined to the server's thread. The Health given to a factory must outlive the session.
class Session {
 public:
  virtual ~Session() = default;

  // Takes what the peer sent (nothing at the first call) and appends the reply to `out`.
  // False: close once `out` is sent. Is not called while earlier output waits to be sent, so
  // what one call can append is bounded by what it was given.
  virtual bool feed(std::string_view in, std::string& out) = 0;
};

std::unique_ptr<Session> make_dns_session(const Health& health);   // RFC 1035 section 4.2.2
std::unique_ptr<Session> make_http_session(const Health& health);  // HTTP/1.1
std::unique_ptr<Session> make_h2_session(const Health& health);    // HTTP/2 with gRPC health
std::unique_ptr<Session> make_tcp_session(const Health& health);   // says nothing

// The answer to GET or HEAD of `path`, the same in both HTTP versions.
struct Page {
  int status;
  std::string content_type;
  std::string body;
};
Page page_for(const Health& health, std::string_view method, std::string_view path);

}  // namespace standin
