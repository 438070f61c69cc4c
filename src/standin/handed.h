// Sockets that the node's agent holds for this component ($MC_SOCKETS, docs/formats/sockets.md).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "standin/connection.h"

namespace standin {

struct HandedSocket {
  std::string name;
  Fd fd;
};

// The names in the agent's reply; nothing when it is not one. Foreign bytes.
tl::expected<std::vector<std::string>, std::string> parse_handed(std::string_view packet);

// Asks in `directory` until the agent answers or `stop_fd` is readable, which is an error, too.
tl::expected<std::vector<HandedSocket>, std::string> fetch_handed(const std::string& directory,
                                                                  int stop_fd);

}  // namespace standin
