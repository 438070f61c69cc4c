#include "support/memory_file_system.h"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <map>
#include <mutex>

#include "dsl/env/errno_error.h"

namespace dsl::test {

using env::errno_error;
using env::File;
using env::FileInfo;
using env::FileKind;
using env::FileLock;
using env::OpenMode;

namespace {

constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

struct Node {
  FileKind kind = FileKind::kRegular;
  std::uint32_t mode = 0;
  std::uint64_t inode = 0;
  std::string content;
  std::string durable;  // as of the last sync
  std::string torn;     // with only half of the last write
};

using Names = std::map<std::string, std::shared_ptr<Node>>;

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string normal(std::string path) {
  MC_ASSERT(path.starts_with('/'), "paths of the memory file system are absolute");
  while (path.size() > 1 && path.ends_with('/')) {
    path.pop_back();
  }
  return path;
}

void overwrite(std::string& content, std::uint64_t offset, std::span<const std::byte> data) {
  const auto begin = static_cast<std::size_t>(offset);
  content.resize(std::max(content.size(), begin + data.size()));
  content.replace(begin, data.size(), reinterpret_cast<const char*>(data.data()), data.size());
}

}  // namespace

struct MemoryFileSystem::State {
  mutable std::mutex mutex;
  Names names;                               // what programs see; the root is "/"
  Names durable_names;                       // what a power cut leaves
  std::map<std::string, std::string> locks;  // path -> note
  std::uint64_t epoch = 0;                   // counts restarts
  std::uint64_t next_inode = 1;
  std::uint64_t until_crash = kNever;
  bool crashed = false;
  std::uint64_t until_fault = kNever;
  std::uint64_t faults_left = 0;
  int fault_number = 0;
  std::uint64_t capacity = 1ull << 40;

  // Before anything: is the machine on?
  Result<void> powered() const {
    if (crashed) {
      return fail(Code::kUnavailable, "the power has failed");
    }
    return {};
  }

  // Before each change. kUnavailable at the crash point, the injected error at a fault.
  Result<void> admit(std::string_view action, const std::string& path) {
    MC_TRY(powered());
    if (until_crash != kNever && until_crash-- == 0) {
      crashed = true;
      return powered();
    }
    if (until_fault == 0 && faults_left > 0) {
      --faults_left;
      return fail(errno_error(fault_number, action, path));
    }
    if (until_fault != kNever && until_fault > 0) {
      --until_fault;
    }
    return {};
  }

  Result<std::shared_ptr<Node>> find(const std::string& path, std::string_view action) const {
    MC_TRY(powered());
    const auto found = names.find(path);
    if (found == names.end()) {
      return fail(errno_error(ENOENT, action, path));
    }
    return found->second;
  }

  Result<std::shared_ptr<Node>> create(const std::string& path, FileKind kind,
                                       std::uint32_t permissions) {
    MC_ASSIGN(const auto parent, find(parent_of(path), "create below"));
    if (parent->kind != FileKind::kDirectory) {
      return fail(errno_error(ENOTDIR, "create", path));
    }
    MC_TRY(admit("create", path));
    auto node = std::make_shared<Node>();
    node->kind = kind;
    node->mode = permissions;
    node->inode = next_inode++;
    names[path] = node;
    return node;
  }

  std::uint64_t used_bytes() const {
    std::uint64_t total = 0;
    for (const auto& [path, node] : names) {
      total += node->content.size();
    }
    return total;
  }

  bool has_children(const std::string& path) const {
    const std::string prefix = path == "/" ? path : path + "/";
    const auto next = names.upper_bound(prefix);
    return next != names.end() && next->first.starts_with(prefix);
  }

  // Paths at or below `path` in what programs see or in what is durable.
  static std::vector<std::string> subtree(const Names& names, const std::string& path) {
    std::vector<std::string> paths;
    for (const auto& [name, node] : names) {
      if (name == path || name.starts_with(path + "/")) {
        paths.push_back(name);
      }
    }
    return paths;
  }

