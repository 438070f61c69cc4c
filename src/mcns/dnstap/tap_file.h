// A file of dnstap messages. Private to mcns::dnstap.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "dsl/env/env.h"
#include "mcns/dnstap/output.h"

namespace mcns::dnstap {

// A stream ends with its STOP, and readers with it, so nothing is ever appended to one: what lies
// at the path when it begins is renamed to PATH.<time>. A file that somebody has moved away
// (logrotate, with `create` or without) is ended and followed by a new one. A file that another
// process has begun there meanwhile, the heir of this one, is left alone.
class TapFile final : public TapOutput {
 public:
  // `env` outlives it.
  TapFile(dsl::env::Env& env, std::string path) : env_(env), path_(std::move(path)) {}

  bool ready() override;
  dsl::Result<std::size_t> write(std::string_view frames) override;
  void finish() override;

 private:
  static constexpr std::uint32_t kMode = 0640;  // who asks for what is nobody else's business
  static constexpr std::chrono::milliseconds kLook{1000};  // between looks at the path, or tries

  dsl::Result<void> begin();
  dsl::Result<bool> was_moved();
  dsl::Result<void> append(std::string_view octets);
  void note(const dsl::Result<void>& done);

  dsl::env::Env& env_;
  const std::string path_;
  std::unique_ptr<dsl::env::File> file_;
  std::uint64_t size_ = 0;  // of what is whole
  dsl::env::MonoTime look_at_ = dsl::env::MonoTime::min();
  bool has_failed_ = false;
};

}  // namespace mcns::dnstap
