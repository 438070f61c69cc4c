// A load of DNS questions from one thread, and what became of it, as one line of JSON.
//
//   dns_load --server 127.0.0.1:5300 --queries FILE [--seconds 3] [--warmup 1] [--sockets 4]
//            [--window 48] [--rate 20000 [--until-stopped] [--tcp] | --tcp | --once]
//            [--pids 12,13]
//
// dnsperf spends more on a question than a quick server on the answer, so on two processors it
// cannot saturate one; and it counts latencies from when a question was sent, not from when it was
// due.
#include <iostream>
#include <sstream>
#include <string>

#include <arpa/inet.h>

#include "loads.h"

namespace bench {

std::string Measured::json() const {
  std::ostringstream out;
  out << "{\"sent\": " << sent << ", \"answered\": " << answered << ", \"failed\": " << failed
      << ", \"seconds\": " << seconds << ", \"cpu_seconds\": " << cpu_seconds
      << ", \"own_cpu_seconds\": " << own_cpu_seconds << ", \"p50_us\": " << p50_us
      << ", \"p99_us\": " << p99_us << ", \"p999_us\": " << p999_us
      << ", \"longest_gap_ms\": " << longest_gap_ms << ", \"closed\": " << closed
      << ", \"reset\": " << reset << ", \"broken\": " << broken
      << ", \"asked_again\": " << asked_again << "}";
  return out.str();
}

}  // namespace bench

int main(int argc, char** argv) {
  bench::Load load;
  std::string file;
  bool tcp = false;
  load.server.sin_family = AF_INET;
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    if (option == "--tcp") {
      tcp = true;
      continue;
    }
    if (option == "--once" || option == "--until-stopped") {
      (option == "--once" ? load.once : load.until_stopped) = true;
      continue;
    }
    if (i + 1 == argc) {
      bench::die(option + " needs a value");
    }
    const std::string value = argv[++i];
    if (option == "--server") {
      const std::size_t colon = value.rfind(':');
      load.server.sin_port = htons(static_cast<std::uint16_t>(std::stoi(value.substr(colon + 1))));
      if (::inet_pton(AF_INET, value.substr(0, colon).c_str(), &load.server.sin_addr) != 1) {
        bench::die("want an address and port: " + value);
      }
    } else if (option == "--queries") {
      file = value;
    } else if (option == "--seconds") {
      load.seconds = std::stod(value);
    } else if (option == "--warmup") {
      load.warmup_s = std::stod(value);
    } else if (option == "--sockets") {
      load.sockets = static_cast<unsigned>(std::stoul(value));
    } else if (option == "--window") {
      load.window = static_cast<unsigned>(std::stoul(value));
    } else if (option == "--rate") {
      load.rate = std::stod(value);
    } else if (option == "--pids") {
      std::istringstream pids(value);
      for (std::string pid; std::getline(pids, pid, ',');) {
        load.pids.push_back(std::stoi(pid));
      }
    } else {
      bench::die("unknown option " + option);
    }
  }
  const bench::Queries queries(file);
  const bench::Measured measured = tcp && load.rate > 0 ? bench::streams_at_rate(load, queries)
                                   : tcp                ? bench::streams(load, queries)
                                   : load.rate > 0      ? bench::at_rate(load, queries)
                                                        : bench::saturate(load, queries);
  std::cout << measured.json() << "\n";
}