  // Gives the durable side the entries of one directory.
  void make_entries_durable(const std::string& directory) {
    const auto inside = [&](const auto& entry) {
      return entry.first != "/" && parent_of(entry.first) == directory;
    };
    std::erase_if(durable_names,
                  [&](const auto& entry) { return inside(entry) && !names.contains(entry.first); });
    for (const auto& entry : names) {
      if (inside(entry)) {
        durable_names[entry.first] = entry.second;
      }
    }
  }

  // A rename moves one directory entry: what was durable below the old name is so below the new
  // one as soon as that is.
  void move_durable_children(const std::string& from, const std::string& to) {
    for (const std::string& path : subtree(durable_names, from)) {
      if (path != from) {
        durable_names[to + path.substr(from.size())] = durable_names[path];
      }
    }
  }

  void restart(Crash crash) {
    if (!crash.names_kept) {
      names = durable_names;
    }
    // Without its directory a file cannot be reached.
    std::erase_if(names, [&](const auto& entry) {
      return entry.first != "/" && !names.contains(parent_of(entry.first));
    });
    for (const auto& [path, node] : names) {
      if (crash.data == Crash::Data::kLost) {
        node->content = node->durable;
      } else if (crash.data == Crash::Data::kTorn && node->content != node->durable) {
        node->content = node->torn;
      }
      node->durable = node->torn = node->content;
    }
    durable_names = names;
    locks.clear();
    crashed = false;
    until_crash = kNever;
    until_fault = kNever;
    ++epoch;
  }
};

namespace {

using State = MemoryFileSystem::State;

class MemoryFile final : public File {
 public:
  MemoryFile(std::shared_ptr<State> state, std::shared_ptr<Node> node, std::string path,
             bool writable)
      : state_(std::move(state)),
        node_(std::move(node)),
        path_(std::move(path)),
        writable_(writable),
        epoch_(state_->epoch) {}

  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) override {
    const std::lock_guard guard(state_->mutex);
    MC_TRY(usable());
    const std::string& content = node_->content;
    if (offset >= content.size()) {
      return 0;
    }
    const std::size_t size =
        std::min(out.size(), content.size() - static_cast<std::size_t>(offset));
    const auto bytes =
        std::as_bytes(std::span(content)).subspan(static_cast<std::size_t>(offset), size);
    std::copy(bytes.begin(), bytes.end(), out.begin());
    return size;
  }

  Result<void> write_at(std::uint64_t offset, std::span<const std::byte> data) override {
    const std::lock_guard guard(state_->mutex);
    MC_TRY(usable());
    MC_TRY(may_write());
    const bool was_on = !state_->crashed;
    Result<void> admitted = state_->admit("write", path_);
    const std::uint64_t end = offset + data.size();
    if (admitted && state_->used_bytes() + std::max(end, std::uint64_t{node_->content.size()}) -
                            node_->content.size() >
                        state_->capacity) {
      admitted = fail(errno_error(ENOSPC, "write", path_));
    }
    if (admitted) {
      apply(offset, data);
    } else if (was_on) {
      apply(offset, data.first(data.size() / 2));
    }
    return admitted;
  }

  Result<void> truncate(std::uint64_t size_bytes) override {
    const std::lock_guard guard(state_->mutex);
    MC_TRY(usable());
    MC_TRY(may_write());
    MC_TRY(state_->admit("truncate", path_));
    node_->content.resize(static_cast<std::size_t>(size_bytes));
    node_->torn = node_->content;
    return {};
  }

  Result<void> sync() override {
    const std::lock_guard guard(state_->mutex);
    MC_TRY(usable());
    MC_TRY(state_->admit("sync", path_));
    node_->durable = node_->torn = node_->content;
    return {};
  }

  Result<std::uint64_t> size() override {
    const std::lock_guard guard(state_->mutex);
    MC_TRY(usable());
    return node_->content.size();
  }

 private:
  Result<void> usable() const {
    MC_TRY(state_->powered());
    if (epoch_ != state_->epoch) {
      return fail(errno_error(EBADF, "use after a restart", path_));
    }
    return {};
  }

  Result<void> may_write() const {
    if (!writable_) {
      return fail(errno_error(EBADF, "write", path_));
    }
    return {};
  }

  void apply(std::uint64_t offset, std::span<const std::byte> data) {
    node_->torn = node_->content;
    overwrite(node_->torn, offset, data.first(data.size() / 2));
    overwrite(node_->content, offset, data);
  }

