#include "dsl/service/socket_exchange.h"

#include <utility>

#include <sys/stat.h>
#include <unistd.h>

#include "dsl/service/socket_message.h"

namespace dsl::service {

namespace {

using net::Packet;
using net::PacketLink;

std::string path_in(const std::string& directory) { return text("{}/{}", directory, kSocketsFile); }

// Whoever is late or gone is asked again; what he has said wrongly stays wrong.
Result<Packet> hear(const PacketLink& link, std::chrono::milliseconds patience,
                    std::string_view who) {
  Result<Packet> packet = link.receive(patience);
  if (!packet && packet.error().code() != Code::kInvalidArgument) {
    return fail(Code::kUnavailable, "{} does not answer", who);
  }
  if (packet && packet->bytes.size() > kSocketMessageMax) {
    return fail(Code::kInvalidArgument, "{} says more than a message may hold", who);
  }
  return packet;
}

bool is_socket(int fd) {
  struct stat info {};
  return ::fstat(fd, &info) == 0 && S_ISSOCK(info.st_mode);
}

Result<std::vector<HandedSocket>> sockets_of(Packet packet) {
  MC_ASSIGN(SocketReply reply, read_socket_reply(packet.bytes));
  if (!reply.refusal.empty()) {
    return fail(Code::kUnavailable, "the agent hands over no sockets: {}", reply.refusal);
  }
  if (reply.names.size() != packet.fds.size()) {
    return fail(Code::kInvalidArgument, "the agent names {} sockets and sends {}",
                reply.names.size(), packet.fds.size());
  }
  std::vector<HandedSocket> out;
  for (std::size_t i = 0; i < packet.fds.size(); ++i) {
    if (!is_socket(packet.fds[i].get())) {
      return fail(Code::kInvalidArgument, "what the agent hands over as {} is no socket",
                  reply.names[i]);
    }
    out.push_back({std::move(reply.names[i]), std::move(packet.fds[i])});
  }
  return out;
}

}  // namespace

Result<std::vector<HandedSocket>> fetch_sockets(const std::string& directory,
                                                std::chrono::milliseconds patience) {
  const auto link = PacketLink::connect(path_in(directory));
  if (!link) {
    return fail(Code::kUnavailable, "the agent is not in {}: {}", directory,
                link.error().message());
  }
  MC_TRY(link->send(write_socket_request()));
  MC_ASSIGN(Packet packet, hear(*link, patience, "the agent"));
  return sockets_of(std::move(packet));
}

Result<net::PacketListener> listen_for_services(const std::string& directory) {
  return net::PacketListener::open(path_in(directory));
}

Result<void> answer_service(const PacketLink& link, std::span<const OfferedSocket> sockets,
                            const std::string& refusal, std::chrono::milliseconds patience) {
  const uid_t uid = link.peer().uid;
  if (uid != ::geteuid()) {
    return fail(Code::kPermissionDenied, "a process of uid {} asks for sockets", uid);
  }
  MC_ASSIGN(const Packet packet, hear(link, patience, "a service"));
  SocketReply reply{.names = {}, .refusal = refusal};
  Result<void> asked = check_socket_request(packet.bytes);
  if (!asked) {
    reply.refusal = asked.error().message();
  }
  std::vector<int> fds;
  if (reply.refusal.empty()) {
    for (const OfferedSocket& socket : sockets) {
      reply.names.emplace_back(socket.name);
      fds.push_back(socket.fd);
    }
  }
  MC_TRY(link.send(write_socket_reply(reply), fds));
  return asked;
}

}  // namespace dsl::service
