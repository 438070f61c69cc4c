#include "mcp/cli/ssh_server.h"

#include <csignal>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/result_matchers.h"

namespace mcp::cli::test {

using dsl::text;
using dsl::env::UniqueFd;
using dsl::test::require_ok;

namespace {

constexpr const char* kSshd = "/usr/sbin/sshd";
constexpr const char* kPrivilegeSeparation = "/run/sshd";  // root's sshd wants it to be there
constexpr std::chrono::milliseconds kPatience{30'000};

void make_key(const std::string& path) {
  dsl::env::Command command;
  command.argv = {"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path};
  require_ok(dsl::env::system_env().processes().run(command, kPatience));
}

void make_executable(const std::string& path) {
  require_ok(dsl::env::system_env().files().set_mode(path, 0755));
}

}  // namespace

std::string SshServer::unavailable() {
  if (::access(kSshd, X_OK) != 0) {
    return "openssh-server is not installed";
  }
  if (::geteuid() == 0 && ::mkdir(kPrivilegeSeparation, 0755) != 0 && errno != EEXIST) {
    return text("{} cannot be made", kPrivilegeSeparation);
  }
  return "";
}

SshServer::SshServer() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  void* raw = &address;
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(listener_.get(), static_cast<sockaddr*>(raw), size), 0);
  EXPECT_EQ(::listen(listener_.get(), 8), 0);
  EXPECT_EQ(::getsockname(listener_.get(), static_cast<sockaddr*>(raw), &size), 0);

  for (const char* folder : {"client", "node"}) {
    require_ok(dsl::env::system_env().files().make_directories(dir_.file(folder), 0755));
  }
  make_key(dir_.file("host_key"));
  make_key(dir_.file("user_key"));
  dir_.write("sshd_config",
             text("HostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nUsePAM no\n"
                  "PasswordAuthentication no\nKbdInteractiveAuthentication no\n"
                  "PermitRootLogin prohibit-password\nPidFile none\nLogLevel ERROR\n"
                  "SetEnv PATH={}:/usr/bin:/bin\n",
                  dir_.file("host_key"), dir_.file("user_key.pub"), dir_.file("node")));
  dir_.write("known_hosts", "rift " + dir_.read("host_key.pub"));
  dir_.write("ssh_config",
             text("Host rift\n  HostName 127.0.0.1\n  HostKeyAlias rift\n  Port {}\n  User {}\n"
                  "  IdentityFile {}\n  IdentitiesOnly yes\n  UserKnownHostsFile {}\n"
                  "  BatchMode yes\n",
                  ntohs(address.sin_port), ::getpwuid(::geteuid())->pw_name, dir_.file("user_key"),
                  dir_.file("known_hosts")));
  // ssh takes the home of the account and not $HOME, so its configuration has to be told.
  dir_.write("client/ssh",
             text("#!/bin/sh\nexec /usr/bin/ssh -F {} \"$@\"\n", dir_.file("ssh_config")));
  make_executable(dir_.file("client/ssh"));
  thread_ = std::thread([this] { accept_all(); });
}

SshServer::~SshServer() { stop(); }

void SshServer::install(const std::string& name, const std::string& script) const {
  dir_.write("node/" + name, script);
  make_executable(dir_.file("node/" + name));
}

void SshServer::stop() {
  if (thread_.joinable()) {
    (void)::shutdown(listener_.get(), SHUT_RDWR);  // wakes accept
    thread_.join();
    listener_.reset();
  }
  for (const auto& session : sessions_) {
    session->signal(SIGTERM);
    (void)session->wait(kPatience);  // reaped is all that matters
  }
  sessions_.clear();
}

void SshServer::accept_all() {
  while (true) {
    const UniqueFd peer(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!peer) {
      return;
    }
    dsl::env::Command command;
    command.argv = {kSshd, "-i", "-f", dir_.file("sshd_config")};
    command.stdio_fd = peer.get();
    sessions_.push_back(require_ok(dsl::env::system_env().processes().start(command)));
  }
}

}  // namespace mcp::cli::test