  std::shared_ptr<State> state_;
  std::shared_ptr<Node> node_;
  std::string path_;
  bool writable_;
  std::uint64_t epoch_;
};

class MemoryLock final : public FileLock {
 public:
  MemoryLock(std::shared_ptr<State> state, std::string path)
      : state_(std::move(state)), path_(std::move(path)), epoch_(state_->epoch) {}
  ~MemoryLock() override {
    const std::lock_guard guard(state_->mutex);
    if (epoch_ == state_->epoch) {
      state_->locks.erase(path_);
    }
  }

 private:
  std::shared_ptr<State> state_;
  std::string path_;
  std::uint64_t epoch_;
};

}  // namespace

MemoryFileSystem::MemoryFileSystem() : state_(std::make_shared<State>()) {
  auto root = std::make_shared<Node>();
  root->kind = FileKind::kDirectory;
  root->mode = 0755;
  state_->names["/"] = state_->durable_names["/"] = root;
}

MemoryFileSystem::~MemoryFileSystem() = default;

Result<std::unique_ptr<File>> MemoryFileSystem::open(const std::string& given, OpenMode mode,
                                                     std::uint32_t permissions) {
  const std::lock_guard guard(state_->mutex);
  const std::string path = normal(given);
  MC_TRY(state_->powered());
  const bool there = state_->names.contains(path);
  const bool writable = mode != OpenMode::kRead;
  if (there && mode == OpenMode::kCreateNew) {
    return fail(errno_error(EEXIST, "create", path));
  }
  if (!there && (mode == OpenMode::kRead || mode == OpenMode::kReadWrite)) {
    return fail(errno_error(ENOENT, "open", path));
  }
  if (!there) {
    MC_ASSIGN(auto node, state_->create(path, FileKind::kRegular, permissions));
    return std::make_unique<MemoryFile>(state_, std::move(node), path, writable);
  }
  const std::shared_ptr<Node> node = state_->names[path];
  if (node->kind == FileKind::kDirectory) {
    return fail(errno_error(EISDIR, "open", path));
  }
  if (mode == OpenMode::kTruncate) {
    MC_TRY(state_->admit("truncate", path));
    node->content.clear();
    node->torn.clear();
  }
  return std::make_unique<MemoryFile>(state_, node, path, writable);
}

Result<FileInfo> MemoryFileSystem::stat(const std::string& path, bool) {
  const std::lock_guard guard(state_->mutex);
  MC_ASSIGN(const auto node, state_->find(normal(path), "stat"));
  FileInfo info;
  info.kind = node->kind;
  info.size_bytes = node->content.size();
  info.mode = node->mode;
  info.inode = node->inode;
  return info;
}

Result<std::vector<std::string>> MemoryFileSystem::list(const std::string& given) {
  const std::lock_guard guard(state_->mutex);
  const std::string path = normal(given);
  MC_ASSIGN(const auto node, state_->find(path, "list"));
  if (node->kind != FileKind::kDirectory) {
    return fail(errno_error(ENOTDIR, "list", path));
  }
  std::vector<std::string> found;
  for (const auto& [name, child] : state_->names) {
    if (name != "/" && parent_of(name) == path) {
      found.push_back(name.substr(name.rfind('/') + 1));
    }
  }
  return found;
}

Result<void> MemoryFileSystem::rename(const std::string& given_from, const std::string& given_to) {
  const std::lock_guard guard(state_->mutex);
  const std::string from = normal(given_from);
  const std::string to = normal(given_to);
  MC_ASSIGN(const auto node, state_->find(from, "rename"));
  MC_TRY(state_->find(parent_of(to), "rename into"));
  if (state_->names.contains(to)) {
    const FileKind kind = state_->names[to]->kind;
    if (kind != node->kind) {
      return fail(errno_error(kind == FileKind::kDirectory ? EISDIR : ENOTDIR, "rename to", to));
    }
    if (state_->has_children(to)) {
      return fail(errno_error(ENOTEMPTY, "rename to", to));
    }
  }
  MC_TRY(state_->admit("rename", from));
  for (const std::string& path : State::subtree(state_->names, from)) {
    state_->names[to + path.substr(from.size())] = state_->names[path];
    state_->names.erase(path);
  }
  state_->move_durable_children(from, to);
  return {};
}

