// An upstream over TLS or HTTPS in the test's own process, on loopback.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "dsl/env/unique_fd.h"
#include "dsl/net/stream.h"
#include "dsl/tls/tls.h"
#include "mcns/forward/fake_http2.h"
#include "mcns/forward/fake_upstream.h"

namespace mcns::test {

// Answers what has come together in the opposite order (RFC 7766 section 6.2.1.1). Probes are
// answered apart and not counted. Of `Sent` the bytes and `then_close` count. Thread-safe.
class FakeTlsUpstream {
 public:
  FakeTlsUpstream(dsl::tls::Context context, FakeUpstream::Handler handler,
                  Upstream::Transport transport = Upstream::Transport::kTls);
  ~FakeTlsUpstream();

  // Takes connections, and says nothing on those that come from now on.
  void set_black_hole(bool on) { black_hole_ = on; }
  Upstream upstream(const std::string& ca_cert, const std::string& name = "") const;
  int connections() const { return connections_; }
  int resumed() const { return resumed_; }
  int questions() const { return questions_; }
  std::vector<Received> received() const;
  std::vector<HttpRequest> requests() const;  // of HTTPS, without probes

 private:
  void run();
  void serve(dsl::env::UniqueFd fd);
  bool answer_all(dsl::net::Stream& stream, Bytes& input);
  std::vector<Sent> answers_to(const Bytes& packet);

  const dsl::tls::Context context_;
  const FakeUpstream::Handler handler_;
  const Upstream::Transport transport_;
  dsl::env::UniqueFd listener_;
  std::uint16_t port_ = 0;
  std::atomic<bool> stopped_{false};
  std::atomic<bool> black_hole_{false};
  std::atomic<int> connections_{0};
  std::atomic<int> resumed_{0};
  std::atomic<int> questions_{0};
  mutable std::mutex mutex_;
  std::vector<Received> received_;     // guarded by mutex_
  std::vector<HttpRequest> requests_;  // guarded by mutex_
  std::vector<std::thread> serving_;
  std::thread thread_;
};

}  // namespace mcns::test
