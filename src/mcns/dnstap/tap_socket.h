// A tap's reader on a unix socket. Private to mcns::dnstap.
#pragma once

#include <chrono>
#include <string>

#include "dsl/env/clock.h"
#include "dsl/env/unique_fd.h"
#include "mcns/dnstap/output.h"

namespace mcns::dnstap {

class TapSocket final : public TapOutput {
 public:
  // `clock` outlives it.
  TapSocket(dsl::env::Clock& clock, std::string path) : clock_(clock), path_(std::move(path)) {}

  bool ready() override;
  dsl::Result<std::size_t> write(std::string_view frames) override;
  void finish() override;

 private:
  enum class State { kClosed, kGreeted, kOpen };
  static constexpr std::chrono::milliseconds kBackoffFirst{500};
  static constexpr std::chrono::milliseconds kBackoffMax{30000};
  static constexpr std::chrono::milliseconds kPatience{5000};  // for the answer to READY
  static constexpr std::chrono::milliseconds kFarewell{1000};  // for the answer to STOP

  dsl::Result<void> connect();
  // Moves what the reader said into `in_`. kUnavailable when it is gone.
  dsl::Result<void> hear();
  dsl::Result<bool> is_accepted();
  dsl::Result<void> send_whole(const std::string& frame);
  void failed(const dsl::Error& error);

  dsl::env::Clock& clock_;
  const std::string path_;
  State state_ = State::kClosed;
  dsl::env::UniqueFd fd_;
  std::string in_;  // of a control frame that is not whole
  dsl::env::MonoTime greeted_at_{};
  dsl::env::MonoTime retry_at_ = dsl::env::MonoTime::min();
  std::chrono::milliseconds backoff_ = kBackoffFirst;
  bool has_failed_ = false;
};

}  // namespace mcns::dnstap
