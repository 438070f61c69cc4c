// A server with a few routes of every kind, as the tests need them.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "dsl/http/server.h"
#include "dsl/http/test_credentials.h"
#include "support/temp_dir.h"
#include "support/test_env.h"

namespace dsl::http::test {

// Something that a handler waits for and a test does, or the other way round.
class Gate {
 public:
  void open();
  bool wait();  // false after ten seconds
 private:
  std::mutex mutex_;
  std::condition_variable opened_;
  bool open_ = false;
};

// Routes:
//   GET  /hello               "hello"
//   GET  /items/{id}          "item ID"
//   POST /echo                the body; body_max 100,000
//   POST /count               streams: the number of body bytes; body_max 64 MiB
//   GET  /big/{bytes}         so many bytes, whole
//   GET  /stream/{pieces}     streams: pieces of 10,000 bytes
//   GET  /sized               a stream with a Content-Length of 6
//   GET  /short               the same, one byte short
//   GET  /wait                opens `arrived`, waits for `go`, answers "waited"
//   GET  /ticks               streams: "tick" until cancelled or stopping, then opens `ended`
//   GET  /slow                route timeout of 100 ms: waits for `go`
//   GET  /secret              for users: the authorization header must be "Bearer good"
//   GET  /peer, /throw, /nothing, /split (a header with a line break)
class SampleServer {
 public:
  struct Options {
    bool tls = false;
    ServerOptions server;  // listeners and callbacks are filled in
  };
  SampleServer() : SampleServer(Options()) {}
  explicit SampleServer(Options options);
  ~SampleServer();

  std::string address() const { return server_->addresses().at(0); }
  std::string url(const std::string& path) const;
  Server& server() { return *server_; }
  TestCredentials& credentials() { return credentials_; }
  std::string ca_file() const { return dir_.file("ca.pem"); }
  const dsl::test::TempDir& dir() const { return dir_; }

  // What `curl ARGUMENTS URL` prints; with TLS it trusts our certificate.
  std::string curl(std::vector<std::string> arguments, const std::string& path) const;
  // Status and size of the answer, as curl counts it.
  std::string size_of(const std::string& path) const {
    return curl({"-o", "/dev/null", "-w", "%{http_code} %{size_download}"}, path);
  }
  // "GET /hello 200 http/1.1" for each request that was answered, in order; waits for `count`.
  std::vector<std::string> done(std::size_t count);

  Gate arrived, go, ended;
  std::atomic<std::uint64_t> pieces_written = 0;

 private:
  dsl::test::TempDir dir_;
  dsl::test::TestEnv env_;
  TestCredentials credentials_{dir_};
  bool tls_;
  std::mutex mutex_;
  std::condition_variable more_;
  std::vector<std::string> done_;  // guarded by mutex_
  std::unique_ptr<Server> server_;
};

}  // namespace dsl::http::test
