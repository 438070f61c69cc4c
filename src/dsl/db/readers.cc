#include "dsl/db/readers.h"

namespace dsl::db {
namespace {

constexpr std::chrono::seconds kBorrowMax{5};

}  // namespace

Result<std::unique_ptr<Readers>> Readers::open(env::Env& env, const std::string& path, int count) {
  MC_ASSERT(count > 0, "somebody has to read");
  std::unique_ptr<Readers> readers(new Readers(env.clock()));
  for (int i = 0; i < count; ++i) {
    MC_ASSIGN(auto connection, Connection::open(env, path, Access::kReadOnly));
    readers->free_.push_back(std::move(connection));
  }
  return readers;
}

Result<void> Readers::read(const Work& work) {
  MC_ASSIGN(auto connection, borrow());
  // Neither throws: exceptions of `work` end inside.
  Result<void> result = connection->in_snapshot(work);
  give_back(std::move(connection));
  return result;
}

Result<void> Readers::run(const Work& work) {
  MC_ASSIGN(auto connection, borrow());
  Result<void> result = connection->call(work);
  give_back(std::move(connection));
  return result;
}

Result<std::unique_ptr<Connection>> Readers::borrow() {
  std::unique_lock lock(mutex_);
  if (free_.empty()) {
    const env::MonoTime deadline = clock_.mono_now() + kBorrowMax;
    do {
      if (!clock_.wait_until(returned_, lock, deadline) && free_.empty()) {
        return fail(Code::kUnavailable, "all readers of the database are busy")
            .hint("try again, or raise the number of readers");
      }
    } while (free_.empty());
  }
  auto connection = std::move(free_.back());
  free_.pop_back();
  return connection;
}

void Readers::give_back(std::unique_ptr<Connection> connection) {
  {
    const std::lock_guard guard(mutex_);
    free_.push_back(std::move(connection));
  }
  returned_.notify_one();
}

}  // namespace dsl::db
