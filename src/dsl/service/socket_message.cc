#include "dsl/service/socket_message.h"

#include <algorithm>

namespace dsl::service {

namespace {

constexpr std::string_view kMagic = "MCSK";
constexpr char kVersion = 1;
constexpr char kFetch = 1;   // the request
constexpr char kHanded = 2;  // the replies
constexpr char kRefused = 3;
constexpr std::size_t kHeadSize = kMagic.size() + 2;  // version, kind

std::string head(char kind) { return std::string(kMagic) + kVersion + kind; }

// The kind of a packet.
Result<char> read_head(std::string_view packet) {
  if (packet.size() < kHeadSize || !packet.starts_with(kMagic)) {
    return fail(Code::kInvalidArgument, "a packet of {} bytes is not of the exchange of sockets",
                packet.size());
  }
  if (packet[kMagic.size()] != kVersion) {
    return fail(Code::kUnimplemented, "version {} of the exchange of sockets is not known here",
                static_cast<unsigned>(static_cast<unsigned char>(packet[kMagic.size()])))
        .hint("the agent and the service's image are too far apart: update the older of the two");
  }
  return packet[kMagic.size() + 1];
}

// Printable in a log, whoever sent it.
std::string printable(std::string_view bytes) {
  std::string out(bytes.substr(0, kSocketRefusalMax));
  std::replace_if(
      out.begin(), out.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }, '.');
  return out;
}

Result<std::vector<std::string>> read_names(std::string_view rest) {
  const auto refuse = [](std::string_view why) {
    return fail(Code::kInvalidArgument, "a reply with sockets is malformed: {}", why);
  };
  if (rest.empty()) {
    return refuse("it ends before their number");
  }
  const std::size_t count = static_cast<unsigned char>(rest.front());
  rest.remove_prefix(1);
  if (count > kHandedSocketsMax) {
    return refuse("too many");
  }
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t size = rest.empty() ? 0 : static_cast<unsigned char>(rest.front());
    if (rest.size() < size + 1 || !is_socket_name(rest.substr(1, size))) {
      return refuse(text("name {} is none", i + 1));
    }
    names.emplace_back(rest.substr(1, size));
    rest.remove_prefix(size + 1);
  }
  if (!rest.empty()) {
    return refuse("bytes follow the last name");
  }
  return names;
}

}  // namespace

bool is_socket_name(std::string_view name) {
  return !name.empty() && name.size() <= kSocketNameMax &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

std::string write_socket_request() { return head(kFetch); }

Result<void> check_socket_request(std::string_view packet) {
  MC_ASSIGN(const char kind, read_head(packet));
  if (kind != kFetch || packet.size() != kHeadSize) {
    return fail(Code::kInvalidArgument, "a packet of {} bytes asks for no sockets", packet.size());
  }
  return {};
}

std::string write_socket_reply(const SocketReply& reply) {
  if (!reply.refusal.empty()) {
    return head(kRefused) + reply.refusal.substr(0, kSocketRefusalMax);
  }
  MC_ASSERT(reply.names.size() <= kHandedSocketsMax, "no component has so many sockets");
  std::string out = head(kHanded);
  out += static_cast<char>(reply.names.size());
  for (const std::string& name : reply.names) {
    MC_ASSERT(is_socket_name(name), "the name was checked where it was read");
    out += static_cast<char>(name.size());
    out += name;
  }
  return out;
}

Result<SocketReply> read_socket_reply(std::string_view packet) {
  MC_ASSIGN(const char kind, read_head(packet));
  SocketReply reply;
  if (kind == kRefused) {
    reply.refusal = printable(packet.substr(kHeadSize));
    if (reply.refusal.empty()) {
      reply.refusal = "without a reason";
    }
    return reply;
  }
  if (kind != kHanded) {
    return fail(Code::kInvalidArgument, "a packet of {} bytes answers no question for sockets",
                packet.size());
  }
  MC_ASSIGN(reply.names, read_names(packet.substr(kHeadSize)));
  return reply;
}

}  // namespace dsl::service
