// Both ways with the `age` tool of the distribution.
#include <chrono>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "dsl/archive/age.h"
#include "dsl/archive/age_fixture.h"
#include "dsl/env/env.h"
#include "support/result_matchers.h"
#include "support/seeded_random.h"
#include "support/temp_dir.h"

namespace dsl::archive {
namespace {

using dsl::test::require_ok;
using dsl::test::SeededRandom;
using dsl::test::TempDir;

class AgeTool : public testing::Test {
 protected:
  // Runs to the end; 0 is expected.
  env::Output run(std::vector<std::string> argv) {
    env::Command command;
    command.argv = std::move(argv);
    command.directory = dir_.path();
    env::Output output =
        require_ok(env::system_env().processes().run(command, std::chrono::seconds(60)));
    EXPECT_EQ(output.exit_code, 0) << output.out << output.err;
    return output;
  }

  // age asks for passphrases on a terminal only.
  void run_asked(const std::string& age_command, const std::string& passphrase) {
    run({"expect", "-c",
         "set timeout 50\nspawn -noecho " + age_command +
             "\nexpect {\n  -re {passphrase.*: ?$} { send \"" + passphrase +
             "\\r\"; exp_continue }\n  eof {}\n}\nlassign [wait] pid id oserror status\nexit "
             "$status\n"});
  }

  SeededRandom random_{11};
  TempDir dir_;
};

const std::vector<std::size_t> kSizes{0, 1, 65535, 65536, 65537, 200'000};

TEST_F(AgeTool, ReadsWhatWeWrite) {
  const AgeIdentity identity = AgeIdentity::generate(random_);
  const std::vector<AgeRecipient> recipients{Keys(3).recipients[0], identity.recipient()};
  const Secret text = identity.to_text();
  dir_.write("key", {reinterpret_cast<const char*>(text.expose().data()), text.size()});
  for (const bool armor : {false, true}) {
    for (const std::size_t size : kSizes) {
      const std::string plain = noise(size);
      dir_.write("file.age", require_ok(age_encrypt(random_, recipients, plain, {.armor = armor})));

      // On its standard output: a file it would not make for nothing.
      const env::Output output = run({"age", "--decrypt", "--identity", "key", "file.age"});

      EXPECT_TRUE(output.out == plain) << size << " armor " << armor;
    }
  }
}

TEST_F(AgeTool, WritesWhatWeRead) {
  run({"age-keygen", "--output", "key"});
  const std::vector<AgeIdentity> identities = require_ok(parse_identities(dir_.read("key")));
  const std::string recipients = run({"age-keygen", "-y", "key"}).out;
  EXPECT_EQ(require_ok(parse_recipients(recipients)).at(0), identities.at(0).recipient());
  for (const bool armor : {false, true}) {
    for (const std::size_t size : kSizes) {
      const std::string plain = noise(size);
      dir_.write("plain", plain);

      std::vector<std::string> argv{"age",        "--encrypt", "--output", "file.age",
                                    "--identity", "key",       "plain"};
      if (armor) {
        argv.insert(argv.begin() + 1, "--armor");
      }
      run(argv);

      EXPECT_TRUE(require_ok(age_decrypt(dir_.read("file.age"), identities)) == plain)
          << size << " armor " << armor;
    }
  }
}

TEST_F(AgeTool, ReadsWhatWeWriteUnderAPassphrase) {
  std::string file;
  AgeWriter writer = require_ok(AgeWriter::begin_with_passphrase(
      random_, Secret::from("horse battery"), append_to(file), {.scrypt_log_n = 10}));
  require_ok(writer.write(bytes_of("words")));
  require_ok(writer.finish());
  dir_.write("file.age", file);

  run_asked("age --decrypt --output plain file.age", "horse battery");

  EXPECT_EQ(dir_.read("plain"), "words");
}

TEST_F(AgeTool, WritesUnderAPassphraseWhatWeRead) {
  dir_.write("plain", "words");

  run_asked("age --passphrase --output file.age plain", "horse battery");

  EXPECT_EQ(require_ok(age_decrypt(dir_.read("file.age"), passphrase("horse battery"))), "words");
}

}  // namespace
}  // namespace dsl::archive
