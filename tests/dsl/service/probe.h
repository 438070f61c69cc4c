// service_probe as a child: its environment, its standard output and error, its listeners.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <sys/types.h>

#include "dsl/env/unique_fd.h"

namespace dsl::service::test {

// Ended and reaped by its destructor.
class Probe {
 public:
  explicit Probe(std::vector<std::string> arguments,
                 const std::map<std::string, std::string>& environment = {});
  ~Probe();
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;

  pid_t pid() const { return pid_; }
  void signal(int number) const;
  // The next line of its output; "<end>" when there is none, or after 20 s.
  std::string line();
  // All that it wrote to --ready-fd 3, up to the end of the file.
  std::string ready();
  // Exit code, 128 + n for signal n.
  int wait();
  // What it wrote to stderr; after `wait`.
  const std::string& errors() const { return errors_; }

 private:
  env::UniqueFd out_;
  env::UniqueFd err_;
  env::UniqueFd ready_;
  std::string buffer_;
  std::string errors_;
  pid_t pid_ = -1;
};

}  // namespace dsl::service::test