Result<void> MemoryFileSystem::remove(const std::string& given) {
  const std::lock_guard guard(state_->mutex);
  const std::string path = normal(given);
  MC_TRY(state_->find(path, "remove"));
  if (state_->has_children(path)) {
    return fail(errno_error(ENOTEMPTY, "remove", path));
  }
  MC_TRY(state_->admit("remove", path));
  state_->names.erase(path);
  return {};
}

Result<void> MemoryFileSystem::make_directories(const std::string& given,
                                                std::uint32_t permissions) {
  const std::lock_guard guard(state_->mutex);
  const std::string path = normal(given);
  MC_TRY(state_->powered());
  for (std::size_t end = 0; end < path.size();) {
    end = std::min(path.find('/', end + 1), path.size());
    const std::string part = path.substr(0, end);
    const auto found = state_->names.find(part);
    if (found == state_->names.end()) {
      MC_ASSIGN(auto node, state_->create(part, FileKind::kDirectory, permissions));
      state_->durable_names[part] = std::move(node);
    } else if (found->second->kind != FileKind::kDirectory) {
      return fail(errno_error(EEXIST, "make directory", part));
    }
  }
  return {};
}

Result<void> MemoryFileSystem::set_mode(const std::string& given, std::uint32_t permissions) {
  const std::lock_guard guard(state_->mutex);
  const std::string path = normal(given);
  MC_ASSIGN(const auto node, state_->find(path, "change the mode of"));
  MC_TRY(state_->admit("change the mode of", path));
  node->mode = permissions;
  return {};
}

Result<void> MemoryFileSystem::sync_directory(const std::string& given) {
  const std::lock_guard guard(state_->mutex);
  const std::string path = normal(given);
  MC_TRY(state_->find(path, "sync"));
  MC_TRY(state_->admit("sync", path));
  state_->make_entries_durable(path);
  return {};
}

Result<std::unique_ptr<FileLock>> MemoryFileSystem::lock(const std::string& given,
                                                         std::string_view note) {
  const std::lock_guard guard(state_->mutex);
  const std::string path = normal(given);
  MC_TRY(state_->powered());
  const auto held = state_->locks.find(path);
  if (held != state_->locks.end()) {
    return fail(Code::kConflict, "{} is locked by {}", path, held->second)
        .hint("stop that process, or wait for it to end");
  }
  if (!state_->names.contains(path)) {
    MC_TRY(state_->create(path, FileKind::kRegular, 0600));
  }
  state_->names[path]->content = note;
  state_->locks.emplace(path, note);
  return std::make_unique<MemoryLock>(state_, path);
}

Result<std::string> MemoryFileSystem::canonical(const std::string& path) {
  const std::lock_guard guard(state_->mutex);
  MC_TRY(state_->find(normal(path), "follow"));  // there are no links
  return normal(path);
}

Result<std::uint64_t> MemoryFileSystem::free_bytes(const std::string& path) {
  const std::lock_guard guard(state_->mutex);
  MC_TRY(state_->find(normal(path), "ask the free space of"));
  const std::uint64_t used = state_->used_bytes();
  return used < state_->capacity ? state_->capacity - used : 0;
}

void MemoryFileSystem::crash_after(std::uint64_t count) {
  const std::lock_guard guard(state_->mutex);
  state_->until_crash = count;
}

bool MemoryFileSystem::crashed() const {
  const std::lock_guard guard(state_->mutex);
  return state_->crashed;
}

void MemoryFileSystem::restart(Crash crash) {
  const std::lock_guard guard(state_->mutex);
  state_->restart(crash);
}

void MemoryFileSystem::fail_after(std::uint64_t count, int number, std::uint64_t times) {
  const std::lock_guard guard(state_->mutex);
  state_->until_fault = count;
  state_->fault_number = number;
  state_->faults_left = times;
}

void MemoryFileSystem::set_capacity(std::uint64_t bytes) {
  const std::lock_guard guard(state_->mutex);
  state_->capacity = bytes;
}

}  // namespace dsl::test
