#include "mcp/runtime/event_filter.h"

namespace mcp::runtime {

namespace {

// More than the half of a file that comes again: 500 kB of events of at least 200 bytes.
constexpr std::size_t kSeenMax = 4096;

}  // namespace

bool EventFilter::is_new(const RuntimeEvent& event) {
  if (event.time < began_) {
    return false;
  }
  Key key(event.time_ns, event.id, event.action);
  if (!seen_.insert(key).second) {
    return false;
  }
  order_.push_back(std::move(key));
  if (order_.size() > kSeenMax) {
    seen_.erase(order_.front());
    order_.pop_front();
  }
  return true;
}

}  // namespace mcp::runtime
