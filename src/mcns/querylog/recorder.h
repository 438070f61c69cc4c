// What is written of questions: the query log and dnstap, and the thread that writes them.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "dsl/env/env.h"
#include "mcns/dnstap/tap.h"
#include "mcns/events/query_events.h"
#include "mcns/querylog/query_log.h"

namespace mcns::querylog {

struct RecorderOptions {
  LogMode mode = LogMode::kOff;
  double share = 0.01;        // of the answers, for kSample
  std::string path;           // of the log
  bool anonymize = false;     // client addresses, in both
  dnstap::TapOptions dnstap;  // its place empty: none
  bool tap_waits = false;     // for `begin_tap`
};

// Nothing that fails here keeps a name from being answered: it is logged, counted and tried again.
// Thread-safe.
class Recorder {
 public:
  // Null when nothing is to be written. `env` and `events` outlive it.
  static std::unique_ptr<Recorder> start(dsl::env::Env& env, QueryEvents& events,
                                         const RecorderOptions& options);
  // Writes what has come, and tells the reader of the tap that nothing more will.
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  // What waits for the tap may go there: until then a file of that name is somebody else's. Without
  // this call nothing of it is ever written.
  void begin_tap();

  // Events that came here and were not written, of all times.
  std::uint64_t lost_lines() const { return log_ ? log_->lost() : 0; }
  std::uint64_t lost_frames() const { return tap_ ? tap_->lost() : 0; }

 private:
  Recorder(dsl::env::Env& env, QueryEvents& events, const RecorderOptions& options);
  void run();

  dsl::env::Clock& clock_;
  QueryEvents& events_;
  std::unique_ptr<QueryLog> log_;     // may be absent
  std::unique_ptr<dnstap::Tap> tap_;  // may be absent
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;  // guarded by mutex_, like the next
  bool tap_waits_;
  std::thread thread_;  // last: uses all of the above
};

}  // namespace mcns::querylog
