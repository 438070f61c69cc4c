// Datagrams at a fixed rate, each sent when it is due, whatever became of those before.
#include <algorithm>
#include <array>
#include <cmath>
#include <memory>

#include <unistd.h>

#include "datagrams.h"
#include "loads.h"

namespace bench {
namespace {

constexpr double kTail_s = 1;  // for answers after the last question
constexpr double kLook_s = 0.01;

// Microseconds, exact up to half a second; beyond that is the last bucket.
class Histogram {
 public:
  void add(double seconds) {
    const double us = std::max(0.0, seconds * 1e6);
    ++buckets_[std::min(buckets_.size() - 1, static_cast<std::size_t>(us))];
    ++count_;
  }
  // A question that was never answered.
  void add_lost() {
    ++buckets_.back();
    ++count_;
  }
  double quantile_us(double share) const {
    const auto rank = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
    std::uint64_t seen = 0;
    for (std::size_t us = 0; us < buckets_.size(); ++us) {
      seen += buckets_[us];
      if (seen >= rank) {
        return static_cast<double>(us) + 0.5;
      }
    }
    return 0;
  }

 private:
  std::vector<std::uint64_t> buckets_ = std::vector<std::uint64_t>(500'000);
  std::uint64_t count_ = 0;
};

struct Flow {
  explicit Flow(const sockaddr_in& server) : socket(server) {}
  Datagrams socket;
  std::uint16_t id = 0;
  std::array<double, 65536> due_s{};  // by ID; 0 = not under way
};

}  // namespace

Measured at_rate(const Load& load, const Queries& queries) {
  std::vector<std::unique_ptr<Flow>> flows;
  for (unsigned i = 0; i < load.sockets; ++i) {
    flows.push_back(std::make_unique<Flow>(load.server));
  }

  Measured out;
  Histogram histogram;
  const double start = now_s();
  const double begin = start + load.warmup_s;
  double end = begin + load.seconds;
  double due = start;
  double heard = begin;
  double cpu = 0;
  bool counting = false;
  double looked = start;  // at standard input
  std::size_t turn = 0;
  for (double now = start; now < end + kTail_s; now = now_s()) {
    if (!counting && now >= begin) {
      counting = true;
      cpu = processor_seconds(load.pids);
    }
    if (load.until_stopped && now - looked > kLook_s) {
      looked = now;
      if (now < end && has_ended(STDIN_FILENO)) {
        end = now;
      }
    }
    while (due <= now && due < end) {
      Flow& flow = *flows[turn++ % flows.size()];
      flow.due_s[flow.id] = due;
      flow.socket.add(queries.next(), flow.id++);
      out.sent += due >= begin ? 1U : 0U;
      if (flow.socket.pending() == kBatch) {
        flow.socket.flush();
      }
      due += 1 / load.rate;
    }
    for (const auto& flow : flows) {
      flow->socket.flush();
      const unsigned taken = flow->socket.receive();
      const double arrived = taken > 0 ? now_s() : 0;
      for (unsigned i = 0; i < taken; ++i) {
        const std::string_view message = flow->socket.received(i);
        const auto id = static_cast<std::uint16_t>((static_cast<unsigned char>(message[0]) << 8U) |
                                                   static_cast<unsigned char>(message[1]));
        double& due_s = flow->due_s[id];
        if (due_s >= begin) {
          histogram.add(arrived - due_s);
          ++out.answered;
          out.failed += is_good(message.data(), message.size()) ? 0U : 1U;
          out.longest_gap_ms = std::max(out.longest_gap_ms, (arrived - heard) * 1e3);
          heard = arrived;
        }
        due_s = 0;
      }
    }
    if (due >= end && out.answered >= out.sent) {
      break;
    }
  }
  for (std::uint64_t lost = out.answered; lost < out.sent; ++lost) {
    histogram.add_lost();
  }
  out.seconds = load.seconds;
  out.cpu_seconds = processor_seconds(load.pids) - cpu;
  out.p50_us = histogram.quantile_us(0.5);
  out.p99_us = histogram.quantile_us(0.99);
  out.p999_us = histogram.quantile_us(0.999);
  return out;
}

}  // namespace bench
