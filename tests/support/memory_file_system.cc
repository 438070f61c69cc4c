#include "support/memory_file_system.h"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <map>
#include <mutex>
#include <optional>

#include "dsl/env/errno_error.h"

namespace dsl::test {

using env::errno_error;
using env::File;
using env::FileInfo;
using env::FileKind;
using env::FileLock;
using env::Mapping;
using env::OpenMode;
using env::RangeLock;

namespace {

constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

// The second half of a write, and what was there before it.
struct Tear {
  std::size_t offset = 0;
  std::string replaced;
  std::size_t size_before = 0;  // of the file
};

struct HeldRange {
  const void* holder = nullptr;  // the open file
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  RangeLock kind = RangeLock::kNone;
};

using Memory = std::vector<std::byte>;

struct Node {
  FileKind kind = FileKind::kRegular;
  std::uint32_t mode = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint64_t inode = 0;
  std::int64_t modified_ns = 0;
  std::int64_t changed_ns = 0;
  std::string content;       // but for what `mapped` holds of it
  std::string durable;       // as of the last sync
  std::optional<Tear> tear;  // of the last write, if nothing came after it
  std::map<std::uint64_t, std::shared_ptr<Memory>> mapped;  // by offset
  std::vector<HeldRange> held;

  // A lock of another file that does not go with the one wanted; null when there is none.
  const HeldRange* in_the_way(const void* holder, std::uint64_t begin, std::uint64_t end,
                              RangeLock wanted) const {
    for (const HeldRange& other : held) {
      if (other.holder != holder && other.begin < end && begin < other.end &&
          (wanted == RangeLock::kExclusive || other.kind == RangeLock::kExclusive)) {
        return &other;
      }
    }
    return nullptr;
  }

  // Takes the range out of what `holder` has, which may leave pieces on both sides.
  void let_go(const void* holder, std::uint64_t begin, std::uint64_t end) {
    std::vector<HeldRange> left;
    for (const HeldRange& range : held) {
      if (range.holder != holder || range.end <= begin || end <= range.begin) {
        left.push_back(range);
        continue;
      }
      if (range.begin < begin) {
        left.push_back({holder, range.begin, begin, range.kind});
      }
      if (end < range.end) {
        left.push_back({holder, end, range.end, range.kind});
      }
    }
    held = std::move(left);
  }

  // Brings what was written through mappings into the content, and the other way round.
  void take_from_mapped() {
    for (const auto& [offset, memory] : mapped) {
      std::copy(
          memory->begin(), memory->end(),
          std::as_writable_bytes(std::span(content)).begin() + static_cast<std::ptrdiff_t>(offset));
    }
  }
  void give_to_mapped(std::uint64_t begin, std::uint64_t end) {
    for (const auto& [offset, memory] : mapped) {
      for (std::uint64_t at = std::max(begin, offset); at < std::min(end, offset + memory->size());
           ++at) {
        (*memory)[at - offset] = static_cast<std::byte>(content[at]);
      }
    }
  }

  void tear_last_write() {
    if (tear) {
      content.replace(tear->offset, tear->replaced.size(), tear->replaced);
      content.resize(std::max(tear->size_before, tear->offset));
    }
  }
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
  std::int64_t changes = 0;
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

  void touch(Node& node, bool content) {
    node.changed_ns = ++changes;
    if (content) {
      node.modified_ns = node.changed_ns;
    }
  }

  static FileInfo describe(const Node& node) {
    FileInfo info;
    info.kind = node.kind;
    info.size_bytes = node.content.size();
    info.mode = node.mode;
    info.uid = node.uid;
    info.gid = node.gid;
    info.inode = node.inode;
    info.modified_ns = node.modified_ns;
    info.changed_ns = node.changed_ns;
    return info;
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
    touch(*node, true);
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
      node->take_from_mapped();
      if (crash.data == Crash::Data::kLost) {
        node->content = node->durable;
      } else if (crash.data == Crash::Data::kTorn) {
        node->tear_last_write();
      }
      node->durable = node->content;
      node->tear.reset();
      node->mapped.clear();
      node->held.clear();
    }
    durable_names = names;
    locks.clear();
    crashed = false;
    until_crash = kNever;
    until_fault = kNever;
    faults_left = 0;
    ++epoch;
  }
};

namespace {

using State = MemoryFileSystem::State;

class MemoryMapping final : public Mapping {
 public:
  explicit MemoryMapping(std::shared_ptr<Memory> memory) : memory_(std::move(memory)) {}
  std::span<std::byte> bytes() override { return *memory_; }

 private:
  std::shared_ptr<Memory> memory_;
};

class MemoryFile final : public File {
 public:
  MemoryFile(std::shared_ptr<State> state, std::shared_ptr<Node> node, std::string path,
             OpenMode mode)
      : state_(std::move(state)),
        node_(std::move(node)),
        path_(std::move(path)),
        writable_(mode != OpenMode::kRead),
        appends_(mode == OpenMode::kAppend),
        epoch_(state_->epoch) {}
  ~MemoryFile() override {
    const std::lock_guard guard(state_->mutex);
    node_->let_go(this, 0, kNever);
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) override {
    const std::lock_guard guard(state_->mutex);
    MC_TRY(usable());
    node_->take_from_mapped();
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
    if (appends_) {
      offset = node_->content.size();
    }
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
    node_->take_from_mapped();
    std::erase_if(node_->mapped, [&](const auto& range) {
      return range.first + range.second->size() > size_bytes;
    });
    node_->content.resize(static_cast<std::size_t>(size_bytes));
    node_->tear.reset();
    state_->touch(*node_, true);
    return {};
  }

