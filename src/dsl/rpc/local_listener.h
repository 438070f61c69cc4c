// The unix socket of a service: accepts by itself, knows each peer by the kernel's word.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>

#include "dsl/env/unique_fd.h"
#include "dsl/result/result.h"
#include "dsl/rpc/call.h"
#include "dsl/rpc/fd_numbers.h"

namespace dsl::rpc {

// Why a descriptor's number is an identity here
//
// gRPC tells a handler of such a connection nothing but "fd:N", the number it was handed. N is
// recorded with the peer's credentials before gRPC gets it, and may only be recorded anew once no
// call of the old connection can still ask. Two facts make it so:
//   1. gRPC closes N when it frees the transport, and each call holds its transport until the call
//      is destroyed. So N stays open, and the kernel cannot give it out again, while any call of
//      the connection lives, even one whose client is long gone. The test
//      LocalSocket.DescriptorOutlivesTheConnectionWhileACallRuns watches for a gRPC that differs.
//   2. Numbers go upward and around (FdNumbers), so even without the first fact a number would
//      rest for a whole round before it names another peer.
// Numbers of the range that other code opens do no harm: only gRPC utters "fd:N", and only for
// connections handed over here.
//
// Thread-safe. Destroying it ends the accepting thread and removes the socket file; connections
// already handed over live on.
class LocalListener {
 public:
  // Gets each accepted connection and owns it from then on. Called on the accepting thread.
  using Accepted = std::function<void(int fd)>;

  // Binds `path` with mode 0660. A socket file that nobody serves is replaced; kConflict when
  // somebody does.
  static Result<std::unique_ptr<LocalListener>> open(const std::string& path,
                                                     const std::string& group, FdNumbers numbers);
  ~LocalListener();
  LocalListener(const LocalListener&) = delete;
  LocalListener& operator=(const LocalListener&) = delete;

  // Starts accepting; once.
  void start(Accepted accepted);
  // Ends accepting and removes the file. Safe to call twice.
  void stop();

  // The peer that gRPC names so ("fd:700"); nothing for any other name.
  std::optional<Peer> find(std::string_view grpc_peer) const;

 private:
  LocalListener(std::string path, env::UniqueFd socket, env::UniqueFd wake, FdNumbers numbers);
  void run(const Accepted& accepted);
  bool accept_one(const Accepted& accepted);  // false: wait a little before the next

  const std::string path_;
  env::UniqueFd socket_;
  env::UniqueFd wake_;  // eventfd
  FdNumbers numbers_;   // of the accepting thread
  std::thread thread_;
  mutable std::mutex mutex_;
  std::unordered_map<int, Peer> peers_;  // guarded by mutex_; at most one entry for each number
};

}  // namespace dsl::rpc
