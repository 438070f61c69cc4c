#include "mcns/cli/live_service.h"

#include <algorithm>

#include <gtest/gtest.h>
#include <unistd.h>

#include "mcns/cli/commands.h"
#include "support/test_ca.h"

namespace mcns::cli::test {

using dsl::test::require_ok;

namespace {

Ran run_words(const std::vector<std::string>& words) {
  dsl::cli::Globals globals;
  Context context(dsl::env::system_env(), globals);
  dsl::cli::App app;
  app.name = "mcns";
  app.summary = "the name service";
  app.options = options(context);
  app.commands = commands(context);
  app.complete = [&](std::string_view source) { return live_names(context, source); };
  std::vector<const char*> argv = {"mcns"};
  for (const std::string& word : words) {
    argv.push_back(word.c_str());
  }
  Ran ran;
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  ran.exit_code = dsl::cli::run(app, globals, static_cast<int>(argv.size()), argv.data());
  ran.out = testing::internal::GetCapturedStdout();
  ran.err = testing::internal::GetCapturedStderr();
  return ran;
}

// A port that is free for UDP may be another program's for TCP: then the next one.
std::vector<net::DnsSocket> any_sockets() {
  constexpr int kTries = 20;
  for (int i = 0; i < kTries; ++i) {
    if (auto sockets = net::bind_sockets({"127.0.0.1:0"}, 1)) {
      return std::move(*sockets);
    }
  }
  return require_ok(net::bind_sockets({"127.0.0.1:0"}, 1));
}

}  // namespace

LiveService::LiveService() {
  dns_ = require_ok(net::Server::start({}, service.services().resolver, any_sockets()));
  listeners_ = dns_->listeners();
  service.services().hooks.dns_listeners = [this] { return listeners_; };
  dsl::rpc::ApiOptions options;
  options.authenticate = api::authenticator(::geteuid(), "", service.services().tokens);
  options.policy = api::policy(service.services());
  auto api = require_ok(dsl::rpc::Api::create(service.env(), service.table(), std::move(options)));
  const dsl::test::TestCa ca;
  const dsl::test::IssuedPair pair = ca.issue({.names = {"127.0.0.1"}});
  folder_.write("ca.pem", ca.pem());
  credentials_ = require_ok(dsl::tls::ServerCredentials::open(
      dsl::env::system_env(), {.pairs = {{folder_.write("cert.pem", pair.cert_pem),
                                          folder_.write("key.pem", pair.key_pem)}},
                               .alpn = {"h2"}}));
  server_ = require_ok(dsl::rpc::Server::start(service.env(), std::move(api),
                                               {.local_socket = folder_.file("admin.sock"),
                                                .tls = {"127.0.0.1:0"},
                                                .credentials = credentials_}));
}

LiveService::~LiveService() {
  service.services().stopping = true;
  server_->stop(std::chrono::milliseconds(1000));
}

Ran LiveService::run(std::vector<std::string> words) const {
  words.insert(words.end(), {"--socket", folder_.file("admin.sock"), "--no-color"});
  return run_words(words);
}

std::vector<std::string> LiveService::remote(const std::string& token_file) const {
  return {"--server",     server_->tls_addresses().front(),
          "--ca-cert",    folder_.file("ca.pem"),
          "--token-file", token_file,
          "--no-color"};
}

Ran LiveService::run_as(const std::string& account, dsl::auth::Role role,
                        std::vector<std::string> words) {
  const std::string file = folder_.file("token-" + account);
  if (!require_ok(dsl::env::system_env().files().exists(file))) {
    const std::string token = require_ok(service.services().tokens->add(account, role));
    require_ok(dsl::env::system_env().files().write_file(file, token + "\n", 0600));
  }
  for (std::string& word : remote(file)) {
    words.push_back(std::move(word));
  }
  return run_words(words);
}

std::vector<std::string> LiveService::complete(const std::string& source) const {
  dsl::cli::Globals globals;
  Context context(dsl::env::system_env(), globals);
  context.route.socket = folder_.file("admin.sock");
  return live_names(context, source);
}

std::string LiveService::dns_address() const {
  const std::string& listener = listeners_.front();
  return listener.substr(listener.find(' ') + 1);
}

Ran run_alone(std::vector<std::string> words) {
  if (std::find(words.begin(), words.end(), "--server") != words.end()) {
    return run_words(words);
  }
  words.insert(words.end(), {"--socket", "/nowhere/admin.sock", "--no-color"});
  return run_words(words);
}

}  // namespace mcns::cli::test
