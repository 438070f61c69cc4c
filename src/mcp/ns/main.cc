// The namespace helper: does in the user namespace of the containers, as its root, what the agent
// asks for below the one directory that it sees.
//
//   mcp-ns SOCKET DIRECTORY
//
// Ends by itself when the agent has gone, or has asked nothing for a while.
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "mcp/files/link.h"
#include "mcp/files/perform.h"

namespace {

using mcp::files::Message;
using mcp::files::Performed;

constexpr int kIdleMs = 60'000;
constexpr std::uint32_t kOverflowId = 65534;  // /proc/sys/kernel/overflowuid, which no system sets

int complain(const char* what, const char* about) {
  (void)std::fprintf(stderr, "mcp-ns: cannot %s %s: %s\n", what, about, strerrordesc_np(errno));
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    (void)std::fprintf(stderr, "usage: mcp-ns SOCKET DIRECTORY\n");
    return 2;
  }
  const mcp::files::UniqueFd root = mcp::files::open_root(argv[2]);
  if (!root) {
    return complain("open", argv[2]);
  }
  const mcp::files::UniqueFd agent = mcp::files::connect_to(argv[1]);
  if (!agent) {
    return complain("connect to", argv[1]);
  }
  while (true) {
    const Message asked = mcp::files::receive_message(agent.get(), kIdleMs);
    if (asked.error != 0) {
      return asked.error == ETIMEDOUT || asked.error == ECONNRESET ? 0 : 1;
    }
    Performed done;
    if (const auto request = mcp::files::decode_request(asked.bytes)) {
      done = mcp::files::perform(root.get(), *request, {.overflow_id = kOverflowId});
    } else {
      done.answer.error = EINVAL;
    }
    if (mcp::files::send_message(agent.get(), mcp::files::encode(done.answer), done.fd.get()) !=
        0) {
      return 0;
    }
  }
}
