// A name service with its sockets, and its commands run against it as a user would.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dsl/rpc/server.h"
#include "dsl/tls/tls.h"
#include "mcns/api/test_service.h"
#include "mcns/net/server.h"

namespace mcns::cli::test {

struct Ran {
  int exit_code = 0;
  std::string out;
  std::string err;
};

class LiveService {
 public:
  LiveService();
  ~LiveService();

  // `mcns WORD...` on this machine, as root.
  Ran run(std::vector<std::string> words) const;
  // The same from another machine, over TLS, with a token of this account and role.
  Ran run_as(const std::string& account, dsl::auth::Role role, std::vector<std::string> words);
  // The words that such a run needs beside its own.
  std::vector<std::string> remote(const std::string& token_file) const;
  // Names that the shell would offer.
  std::vector<std::string> complete(const std::string& source) const;

  api::test::TestService service;
  std::string dns_address() const;  // "127.0.0.1:40123"
  // Its addresses stay known, and nobody listens there any more.
  void stop_dns() { dns_.reset(); }
  const dsl::test::TempDir& folder() const { return folder_; }

 private:
  dsl::test::TempDir folder_;
  std::unique_ptr<net::Server> dns_;
  std::vector<std::string> listeners_;
  std::shared_ptr<dsl::tls::ServerCredentials> credentials_;
  std::unique_ptr<dsl::rpc::Server> server_;
};

// The same without any service: what a command says when nobody is there.
Ran run_alone(std::vector<std::string> words);

}  // namespace mcns::cli::test
