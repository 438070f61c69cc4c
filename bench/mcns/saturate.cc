// As many datagrams as the server answers: a window of questions on each of several sockets.
#include <algorithm>
#include <memory>

#include <poll.h>

#include "datagrams.h"
#include "loads.h"

namespace bench {
namespace {

constexpr double kLost_s = 0.2;  // without any answer on a socket, what is under way is lost

struct Flow {
  explicit Flow(const sockaddr_in& server) : socket(server) {}
  Datagrams socket;
  unsigned under_way = 0;
  double heard_s = now_s();
  std::uint16_t id = 0;
};

}  // namespace

Measured saturate(const Load& load, const Queries& queries) {
  std::vector<std::unique_ptr<Flow>> flows;
  std::vector<pollfd> polls;
  for (unsigned i = 0; i < load.sockets; ++i) {
    flows.push_back(std::make_unique<Flow>(load.server));
    polls.push_back({flows.back()->socket.fd(), POLLIN, 0});
  }

  Measured out;
  double now = now_s();
  double begin = now + load.warmup_s;
  const double end = load.once ? begin + 3600 : begin + load.seconds;
  bool counting = false;
  double cpu = 0;
  double own_cpu = 0;
  while (now < end && !(load.once && out.sent >= queries.count())) {
    bool idle = true;
    for (const auto& flow : flows) {
      const unsigned taken = flow->socket.receive();
      if (taken > 0) {
        idle = false;
        flow->heard_s = now;
        flow->under_way -= std::min(flow->under_way, taken);
        out.answered += taken;
        for (unsigned i = 0; i < taken; ++i) {
          const std::string_view message = flow->socket.received(i);
          out.failed += is_good(message.data(), message.size()) ? 0U : 1U;
        }
      } else if (now - flow->heard_s > kLost_s) {
        flow->under_way = 0;
        flow->heard_s = now;
      }
      // Half a window at a time: many at once cost less than one after the other.
      const bool enough = flow->under_way <= load.window / 2;
      const unsigned room = enough ? std::min(kBatch, load.window - flow->under_way) : 0;
      for (unsigned i = 0; i < room; ++i) {
        flow->socket.add(queries.next(), flow->id++);
      }
      const unsigned sent = flow->socket.flush();
      flow->under_way += sent;
      out.sent += sent;
    }
    if (idle) {
      ::poll(polls.data(), static_cast<nfds_t>(polls.size()), 1);
    }
    now = now_s();
    if (!counting && !load.once && now >= begin) {
      counting = true;
      out = Measured();
      cpu = processor_seconds(load.pids);
      own_cpu = own_processor_seconds();
      begin = now;
    }
  }
  out.seconds = now - begin;
  out.cpu_seconds = processor_seconds(load.pids) - cpu;
  out.own_cpu_seconds = own_processor_seconds() - own_cpu;
  return out;
}

}  // namespace bench
