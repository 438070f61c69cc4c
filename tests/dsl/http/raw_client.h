// A client that sends exactly the bytes of a test.
#pragma once

#include <string>
#include <string_view>

#include "dsl/env/unique_fd.h"

namespace dsl::http::test {

// Blocking; gives up after ten seconds, and then returns what came. Plain TCP.
class RawClient {
 public:
  explicit RawClient(const std::string& address);

  // False when the peer has closed.
  bool send(std::string_view bytes);
  // Says that nothing more comes.
  void end();
  // One answer with its body (Content-Length, chunked, or none for 1xx, 204 and 304).
  std::string response(bool head_request = false);
  // All until the peer closes. `closed` tells whether it did.
  std::string rest();
  bool closed() const { return closed_; }
  // Reads until `words` have come; all that came until then.
  std::string until(std::string_view words);
  // Closes at once, with a reset when `reset`.
  void drop(bool reset = false);
  // As small as the kernel allows, so that the peer soon feels that nobody reads.
  void shrink_window();

 private:
  bool more();

  env::UniqueFd fd_;
  std::string buffer_;
  bool closed_ = false;
};

}  // namespace dsl::http::test
