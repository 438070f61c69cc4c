#include "mcp/agent/locks.h"

#include <utility>

#include "mcp/model/catalogue.h"
#include "mcp/model/codes.h"

namespace mcp::agent {

using dsl::Code;
using dsl::fail;
using dsl::Result;

ServiceLocks::Hold::Hold(Hold&& other) noexcept
    : locks_(std::exchange(other.locks_, nullptr)), key_(std::move(other.key_)) {}

ServiceLocks::Hold& ServiceLocks::Hold::operator=(Hold&& other) noexcept {
  std::swap(locks_, other.locks_);
  std::swap(key_, other.key_);
  return *this;
}

ServiceLocks::Hold::~Hold() {
  if (locks_ != nullptr) {
    locks_->release(key_);
  }
}

Result<ServiceLocks::Hold> ServiceLocks::acquire(const std::string& service,
                                                 const std::string& holder,
                                                 std::chrono::milliseconds wait) {
  std::unique_lock lock(mutex_);
  const auto deadline = env_.clock().mono_now() + wait;
  while (!stopping_ && holders_.contains(service)) {
    if (!env_.clock().wait_until(changed_, lock, deadline) && holders_.contains(service)) {
      return fail(Code::kConflict, "{} holds {}", holders_[service],
                  service.empty() ? "this node" : "service " + service)
          .id(model::code::kServiceBusy)
          .hint("wait for it, or pass a longer --timeout");
    }
  }
  if (stopping_) {
    return fail(Code::kUnavailable, "the agent is stopping").hint("try again when it is back");
  }
  holders_[service] = holder;
  return Hold(this, service);
}

bool ServiceLocks::held(const std::string& service) {
  const std::lock_guard lock(mutex_);
  return holders_.contains(service);
}

void ServiceLocks::stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  changed_.notify_all();
}

void ServiceLocks::release(const std::string& key) {
  const std::lock_guard lock(mutex_);
  holders_.erase(key);
  changed_.notify_all();
}

}  // namespace mcp::agent
