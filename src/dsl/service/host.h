// What a running service may ask of the process around it.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include <sys/types.h>

#include "dsl/env/process.h"
#include "dsl/result/result.h"

namespace dsl::service {

// Of the thread that calls the service, apart from `post`. Alive as long as the service is.
class Host {
 public:
  virtual ~Host() = default;

  // This run ends as soon as it is ready (--once): a trial, which is to take nobody's place.
  virtual bool ends_once_ready() const = 0;

  // Runs `work` on the thread that calls the service, soon; dropped when the process stops before.
  // From any thread.
  virtual void post(std::function<void()> work) = 0;

  // Starts the program that lies now where ours was started from, with our arguments (apart from
  // --ready-fd, which was for one reader), environment, folder and outputs, and with what it needs
  // to speak to systemd in our place. kFailedPrecondition where the end of this process would end
  // the container, and with it the successor.
  virtual Result<std::unique_ptr<env::Process>> start_successor() = 0;

  // systemd is told that something is under way, and what came of it: `keeps_serving`, or
  // `succeeded_by` another process, which is the service's main process from then on. Then this one
  // stops, with a few seconds for what it has begun, and says no more.
  virtual void changing() = 0;
  virtual void still_alive() = 0;  // while it takes long; a watchdog may be watching
  virtual void keeps_serving(std::string_view status) = 0;
  virtual void succeeded_by(pid_t pid) = 0;
};

}  // namespace dsl::service