  Result<void> sync() override {
    const std::lock_guard guard(state_->mutex);
    MC_TRY(usable());
    MC_TRY(state_->admit("sync", path_));
    node_->take_from_mapped();
    node_->durable = node_->content;
    node_->tear.reset();
    return {};
  }

  Result<void> sync_data() override { return sync(); }

  Result<std::uint64_t> size() override {
    const std::lock_guard guard(state_->mutex);
    MC_TRY(usable());
    return node_->content.size();
  }

  Result<FileInfo> info() override {
    const std::lock_guard guard(state_->mutex);
    MC_TRY(usable());
    return State::describe(*node_);
  }

  Result<bool> lock_range(std::uint64_t offset, std::uint64_t length, RangeLock kind) override {
    MC_ASSERT(length > 0, "a range has bytes");
    const std::lock_guard guard(state_->mutex);
    MC_TRY(usable());
    if (kind == RangeLock::kExclusive) {
      MC_TRY(may_write());
    }
    if (kind != RangeLock::kNone && node_->in_the_way(this, offset, offset + length, kind)) {
      return false;
    }
    node_->let_go(this, offset, offset + length);
    if (kind != RangeLock::kNone) {
      node_->held.push_back({this, offset, offset + length, kind});
    }
    return true;
  }

  Result<RangeLock> others_lock(std::uint64_t offset, std::uint64_t length) override {
    const std::lock_guard guard(state_->mutex);
    MC_TRY(usable());
    const HeldRange* other =
        node_->in_the_way(this, offset, offset + length, RangeLock::kExclusive);
    return other != nullptr ? other->kind : RangeLock::kNone;
  }

  Result<std::unique_ptr<Mapping>> map_shared(std::uint64_t offset, std::size_t length) override {
    const std::lock_guard guard(state_->mutex);
    MC_TRY(usable());
    MC_ASSERT(offset + length <= node_->content.size(), "a mapped range lies inside the file");
    std::shared_ptr<Memory>& memory = node_->mapped[offset];
    if (memory == nullptr) {
      const auto bytes = std::as_bytes(std::span(node_->content)).subspan(offset, length);
      memory = std::make_shared<Memory>(bytes.begin(), bytes.end());
    }
    MC_ASSERT(memory->size() == length, "mapped ranges are equal or apart");
    return std::make_unique<MemoryMapping>(memory);
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
    node_->take_from_mapped();
    std::string& content = node_->content;
    Tear tear;
    tear.offset = static_cast<std::size_t>(offset) + data.size() / 2;
    tear.size_before = content.size();
    if (tear.offset < content.size()) {
      tear.replaced = content.substr(tear.offset, data.size() - data.size() / 2);
    }
    overwrite(content, offset, data);
    node_->tear = std::move(tear);
    node_->give_to_mapped(offset, offset + data.size());
    state_->touch(*node_, true);
  }

  std::shared_ptr<State> state_;
  std::shared_ptr<Node> node_;
  std::string path_;
  bool writable_;
  bool appends_;
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
  if (there && mode == OpenMode::kCreateNew) {
    return fail(errno_error(EEXIST, "create", path));
  }
  if (!there && (mode == OpenMode::kRead || mode == OpenMode::kReadWrite)) {
    return fail(errno_error(ENOENT, "open", path));
  }
  if (!there) {
    MC_ASSIGN(auto node, state_->create(path, FileKind::kRegular, permissions));
    return std::make_unique<MemoryFile>(state_, std::move(node), path, mode);
  }
  const std::shared_ptr<Node> node = state_->names[path];
  if (node->kind == FileKind::kDirectory) {
    return fail(errno_error(EISDIR, "open", path));
  }
  if (mode == OpenMode::kTruncate) {
    MC_TRY(state_->admit("truncate", path));
    node->content.clear();
    node->tear.reset();
    node->mapped.clear();
    state_->touch(*node, true);
  }
  return std::make_unique<MemoryFile>(state_, node, path, mode);
}

Result<FileInfo> MemoryFileSystem::stat(const std::string& path, bool) {
  const std::lock_guard guard(state_->mutex);
  MC_ASSIGN(const auto node, state_->find(normal(path), "stat"));
  return State::describe(*node);
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
  state_->touch(*node, false);
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
  state_->touch(*node, false);
  return {};
}

Result<void> MemoryFileSystem::set_owner(const std::string& given, std::uint32_t uid,
                                         std::uint32_t gid) {
  const std::lock_guard guard(state_->mutex);
  const std::string path = normal(given);
  MC_ASSIGN(const auto node, state_->find(path, "change the owner of"));
  MC_TRY(state_->admit("change the owner of", path));
  node->uid = uid;
  node->gid = gid;
  state_->touch(*node, false);
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

std::uint64_t MemoryFileSystem::faults_left() const {
  const std::lock_guard guard(state_->mutex);
  return state_->faults_left;
}

void MemoryFileSystem::set_capacity(std::uint64_t bytes) {
  const std::lock_guard guard(state_->mutex);
  state_->capacity = bytes;
}

}  // namespace dsl::test
