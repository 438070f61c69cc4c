#include "dsl/cli/completion.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "dsl/env/env.h"
#include "support/result_matchers.h"
#include "support/temp_dir.h"

namespace dsl::cli {
namespace {

using test::require_ok;
using Words = std::vector<std::string>;

constexpr std::chrono::milliseconds kPatience{30'000};

// Output of `script` in bash, with the demo program in PATH and its completion loaded.
std::string in_bash(const std::string& script, const std::string& directory = {}) {
  env::Command command;
  command.argv = {"bash", "--norc", "-c",
                  "PATH=" MC_DEMO_DIR
                  ":$PATH; source <(demo completion bash)\n"
                  // What readline does: the words taken apart at spaces, = and :, the cursor at the
                  // end; prints the reply, sorted.
                  "tab() { COMP_WORDS=(\"$@\") COMP_CWORD=$(($# - 1)) COMPREPLY=()\n"
                  "  $(complete -p demo | sed 's/.*-F \\([^ ]*\\).*/\\1/')\n"
                  "  printf '%s\\n' \"${COMPREPLY[@]}\" | sort | paste -sd' '; }\n" +
                      script};
  command.directory = directory;
  const env::Output output = require_ok(env::system_env().processes().run(command, kPatience));
  EXPECT_EQ(output.err, "");
  return output.out;
}

// What readline itself would make of a line: an interactive bash on a terminal of its own, Tab
// pressed at the end, then the line echoed.
std::string line_after_tab(const std::string& line) {
  env::Command command;
  command.argv = {"python3", "-c", R"py(
import os, pty, sys, select, time
line, directory = sys.argv[1:3]
pid, fd = pty.fork()
if pid == 0:
    os.environ['PS1'] = '>'
    os.environ['PATH'] = directory + ':' + os.environ['PATH']
    os.execvp('bash', ['bash', '--norc', '--noprofile'])
def until(marker):
    out = b''
    while marker not in out:
        if not select.select([fd], [], [], 20)[0]:
            sys.exit('no answer after: %r' % out)
        out += os.read(fd, 4096)
    return out
os.write(fd, b'source <(demo completion bash); bind "set enable-bracketed-paste off"; stty -echo; echo RE""ADY\n')
until(b'READY\r\n')
os.write(fd, b'demo() { [ "$1" = __complete ] && command demo "$@" && return; printf "<%s>" "$@"; echo DO""NE; }\n')
os.write(fd, line.encode() + b'\t\n')
print(until(b'DONE').decode().rsplit('>DONE', 1)[0].split('<', 1)[1].replace('><', ' '))
os.close(fd)
os.waitpid(pid, 0)
)py",
                  line, MC_DEMO_DIR};
  const env::Output output = require_ok(env::system_env().processes().run(command, kPatience));
  EXPECT_EQ(output.err, "");
  return output.out;
}

TEST(CompletionScript, UnknownShellIsRefused) {
  EXPECT_THAT(completion_script("tcsh", "demo"),
              test::failed_saying(Code::kInvalidArgument, "one of bash, zsh, fish"));
}

TEST(CompletionScript, NamesTheProgramAndNoPlaceholderIsLeft) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const std::string script = require_ok(completion_script(shell, "mcp-agent"));
    EXPECT_NE(script.find("mcp-agent"), std::string::npos);
    EXPECT_NE(script.find("_mcp_agent_complete"), std::string::npos);
    EXPECT_EQ(script.find("NAME"), std::string::npos);
    EXPECT_EQ(script.find("FUNCTION"), std::string::npos);
  }
}

TEST(Completion, CommandsAndTheirCommands) {
  EXPECT_EQ(in_bash("tab demo ''"), "completion deploy help logs man ps version volume\n");
  EXPECT_EQ(in_bash("tab demo de"), "deploy\n");
  EXPECT_EQ(in_bash("tab demo volume ''"), "list remove\n");
  EXPECT_EQ(in_bash("tab demo --config x volume l"), "list\n");
  EXPECT_EQ(in_bash("tab demo nothing-like-it"), "\n");
}

TEST(Completion, OptionsOfTheCommandAndTheGlobalOnes) {
  EXPECT_EQ(in_bash("tab demo logs --l"), "--level --lines\n");
  EXPECT_EQ(in_bash("tab demo logs --j"), "--json\n");
  EXPECT_EQ(in_bash("tab demo ps --l"), "\n");
  EXPECT_EQ(in_bash("tab demo deploy -- --v"), "\n");
}

TEST(Completion, ValuesOfAnOptionInBothNotations) {
  EXPECT_EQ(in_bash("tab demo logs --level ''"), "debug error info warn\n");
  EXPECT_EQ(in_bash("tab demo --output j"), "json\n");
  EXPECT_EQ(in_bash("tab demo --output = j"), "json\n");
  EXPECT_EQ(in_bash("tab demo --output ="), "json table wide\n");
  EXPECT_EQ(in_bash("tab demo completion ''"), "bash fish zsh\n");
}

TEST(Completion, LiveNamesComeFromTheProgram) {
  EXPECT_EQ(in_bash("tab demo deploy mc"), "mcns mcq mcr/web\n");
  EXPECT_EQ(in_bash("tab demo deploy mcq --label a = b mcn"), "mcns\n");
  EXPECT_EQ(in_bash("tab demo logs mcq m"), "\n");
}

TEST(Completion, FilesWhereAFileIsWanted) {
  const test::TempDir dir;
  dir.write("demo.toml", "");
  dir.write("my other.toml", "");

  EXPECT_EQ(in_bash("tab demo --config de", dir.path()), "demo.toml\n");
  EXPECT_EQ(in_bash("tab demo --config = my", dir.path()), "my other.toml\n");
}

TEST(Completion, InAnInteractiveBashTabFinishesTheWord) {
  EXPECT_EQ(line_after_tab("demo dep"), "deploy\n");
  EXPECT_EQ(line_after_tab("demo volume rem"), "volume remove\n");
  EXPECT_EQ(line_after_tab("demo --output=wi"), "--output=wide\n");
  EXPECT_EQ(line_after_tab("demo deploy mcr"), "deploy mcr/web\n");
}

TEST(Completion, FishAsksTheProgramToo) {
  env::Command command;
  command.argv = {
      "fish", "--no-config", "-c",
      "set PATH " MC_DEMO_DIR
      " $PATH; demo completion fish | source\n"
      "complete -C 'demo dep'; complete -C 'demo --output w'; complete -C 'demo logs mc'"};
  const Result<env::Output> output = env::system_env().processes().run(command, kPatience);
  if (!output) {
    GTEST_SKIP() << "fish is not installed";
  }

  EXPECT_EQ(output->err, "");
  EXPECT_EQ(output->out, "deploy\tRoll out services\nwide\nmcns\nmcq\nmcr/web\n");
}

}  // namespace
}  // namespace dsl::cli
