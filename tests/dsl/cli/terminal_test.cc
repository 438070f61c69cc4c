// The demo program on a terminal of its own.
#include <array>
#include <cstdlib>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

namespace dsl::cli {
namespace {

struct Outcome {
  int exit_code = -1;
  std::string out;  // what the terminal showed
};

Outcome on_terminal(std::vector<std::string> argv, const std::string& typed = {},
                    unsigned short columns = 80) {
  winsize size{};
  size.ws_row = 25;
  size.ws_col = columns;
  int terminal = -1;
  const pid_t child = ::forkpty(&terminal, nullptr, nullptr, &size);
  if (child == 0) {
    ::unsetenv("NO_COLOR");
    const std::string program = std::string(MC_DEMO_DIR) + "/demo";
    std::vector<char*> pointers;
    for (std::string& word : argv) {
      pointers.push_back(word.data());
    }
    pointers.push_back(nullptr);
    ::execv(program.c_str(), pointers.data());
    ::_exit(127);
  }
  EXPECT_EQ(::write(terminal, typed.data(), typed.size()), static_cast<ssize_t>(typed.size()));

  Outcome outcome;
  std::array<char, 4096> buffer;
  for (ssize_t got = 0; (got = ::read(terminal, buffer.data(), buffer.size())) > 0;) {
    outcome.out.append(buffer.data(), static_cast<std::size_t>(got));
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  ::close(terminal);
  return outcome;
}

TEST(Terminal, TablesFitAndArePainted) {
  const Outcome outcome = on_terminal({"demo", "ps"});

  EXPECT_EQ(outcome.out,
            "\x1b[1mSERVICE\x1b[0m                            \x1b[1mSTATE\x1b[0m    "
            "\x1b[1mRESTARTS\x1b[0m  \x1b[1mNOTE\x1b[0m\r\n"
            "mcq                                \x1b[32mrunning\x1b[0m         0  "
            "healthy since the last de…\r\n"
            "a-service-with-a-rather-long-name  \x1b[31mfailed\x1b[0m         12  "
            "exited with 1\r\n");
}

TEST(Terminal, NoColorIsObeyed) {
  EXPECT_EQ(on_terminal({"demo", "ps", "--no-color"}).out.find('\x1b'), std::string::npos);
}

TEST(Terminal, ProgressIsOneRedrawnLineThatGoesAway) {
  const Outcome outcome = on_terminal({"demo", "deploy", "mcq"});

  EXPECT_TRUE(
      outcome.out.ends_with("\r\x1b[K[#####.....] 1/2 mcq: pulling"
                            "\r\x1b[K[##########] 2/2 mcq: healthy\r\x1b[K"))
      << outcome.out;
}

TEST(Terminal, ConfirmTakesOnlyYesForYes) {
  const std::vector<std::string> remove{"demo", "volume", "remove", "data"};

  EXPECT_NE(on_terminal(remove, "\n").out.find("kept"), std::string::npos);
  EXPECT_NE(on_terminal(remove, "no\n").out.find("kept"), std::string::npos);
  EXPECT_NE(on_terminal(remove, "\x04").out.find("kept"), std::string::npos);
  const Outcome yes = on_terminal(remove, "y\n");
  EXPECT_NE(yes.out.find("Remove the volume data? [y/N] "), std::string::npos) << yes.out;
  EXPECT_NE(yes.out.find("removed"), std::string::npos) << yes.out;
  EXPECT_EQ(yes.exit_code, 0);
}

}  // namespace
}  // namespace dsl::cli
