// The life of a server process, seen from outside.
#include "dsl/service/service.h"

#include <csignal>
#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "dsl/service/probe.h"
#include "support/temp_dir.h"

namespace dsl::service::test {
namespace {

using dsl::test::TempDir;
using testing::AllOf;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;
using testing::StartsWith;

constexpr char kServing[] = "READY=1\nSTATUS=serving";

// What systemd is to a service.
class NotifySocket {
 public:
  // `name` is a path, or "@..." in the abstract namespace.
  explicit NotifySocket(const std::string& name)
      : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name.front() == '@') {
      address.sun_path[0] = '\0';
    }
    const void* raw = &address;
    EXPECT_EQ(::bind(socket_.get(), static_cast<const sockaddr*>(raw),
                     static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size())),
              0);
  }
  // The next message; "<none>" after 20 s.
  std::string next() const {
    pollfd wait{socket_.get(), POLLIN, 0};
    char bytes[512];
    if (::poll(&wait, 1, 20000) != 1) {
      return "<none>";
    }
    const ssize_t size = ::recv(socket_.get(), bytes, sizeof bytes, 0);
    return std::string(bytes, static_cast<std::size_t>(size));
  }

 private:
  env::UniqueFd socket_;
};

class ServiceProcess : public testing::Test {
 protected:
  std::vector<std::string> server(std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments{"server", "--config", config_};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

  TempDir dir_;
  const std::string config_ = dir_.write("probe.toml", "[probe]\nword = \"hi\"\n");
};

TEST_F(ServiceProcess, AWrongConfigurationEndsItBeforeItStarts) {
  dir_.write("probe.toml", "[probe]\nwrod = \"hi\"\n");
  Probe probe(server());

  EXPECT_EQ(probe.line(), "<end>");
  EXPECT_EQ(probe.wait(), kExitUsage);
  EXPECT_THAT(probe.errors(), AllOf(HasSubstr("probe.toml:2:1"), HasSubstr("word")));
}

TEST_F(ServiceProcess, AMissingFileThatWasAskedForIsAUsageError) {
  Probe probe({"server", "--config", dir_.file("nowhere.toml")});

  EXPECT_EQ(probe.wait(), kExitUsage);
  EXPECT_THAT(probe.errors(), HasSubstr("nowhere.toml"));
}

TEST_F(ServiceProcess, AnUnknownLogLevelOfAComponentIsAUsageError) {
  dir_.write("probe.toml", "[log.components]\nrpc = \"loud\"\n");
  Probe probe(server());

  EXPECT_EQ(probe.wait(), kExitUsage);
  EXPECT_THAT(probe.errors(), HasSubstr("log.components.rpc"));
}

TEST_F(ServiceProcess, AServiceThatCannotStartEndsWithTheCodeOfItsError) {
  Probe probe(server({"--set", "probe.mode=fail", "--ready-fd", "3"}));

  EXPECT_EQ(probe.ready(), "");
  EXPECT_EQ(probe.wait(), kExitConflict);
  EXPECT_THAT(probe.errors(), AllOf(HasSubstr("the port is taken"), HasSubstr("choose another")));
}

TEST_F(ServiceProcess, ACrashPrintsBuildAndStack) {
  Probe probe(server({"--set", "probe.mode=crash"}));

  EXPECT_EQ(probe.wait(), 128 + SIGABRT);
  EXPECT_THAT(probe.errors(), AllOf(HasSubstr("probe "), HasSubstr("(commit "),
                                    HasSubstr("crashed: Aborted\n"), HasSubstr("service_probe(")));
}

TEST_F(ServiceProcess, TheSecondSignalEndsItAtOnce) {
  Probe probe(server({"--set", "probe.mode=hang", "--ready-fd", "3"}));
  probe.ready();

  probe.signal(SIGTERM);
  EXPECT_EQ(probe.line(), "start hi");
  EXPECT_EQ(probe.line(), "stop 30000");
  probe.signal(SIGINT);

  EXPECT_EQ(probe.line(), "<end>");
  EXPECT_EQ(probe.wait(), kExitInterrupted);
}

TEST_F(ServiceProcess, ABadFileAtReloadChangesNothing) {
  const NotifySocket systemd("@probe-bad-reload-" + dir_.path());
  Probe probe(server(), {{"NOTIFY_SOCKET", "@probe-bad-reload-" + dir_.path()}});
  EXPECT_EQ(systemd.next(), kServing);

  dir_.write("probe.toml", "[probe]\nword = 7\n");
  probe.signal(SIGHUP);
  EXPECT_THAT(systemd.next(), StartsWith("RELOADING=1"));
  EXPECT_THAT(systemd.next(), StartsWith("READY=1\nSTATUS=serving as before: "));
  probe.signal(SIGTERM);

  EXPECT_EQ(probe.line(), "start hi");
  EXPECT_EQ(probe.line(), "refresh");  // a new certificate does not wait for the file to be mended
  EXPECT_EQ(probe.line(), "stop 30000");
  EXPECT_EQ(probe.wait(), kExitOk);
  EXPECT_THAT(probe.errors(), HasSubstr("keeps its configuration"));
}

TEST_F(ServiceProcess, AReloadThatTheServiceRefusesChangesNothing) {
  const NotifySocket systemd(dir_.file("notify"));
  Probe probe(server(), {{"NOTIFY_SOCKET", dir_.file("notify")}});
  EXPECT_EQ(systemd.next(), kServing);

  dir_.write("probe.toml", "[probe]\nword = \"never\"\n");
  probe.signal(SIGHUP);
  EXPECT_THAT(systemd.next(), StartsWith("RELOADING=1"));
  EXPECT_EQ(systemd.next(), "READY=1\nSTATUS=serving as before: that word is not said here");
  probe.signal(SIGTERM);

  EXPECT_EQ(probe.wait(), kExitOk);
  EXPECT_THAT(probe.errors(), HasSubstr("keeps its configuration"));
}

// A restart would not start with it.
TEST_F(ServiceProcess, AKeyThatCannotChangeIsCheckedAllTheSame) {
  const NotifySocket systemd(dir_.file("notify"));
  Probe probe(server(), {{"NOTIFY_SOCKET", dir_.file("notify")}});
  EXPECT_EQ(systemd.next(), kServing);

  dir_.write("probe.toml", "[probe]\nroom = \"nowhere\"\nword = \"ho\"\n");
  probe.signal(SIGHUP);
  EXPECT_THAT(systemd.next(), StartsWith("RELOADING=1"));
  EXPECT_EQ(systemd.next(), "READY=1\nSTATUS=serving as before: there is no such room");
  probe.signal(SIGTERM);

  EXPECT_EQ(probe.line(), "start hi");
  EXPECT_EQ(probe.line(), "refresh");
  EXPECT_EQ(probe.line(), "stop 30000");
  EXPECT_EQ(probe.wait(), kExitOk);
}

TEST_F(ServiceProcess, AKeyThatCannotChangeIsNamedWithTheWay) {
  const NotifySocket systemd(dir_.file("notify"));
  Probe probe(server(), {{"NOTIFY_SOCKET", dir_.file("notify")}});
  EXPECT_EQ(systemd.next(), kServing);

  dir_.write("probe.toml", "[probe]\nroom = \"cellar\"\n");
  probe.signal(SIGHUP);
  EXPECT_THAT(systemd.next(), StartsWith("RELOADING=1"));
  EXPECT_EQ(systemd.next(), kServing);
  probe.signal(SIGTERM);

  EXPECT_EQ(probe.wait(), kExitOk);
  EXPECT_THAT(probe.errors(), AllOf(HasSubstr("probe.room"), HasSubstr("hall"), HasSubstr("cellar"),
                                    HasSubstr("restart it")));
}

TEST_F(ServiceProcess, AFileThatCannotBeReadAgainIsReported) {
  const NotifySocket systemd(dir_.file("notify"));
  Probe probe(server({"--set", "probe.mode=stale"}), {{"NOTIFY_SOCKET", dir_.file("notify")}});
  EXPECT_EQ(systemd.next(), kServing);

  probe.signal(SIGHUP);

  EXPECT_THAT(systemd.next(), StartsWith("RELOADING=1"));
  EXPECT_EQ(systemd.next(), "READY=1\nSTATUS=serving as before: the certificate has expired");
  probe.signal(SIGTERM);
  EXPECT_EQ(probe.wait(), kExitOk);
  EXPECT_THAT(probe.errors(), HasSubstr("keeps its files"));
}

// A listener on NOTIFY_SOCKET sees READY, WATCHDOG, RELOADING and STOPPING.
TEST_F(ServiceProcess, TellsSystemdHowItIsDoing) {
  const NotifySocket systemd(dir_.file("notify"));
  Probe probe(server(), {{"NOTIFY_SOCKET", dir_.file("notify")}, {"WATCHDOG_USEC", "20000"}});

  EXPECT_EQ(systemd.next(), kServing);
  EXPECT_EQ(systemd.next(), "WATCHDOG=1");
  EXPECT_EQ(systemd.next(), "WATCHDOG=1");
  dir_.write("probe.toml", "[probe]\nword = \"moin\"\n");
  probe.signal(SIGHUP);
  std::string message;
  while ((message = systemd.next()) == "WATCHDOG=1") {
  }
  EXPECT_THAT(message, MatchesRegex("RELOADING=1\nMONOTONIC_USEC=[0-9]+"));
  EXPECT_EQ(systemd.next(), kServing);
  probe.signal(SIGTERM);
  while ((message = systemd.next()) == "WATCHDOG=1") {
  }
  EXPECT_EQ(message, "STOPPING=1\nSTATUS=stopping; running calls have 30 s");

  EXPECT_EQ(probe.line(), "start hi");
  EXPECT_EQ(probe.line(), "reloaded probe.word moin");
  EXPECT_EQ(probe.line(), "refresh");
  EXPECT_EQ(probe.line(), "stop 30000");
  EXPECT_EQ(probe.line(), "stopped");
  EXPECT_EQ(probe.wait(), kExitOk);
}

TEST_F(ServiceProcess, IsNotWatchedWhenTheWatchdogIsForAnotherProcess) {
  const NotifySocket systemd(dir_.file("notify"));
  Probe probe(
      server(),
      {{"NOTIFY_SOCKET", dir_.file("notify")}, {"WATCHDOG_USEC", "1000"}, {"WATCHDOG_PID", "1"}});

  EXPECT_EQ(systemd.next(), kServing);
  probe.signal(SIGTERM);
  EXPECT_THAT(systemd.next(), StartsWith("STOPPING=1"));
  EXPECT_EQ(probe.wait(), kExitOk);
}

TEST_F(ServiceProcess, ReportsWhereItListensAndStopsOnceAsked) {
  Probe probe(server({"--once", "--ready-fd", "3", "--grace", "5s", "--set", "probe.word=hey"}));

  EXPECT_EQ(probe.ready(), "grpc 127.0.0.1:40123\nunix /srv/probe/admin.sock\n\n");
  EXPECT_EQ(probe.line(), "start hey");
  EXPECT_EQ(probe.line(), "stop 5000");
  EXPECT_EQ(probe.line(), "stopped");
  EXPECT_EQ(probe.wait(), kExitOk);
}

TEST_F(ServiceProcess, AsProcessOneItPassesSignalsOnAndReapsOrphans) {
  Probe probe(server({"--set", "probe.mode=orphan"}), {{"PROBE_INIT", "1"}});
  const std::string pid = probe.line();
  EXPECT_THAT(pid, AllOf(StartsWith("pid "), Not("pid " + std::to_string(probe.pid()))));
  EXPECT_EQ(probe.line(), "start hi");
  EXPECT_EQ(probe.line(), "orphaned");

  probe.signal(SIGTERM);

  EXPECT_EQ(probe.line(), "stop 30000");
  EXPECT_EQ(probe.line(), "stopped");
  EXPECT_EQ(probe.line(), "all reaped");
  EXPECT_EQ(probe.wait(), kExitOk);
}

TEST_F(ServiceProcess, AsProcessOneItEndsAsItsServiceDid) {
  Probe probe(server({"--set", "probe.mode=crash"}), {{"PROBE_INIT", "1"}});

  EXPECT_EQ(probe.wait(), 128 + SIGABRT);
}

TEST_F(ServiceProcess, ChecksAndDocumentsItsConfiguration) {
  Probe check({"check-config", "--config", config_});
  EXPECT_THAT(check.line() + check.line() + check.line() + check.line() + check.line(),
              HasSubstr("probe.word"));
  EXPECT_EQ(check.wait(), kExitOk);

  Probe bad({"check-config", "--config", config_, "--set", "probe.wrod=x"});
  EXPECT_EQ(bad.wait(), kExitUsage);

  Probe bare({"check-config", "--config", config_, "--set", "probe.word"});
  EXPECT_EQ(bare.wait(), kExitUsage);
  EXPECT_THAT(bare.errors(), HasSubstr("not KEY=VALUE"));

  Probe reference({"config", "reference"});
  EXPECT_EQ(reference.wait(), kExitOk);
}

}  // namespace
}  // namespace dsl::service::test
