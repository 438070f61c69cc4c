#include "mcp/recovery/file_sink.h"

namespace mcp::recovery {

Result<std::unique_ptr<FileSink>> FileSink::create(dsl::env::Env& env, const std::string& path) {
  MC_ASSIGN(auto file, env.files().open(path, dsl::env::OpenMode::kCreateNew, 0600));
  return std::unique_ptr<FileSink>(new FileSink(env, path, std::move(file)));
}

FileSink::FileSink(dsl::env::Env& env, std::string path, std::unique_ptr<dsl::env::File> file)
    : env_(env), path_(std::move(path)), file_(std::move(file)) {}

FileSink::~FileSink() {
  if (!path_.empty()) {
    file_.reset();
    (void)env_.files().remove(path_);  // what led here is the error to report
  }
}

Result<void> FileSink::write(std::span<const std::byte> bytes) {
  MC_TRY(file_->write_at(size_, bytes));
  size_ += bytes.size();
  blake_.add(bytes);
  return {};
}

Result<void> FileSink::sync() {
  digest_ = blake_.finish();
  return file_->sync();
}

Result<void> FileSink::keep_as(const std::string& path) {
  MC_TRY(env_.files().rename(path_, path));
  path_.clear();
  return {};
}

}  // namespace mcp::recovery
