// Changes records of one zone through the API, and looks whether DNS shows what was acknowledged.
//
//   mcns_write_load SOCKET ZONE NAMES CLIENTS SECONDS [DNS_PORT]
//
// Each client sets the address of one of h0000000 to h(NAMES-1) after the other. With a port each
// acknowledgement is followed by a question: how long it takes until the new address is seen, and
// how often the very first answer had it. Prints one line of JSON.
#include <algorithm>
#include <array>
#include <cstdio>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dsl/rpc/client.h"
#include "loads.h"
#include "mcns/v1/record.pb.h"
#include "queries.h"

namespace {

struct Job {
  std::string socket;
  std::string zone;
  unsigned names = 0;
  double end_s = 0;
  int dns_port = 0;
};

struct Figures {
  std::vector<double> write_ms;
  std::vector<double> visible_us;
  std::uint64_t seen_at_once = 0;

  void add(const Figures& other) {
    write_ms.insert(write_ms.end(), other.write_ms.begin(), other.write_ms.end());
    visible_us.insert(visible_us.end(), other.visible_us.begin(), other.visible_us.end());
    seen_at_once += other.seen_at_once;
  }
};

double quantile(std::vector<double> values, double share) {
  if (values.empty()) {
    return 0;
  }
  std::sort(values.begin(), values.end());
  const auto rank = static_cast<std::size_t>(share * static_cast<double>(values.size()));
  return values[std::min(rank, values.size() - 1)];
}

// Asks until the answer ends with these four octets of an address, behind which the OPT record is.
class Watcher {
 public:
  explicit Watcher(int port) : fd_(::socket(AF_INET, SOCK_DGRAM, 0)) {
    sockaddr_in server{};
    server.sin_family = AF_INET;
    server.sin_port = htons(static_cast<std::uint16_t>(port));
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    timeval patience{.tv_sec = 1, .tv_usec = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&server), sizeof server) != 0) {
      bench::die("cannot connect");
    }
  }
  ~Watcher() { ::close(fd_); }
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  // How many questions it took.
  unsigned wait_for(std::string_view query, const std::string& address) {
    std::array<char, 4> wanted;
    ::inet_pton(AF_INET, address.c_str(), wanted.data());
    std::array<char, 1500> answer;
    for (unsigned tries = 1;; ++tries) {
      ::send(fd_, query.data(), query.size(), 0);
      const ssize_t size = ::recv(fd_, answer.data(), answer.size(), 0);
      const std::string_view text(answer.data(), size < 0 ? 0 : static_cast<std::size_t>(size));
      if (text.find(std::string_view(wanted.data(), wanted.size()), query.size()) !=
          std::string_view::npos) {
        return tries;
      }
    }
  }

 private:
  int fd_;
};

Figures write(const Job& job, unsigned client) {
  const auto channel = dsl::rpc::Channel::open("unix:" + job.socket);
  std::mt19937 random(client);
  std::unique_ptr<Watcher> watcher;
  if (job.dns_port != 0) {
    watcher = std::make_unique<Watcher>(job.dns_port);
  }
  Figures figures;
  mcns::v1::SetRRsetRequest request;
  request.set_zone(job.zone);
  request.set_type("A");
  while (bench::now_s() < job.end_s) {
    std::array<char, 16> name;
    std::snprintf(name.data(), name.size(), "h%07u", static_cast<unsigned>(random() % job.names));
    const unsigned number = static_cast<unsigned>(random());
    // Not of the addresses that the zone began with.
    const std::string address = "172." + std::to_string(16 + (number >> 16U) % 16) + "." +
                                std::to_string((number >> 8U) & 255U) + "." +
                                std::to_string(number & 255U);
    request.set_name(name.data());
    request.clear_values();
    request.add_values(address);
    const double begin = bench::now_s();
    const auto done = channel->call<mcns::v1::Outcome>("mcns.v1.RecordService.SetRRset", request);
    const double acknowledged = bench::now_s();
    if (!done) {
      bench::die(done.error().render());
    }
    figures.write_ms.push_back((acknowledged - begin) * 1e3);
    if (watcher) {
      const bench::Queries queries =
          bench::Queries::one(std::string(name.data()) + "." + job.zone, "A");
      const double asked = bench::now_s();
      figures.seen_at_once += watcher->wait_for(queries.next(), address) == 1 ? 1U : 0U;
      figures.visible_us.push_back((bench::now_s() - asked) * 1e6);
    }
  }
  return figures;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) {
    std::fprintf(stderr, "usage: mcns_write_load SOCKET ZONE NAMES CLIENTS SECONDS [DNS_PORT]\n");
    return 2;
  }
  const double seconds = std::stod(argv[5]);
  const unsigned clients = static_cast<unsigned>(std::stoul(argv[4]));
  const double begin = bench::now_s();
  const Job job{.socket = argv[1],
                .zone = argv[2],
                .names = static_cast<unsigned>(std::stoul(argv[3])),
                .end_s = begin + seconds,
                .dns_port = argc > 6 ? std::stoi(argv[6]) : 0};
  Figures all;
  std::mutex mutex;
  std::vector<std::thread> threads;
  for (unsigned client = 0; client < clients; ++client) {
    threads.emplace_back([&, client] {
      const Figures figures = write(job, client);
      const std::lock_guard guard(mutex);
      all.add(figures);
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  const double took = bench::now_s() - begin;
  std::printf(
      "{\"writes\": %zu, \"rate\": %.1f, \"p50_ms\": %.4f, \"p99_ms\": %.4f, \"seen_at_once\": "
      "%llu, "
      "\"visible_p99_us\": %.1f}\n",
      all.write_ms.size(), static_cast<double>(all.write_ms.size()) / took,
      quantile(all.write_ms, 0.5), quantile(all.write_ms, 0.99),
      static_cast<unsigned long long>(all.seen_at_once), quantile(all.visible_us, 0.99));
}
