#include "support/temp_dir.h"

#include <filesystem>

#include <stdlib.h>
#include <unistd.h>

#include "dsl/env/env.h"
#include "support/result_matchers.h"

namespace dsl::test {

namespace {

std::filesystem::path parent_folder(TempDir::Where where) {
  const char* memory = "/dev/shm";
  return where == TempDir::Where::kMemory && ::access(memory, W_OK) == 0
             ? std::filesystem::path(memory)
             : std::filesystem::temp_directory_path();
}

}  // namespace

TempDir::TempDir(Where where) : path_((parent_folder(where) / "mc-test-XXXXXX").string()) {
  MC_ASSERT(::mkdtemp(path_.data()) != nullptr, "a temporary folder can be made");
}

TempDir::~TempDir() {
  // A leftover in the temporary folder must not fail a test.
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TempDir::file(std::string_view name) const { return text("{}/{}", path_, name); }

std::string TempDir::write(std::string_view name, std::string_view content) const {
  const std::string path = file(name);
  const auto opened =
      require_ok(env::system_env().files().open(path, env::OpenMode::kTruncate, 0600));
  require_ok(opened->write_at(0, std::as_bytes(std::span(content))));
  return path;
}

std::string TempDir::read(std::string_view name) const {
  return require_ok(env::system_env().files().read_file(file(name)));
}

}  // namespace dsl::test
