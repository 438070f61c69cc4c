#include <array>
#include <csignal>
#include <mutex>

#include <unistd.h>

#include "mcp/cli/route.h"
#include "mcp/cli/ssh_process.h"
#include "mcp/model/codes.h"

namespace mcp::cli {

using dsl::Code;
using dsl::Error;
using dsl::fail;
using dsl::text;
using dsl::env::UniqueFd;
using std::chrono::milliseconds;

namespace {

// ssh has ended the connection, so it ends too; a little later, as it waits for the remote side.
constexpr milliseconds kEndPatience{2000};
constexpr milliseconds kQuitPatience{500};
constexpr std::size_t kWordsMax = 8u << 10;  // of ssh's stderr; the rest is not looked at

constexpr int kNoSuchCommand = 127;  // of the remote shell

std::string trimmed(std::string words) {
  words.erase(words.find_last_not_of(" \r\n") + 1);
  return words;
}

// `ssh NODE mcp-agent stdio`, and gRPC through its standard input and output. Its prompts go to the
// terminal, past us; what it says on stderr goes into our errors.
class SshRoute final : public Route {
 public:
  SshRoute(NodeSettings node, SshProcess ssh)
      : node_(std::move(node)),
        ssh_(std::move(ssh.process)),
        words_(std::move(ssh.words)),
        channel_(dsl::rpc::Channel::open_fd(ssh.bytes.release(), "ssh " + node_.ssh)) {}

  ~SshRoute() override {
    channel_.reset();  // ssh sees the end of its input, and ends
    if (!ssh_->wait(kQuitPatience)) {
      ssh_->signal(SIGTERM);
      (void)ssh_->wait(kEndPatience);  // what it does after that harms nobody
    }
  }

  dsl::rpc::Channel& channel() override { return *channel_; }

  Error explained(Error error) override {
    const bool from_agent = !error.id().empty() || !error.hint().empty();
    if (error.code() != Code::kUnavailable || from_agent) {
      return error;
    }
    const std::lock_guard lock(mutex_);
    const Result<int> ended = ssh_->wait(kEndPatience);
    read_words();
    const std::string words = trimmed(said_);
    if (!ended) {
      return about("the connection to node {} by `ssh {}` does not carry", words)
          .hint("try it by hand: `ssh " + node_.ssh + " mcp-agent status`");
    }
    return by_exit_code(*ended, words);
  }

 private:
  // `sentence` has the node's name and its ssh destination.
  dsl::Failure about(const char* sentence, const std::string& words,
                     Code code = Code::kUnavailable) const {
    return fail(code, "{}{}", text(sentence, node_.name, node_.ssh),
                words.empty() ? std::string() : ": " + words)
        .id(code == Code::kPermissionDenied ? mcp::model::code::kNotAllowed
                                            : mcp::model::code::kAgentUnreachable);
  }

  Error by_exit_code(int code, const std::string& words) const {
    if (code == kSshFailed) {
      return about("cannot reach node {} by `ssh {}`", words)
          .hint("is it up, and does `ssh " + node_.ssh + " true` work? [[nodes]] ssh names it");
    }
    if (code == kNoSuchCommand) {
      return about("node {} has no mcp-agent in the PATH of `ssh {}`", words)
          .hint(
              text("link it there: `ssh {} ln -s /srv/mcp/mcp-agent /usr/local/bin/`", node_.ssh));
    }
    if (code == dsl::kExitDenied) {
      return about("you may not use the agent of node {} as `ssh {}`", words,
                   Code::kPermissionDenied)
          .hint("sign in there as root, as the agent's user, or as a member of mcp-admin");
    }
    if (code == dsl::kExitUsage) {
      return about("the mcp-agent of node {} (`ssh {}`) cannot let us in", words)
          .hint("it may be older than this program: `ssh " + node_.ssh + " mcp-agent version`");
    }
    return about("the agent of node {} does not answer behind `ssh {}`", words)
        .hint("`ssh " + node_.ssh + " mcp-agent doctor` checks the node without it");
  }

  void read_words() {
    std::array<char, 1024> bytes;
    ssize_t size = 0;
    while (said_.size() < kWordsMax &&
           (size = ::read(words_.get(), bytes.data(), bytes.size())) > 0) {
      said_.append(bytes.data(), static_cast<std::size_t>(size));
    }
  }

  const NodeSettings node_;
  std::mutex mutex_;
  const std::unique_ptr<dsl::env::Process> ssh_;
  const UniqueFd words_;  // the end of ssh's stderr that is read
  std::string said_;      // guarded by mutex_
  std::unique_ptr<dsl::rpc::Channel> channel_;
};

}  // namespace

Result<std::unique_ptr<Route>> ssh_route(dsl::env::Env& env, const NodeSettings& node) {
  // Ctrl-C is for the command, which still has to say so.
  MC_ASSIGN(SshProcess ssh,
            start_ssh(env, node, {.words = {"mcp-agent", "stdio"}, .ignore_interrupts = true}));
  return std::make_unique<SshRoute>(node, std::move(ssh));
}

}  // namespace mcp::cli
