// Keeps the archives of the first tiers' images current, in the background: so that the node boots
// from a wiped store while the image registry is one of the services that are down.
#pragma once

#include <atomic>
#include <string>

#include "dsl/thread/worker_pool.h"
#include "mcp/agent/events.h"
#include "mcp/agent/images.h"

namespace mcp::agent {

// Thread-safe. Failures are events of severity warn, and nothing more.
class ImageSaver {
 public:
  ImageSaver(dsl::env::Env& env, const Config& config, Registry& registry, Images& images,
             EventLog& events)
      : env_(env), config_(config), registry_(registry), images_(images), events_(events) {}
  ~ImageSaver() { stop(); }

  // A deploy of the service has ended well.
  void deployed(const std::string& service);
  // At the agent's start: what a former agent did not come to.
  void catch_up();
  // Ends a save that is under way, and leaves nothing of it.
  void stop();

 private:
  bool is_kept(const std::string& tier) const;
  void save_images_of(const std::string& service);

  dsl::env::Env& env_;
  const Config& config_;
  Registry& registry_;
  Images& images_;
  EventLog& events_;
  std::atomic<bool> stopping_ = false;
  dsl::WorkerPool worker_{"image-saver", {.threads_max = 1, .queue_max = 1024}};
};

}  // namespace mcp::agent
