// A peer that answers byte for byte what a test wrote, on a unix socket or a loopback port.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "dsl/env/unique_fd.h"
#include "dsl/http/client.h"
#include "dsl/tls/tls.h"

namespace dsl::http::test {

// One accepted connection as the peer sees it; plain or TLS.
class PeerConnection {
 public:
  virtual ~PeerConnection() = default;
  // The next request up to and with its body (Content-Length or chunked); empty at the end.
  virtual std::string read_request() = 0;
  virtual void write(std::string_view bytes) = 0;
  // Blocks until the other side closes.
  virtual void wait_closed() = 0;
};

// Serves connections one after another with `serve(connection, index)`; ends with the test.
class ScriptedPeer {
 public:
  using Serve = std::function<void(PeerConnection&, int index)>;

  static std::unique_ptr<ScriptedPeer> on_unix(const std::string& path, Serve serve);
  static std::unique_ptr<ScriptedPeer> on_tcp(Serve serve);
  // With a certificate for `name` of an authority that is written to `ca_path`; TLS 1.3.
  static std::unique_ptr<ScriptedPeer> on_tls(const std::string& name, const std::string& ca_path,
                                              Serve serve);
  ~ScriptedPeer();

  const Target& target() const { return target_; }
  int accepted() const { return accepted_; }

 private:
  ScriptedPeer(env::UniqueFd listener, Target target, Serve serve, tls::Context context);
  void run();

  env::UniqueFd listener_;
  env::UniqueFd stop_;
  Target target_;
  Serve serve_;
  tls::Context context_;  // none = plain
  std::atomic<int> accepted_ = 0;
  std::thread thread_;
};

}  // namespace dsl::http::test
