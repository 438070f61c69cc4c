#include "dsl/tls/ticket_keys.h"

#include <algorithm>
#include <span>

#include "dsl/secret/secret.h"

namespace dsl::tls {

TicketKeys::Key::~Key() {
  wipe(std::as_writable_bytes(std::span(cipher)));
  wipe(std::as_writable_bytes(std::span(mac)));
}

TicketKeys::TicketKeys(env::Env& env)
    : env_(env), current_(make()), made_(env.clock().mono_now()) {}

TicketKeys::Key TicketKeys::make() {
  Key key;
  env_.random().fill(std::as_writable_bytes(std::span(key.name)));
  env_.random().fill(std::as_writable_bytes(std::span(key.cipher)));
  env_.random().fill(std::as_writable_bytes(std::span(key.mac)));
  return key;
}

void TicketKeys::turn() {
  const env::MonoTime now = env_.clock().mono_now();
  if (now - made_ < kPeriod) {
    return;
  }
  const bool idle = now - made_ >= 2 * kPeriod;  // even as the older key its time is over
  previous_ = idle ? std::nullopt : std::optional(current_);
  current_ = make();
  made_ = idle ? now : made_ + kPeriod;
}

TicketKeys::Key TicketKeys::sealer() {
  const std::lock_guard lock(mutex_);
  turn();
  return current_;
}

std::optional<TicketKeys::Key> TicketKeys::opener(const unsigned char* name) {
  const std::lock_guard lock(mutex_);
  turn();
  if (std::equal(current_.name.begin(), current_.name.end(), name)) {
    return current_;
  }
  if (previous_ && std::equal(previous_->name.begin(), previous_->name.end(), name)) {
    return previous_;
  }
  return std::nullopt;
}

}  // namespace dsl::tls
