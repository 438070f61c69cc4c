// The listeners and the loop of a stand-in.
#pragma once

#include <list>
#include <vector>

#include <tl/expected.hpp>

#include "standin/connection.h"
#include "standin/handed.h"

namespace standin {

// One thread, one poll loop. At most 256 connections: beyond it the one unused for longest is
// dropped, so that a gate is always heard.
class Server {
 public:
  // Binds every listener. The error is a sentence.
  // `handed` take the place of the settings' listeners of their kinds.
  static tl::expected<Server, std::string> open(const Settings& settings,
                                                std::vector<HandedSocket> handed);

  // The listeners with their real ports, in the order of the settings.
  const std::vector<Listen>& listens() const { return listens_; }

  // Answers until `stop_fd` is readable.
  void run(int stop_fd);

 private:
  struct Socket {
    Fd fd;
    Kind kind;
    bool datagram;
  };

  explicit Server(const Settings& settings);

  tl::expected<void, std::string> bind(const Listen& listen);
  tl::expected<Kind, std::string> take(HandedSocket handed);
  void accept(const Socket& socket, Connection::Time now);
  void answer_datagrams(const Socket& socket);

  std::unique_ptr<Health> health_;  // at one address for the connections
  std::unique_ptr<TlsContext> tls_;
  std::vector<Listen> listens_;
  std::vector<Socket> sockets_;
  std::list<Connection> connections_;
};

}  // namespace standin
