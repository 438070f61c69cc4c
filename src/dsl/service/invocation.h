// How this process was started, so that it can be started again.
#pragma once

#include <string>
#include <vector>

#include "dsl/env/env.h"

namespace dsl::service {

// A value.
struct Invocation {
  std::vector<std::string> argv;  // argv[0] is the absolute path by which the program was executed
  // The end of this process ends a container: its process 1 is our own, or another that waits for
  // nobody but us.
  bool carries_container = false;

  // Of this process. The path is the one that was executed, not the file that was behind it then:
  // where a link or a name has a new file since, that is what runs next. To be called before the
  // process changes its folder; `has_init`: process 1 is ours (run_as_init).
  static Invocation current(env::Env& env, bool has_init);
};

// Without `--ready-fd N`: the number means something else in another process.
std::vector<std::string> successor_arguments(const std::vector<std::string>& argv);

}  // namespace dsl::service
