// fork and exec, with everything that may allocate or lock done before the fork.
#pragma once

#include <sys/types.h>

#include "dsl/env/process.h"
#include "dsl/env/unique_fd.h"

namespace dsl::env {

struct Pipe {
  UniqueFd read_end;
  UniqueFd write_end;
};

// Both ends close on exec and are above the numbers of stdin, stdout and stderr.
Result<Pipe> make_pipe();

// A running child: `pid` names it, `handle` (a pidfd) becomes readable when it ends.
struct Child {
  pid_t pid = -1;
  UniqueFd handle;
};

// How a child hangs together with us.
enum class Bond {
  kOwnGroup,  // process group of its own, killed when the calling thread ends
  kLoose,     // only `Command::new_session` decides
};

// The descriptors become 0, 1 and 2 of the child; they must be above 2. Returns once the child runs
// the program, or why it could not.
Result<Child> launch(const Command& command, int in, int out, int err, Bond bond);

// Exit code once the child has ended (reaps it), 128 + n when ended by signal n.
std::optional<int> reap(const Child& child, bool block);

}  // namespace dsl::env
