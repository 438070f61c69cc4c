#include "mcp/agent/uploads.h"

#include <atomic>
#include <cerrno>
#include <vector>

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "dsl/env/errno_error.h"
#include "mcp/agent/upload_content.h"
#include "mcp/model/codes.h"

namespace mcp::agent {

using dsl::Code;
using dsl::Error;
using dsl::fail;
using dsl::Failure;
using dsl::text;
using files::Kind;
using files::Op;

namespace {

constexpr std::size_t kPieceBytes = 1u << 20;
// What may wait for the pieces before it: a client has a few on their way.
constexpr std::size_t kWaitingBytesMax = 8u << 20;
constexpr std::int64_t kFlushBytes = 8 << 20;
constexpr std::chrono::seconds kPartialKept = std::chrono::hours(24);
constexpr std::chrono::minutes kIdle{10};

// Of the target and the bytes: who tries again finds what the first attempt has left.
std::string partial_name(const FilePlace& target, const std::string& sha256) {
  const std::string key = dsl::sha256_hex(target.text() + '\0' + sha256);
  return std::string(files::kPartialPrefix) + key.substr(0, files::kPartialDigits);
}

Error no_space(const FilePlace& target, std::uint64_t wanted, std::uint64_t free) {
  return fail(Code::kNoSpace, "{} needs {} MiB, and {} MiB are free where it would lie",
              target.text(), (wanted >> 20) + 1, free >> 20)
      .id(model::code::kDiskFull)
      .hint(text("free space below {} on the node; nothing was changed", target.directory));
}

}  // namespace

// One file on its way. `mutex` guards what follows it.
class Uploads::Upload {
 public:
  Upload(dsl::env::Env& env, ServiceFiles& files, std::string caller, FilePlace place,
         const pb::BeginPutFileRequest& request)
      : id(env.random().hex(16)),
        subject(std::move(caller)),
        target(std::move(place)),
        partial(partial_name(target, request.sha256())),
        size(request.size_bytes()),
        sha256(request.sha256()),
        wanted_mode(request.mode()),
        env_(env),
        files_(files),
        content_(target.at.name()),
        used_(env.clock().mono_now()) {}

  // Opens the partial file and reads what is in it.
  Result<void> open() {
    const std::lock_guard lock(mutex_);
    MC_ASSIGN(ServiceFiles::Done done,
              files_.perform(folder(), {.op = Op::kOpenPartial, .partial = partial}));
    file_ = std::move(done.fd);
    std::int64_t there = static_cast<std::int64_t>(done.answer.info.size_bytes);
    if (there > size) {
      there = 0;
      if (::ftruncate(file_.get(), 0) != 0) {
        return fail(dsl::env::errno_error(errno, "write", target.text()));
      }
    }
    MC_TRY(check_space(there));
    return read_again(there);
  }

  Result<std::int64_t> take(std::int64_t offset, const std::string& bytes) {
    const std::lock_guard lock(mutex_);
    MC_TRY(still_good());
    const auto end = offset + static_cast<std::int64_t>(bytes.size());
    if (end > size) {
      return fail(Code::kInvalidArgument, "{} was announced with {} bytes", target.text(), size)
          .id(model::code::kFileChanged)
          .hint("push it again, when nobody writes to it");
    }
    if (offset > next_) {
      return keep(offset, bytes);
    }
    if (end <= next_) {
      return next_;  // it was here before
    }
    if (Result<void> written =
            write(std::string_view(bytes).substr(static_cast<std::size_t>(next_ - offset)));
        !written) {
      return broken(std::move(written).error());
    }
    while (!waiting_.empty() && waiting_.begin()->first <= next_) {
      const auto piece = waiting_.extract(waiting_.begin());
      waiting_bytes_ -= piece.mapped().size();
      const auto skip = static_cast<std::size_t>(next_ - piece.key());
      if (skip >= piece.mapped().size()) {
        continue;
      }
      if (Result<void> written = write(std::string_view(piece.mapped()).substr(skip)); !written) {
        return broken(std::move(written).error());
      }
    }
    return next_;
  }

  Result<pb::FileState> commit() {
    const std::lock_guard lock(mutex_);
    MC_TRY(still_good());
    if (next_ != size) {
      return fail(Code::kFailedPrecondition, "{} of {} bytes of {} are there", next_, size,
                  target.text())
          .hint("push it again: it goes on from there");
    }
    if (content_.sha256() != sha256) {
      drop();
      return broken(
          fail(Code::kConflict, "the bytes that came of {} are not those announced", target.text())
              .id(model::code::kFileChanged)
              .hint("push it again, when nobody writes to the file; what was there "
                    "before is untouched"));
    }
    Result<ServiceFiles::Done> done =
        files_.perform(folder(), {.op = Op::kCommit,
                                  .partial = partial,
                                  .target = target.at.name(),
                                  .mode = content_.mode(wanted_mode)});
    if (!done) {
      if (done.error().code() != Code::kUnavailable) {
        drop();  // another attempt would come to the same
      }
      return broken(std::move(done).error());
    }
    pb::FileState out = files_.describe(target.at.path, done->answer.info, done->by_helper);
    out.set_sha256(sha256);
    ended_ = true;
    return out;
  }

  // From now on every call for it is an error. Returns once none is at work: two that write into
  // one partial file would not know what is in it.
  void end() {
    ended_ = true;
    const std::lock_guard lock(mutex_);
  }

  std::int64_t offset() {
    const std::lock_guard lock(mutex_);
    return next_;
  }
  bool is_idle() const { return env_.clock().mono_now() - used_.load() > kIdle; }
  void use() { used_ = env_.clock().mono_now(); }
  bool same_file(const Upload& other) const {
    return target.service == other.target.service && target.at == other.target.at &&
           partial == other.partial;
  }

  const std::string id;
  const std::string subject;
  const FilePlace target;
  const std::string partial;
  const std::int64_t size;
  const std::string sha256;
  const std::uint32_t wanted_mode;

 private:
  FilePlace folder() const {
    return target.moved({.path = target.at.folder(), .is_directory = true});
  }

  Result<void> still_good() {
    if (ended_) {
      return fail(Code::kConflict, "another push of {} has taken over", target.text())
          .hint("one push of a file at a time");
    }
    return error_ ? Result<void>(tl::unexpected(*error_)) : Result<void>();
  }

  Result<void> check_space(std::int64_t there) const {
    struct statvfs disk {};
    if (::fstatvfs(file_.get(), &disk) != 0) {
      return {};  // the write will say
    }
    const std::uint64_t free = disk.f_bavail * disk.f_frsize;
    const auto wanted = static_cast<std::uint64_t>(size - there);
    if (wanted > free) {
      if (there == 0) {
        drop();
      }
      return tl::unexpected(no_space(target, wanted, free));
    }
    return {};
  }

  // The hash goes over all bytes, so those that are there are read.
  Result<void> read_again(std::int64_t there) {
    std::string piece;
    while (next_ < there) {
      piece.resize(kPieceBytes);
      const ssize_t count = ::pread(file_.get(), piece.data(), piece.size(), next_);
      if (count < 0 && errno == EINTR) {
        continue;
      }
      if (count < 0) {
        return fail(dsl::env::errno_error(errno, "read", target.text()));
      }
      if (count == 0) {
        break;
      }
      piece.resize(static_cast<std::size_t>(count));
      content_.add(piece);
      next_ += count;
    }
    flushed_ = next_;
    return {};
  }

  Result<std::int64_t> keep(std::int64_t offset, const std::string& bytes) {
    if (waiting_bytes_ + bytes.size() > kWaitingBytesMax) {
      return fail(Code::kFailedPrecondition, "byte {} of {} is missing", next_, target.text())
          .hint("send the pieces in order, a few at a time");
    }
    const auto [place, is_new] = waiting_.try_emplace(offset, bytes);
    if (is_new) {
      waiting_bytes_ += bytes.size();
    }
    return next_;
  }

  Result<void> write(std::string_view bytes) {
    content_.add(bytes);
    while (!bytes.empty()) {
      const ssize_t count = ::pwrite(file_.get(), bytes.data(), bytes.size(), next_);
      if (count < 0 && errno == EINTR) {
        continue;
      }
      if (count < 0) {
        return fail(dsl::env::errno_error(errno, "write", target.text()));
      }
      bytes.remove_prefix(static_cast<std::size_t>(count));
      next_ += count;
    }
    if (next_ - flushed_ >= kFlushBytes) {
      // So that the disk works meanwhile, and the sync at the end is short. A hint, no promise.
      (void)::sync_file_range(file_.get(), flushed_, next_ - flushed_, SYNC_FILE_RANGE_WRITE);
      flushed_ = next_;
    }
    return {};
  }

  // Nothing more can come of it: what hashing and file hold may differ.
  Failure broken(Error error) {
    if (error.code() == Code::kNoSpace) {
      drop();  // it is what fills the disk
      error.set_id(model::code::kDiskFull);
      error.set_hint(text("free space below {} on the node; what was there before is untouched",
                          target.directory));
    }
    error_ = error;
    return fail(std::move(error));
  }

  void drop() const {
    // Where it cannot be removed, the sweep tries again.
    (void)files_.perform(folder(), {.op = Op::kDropPartial, .partial = partial});
  }

  dsl::env::Env& env_;
  ServiceFiles& files_;
  std::mutex mutex_;
  files::UniqueFd file_;
  UploadContent content_;
  std::int64_t next_ = 0;  // so many bytes are written and hashed
  std::int64_t flushed_ = 0;
  std::map<std::int64_t, std::string> waiting_;  // by offset: pieces that came before their turn
  std::size_t waiting_bytes_ = 0;
  std::optional<Error> error_;
  std::atomic<bool> ended_ = false;
  std::atomic<dsl::env::MonoTime> used_;
};

Result<FilePlace> Uploads::target_of(const pb::BeginPutFileRequest& request) {
  if (!files::is_file_name(request.name()) || files::is_partial_name(request.name())) {
    return fail(Code::kInvalidArgument, "{} is no name for a file", shown_name(request.name()))
        .id(model::code::kFilePath)
        .hint("a name without slashes and control characters");
  }
  MC_ASSIGN(const FilePlace named, files_.place(request.service(), request.path()));
  FilePlace target = named;
  MC_ASSIGN(const std::optional<ServiceFiles::Done> there, files_.look(named, true));
  if (there && there->answer.info.kind == Kind::kDirectory) {
    target = named.moved(named.at.in(request.name()));
  } else if (named.at.is_directory) {
    return fail(there ? Code::kInvalidArgument : Code::kNotFound, "there is no directory {}",
                named.text())
        .hint(text("push makes none: mcp ls {} shows those that are there", named.service));
  }
  MC_ASSIGN(const std::optional<ServiceFiles::Done> former, files_.look(target, false));
  if (former) {
    MC_TRY(require_file(target, former->answer.info));
    return target;
  }
  const FilePlace folder = target.moved({.path = target.at.folder(), .is_directory = true});
  MC_ASSIGN(const std::optional<ServiceFiles::Done> around, files_.look(folder, true));
  if (!around || around->answer.info.kind != Kind::kDirectory) {
    return fail(Code::kNotFound, "there is no directory {}", folder.text())
        .hint(text("push makes none: mcp ls {} shows those that are there", named.service));
  }
  return target;
}

Result<pb::PutFileState> Uploads::begin(const std::string& subject,
                                        const pb::BeginPutFileRequest& request) {
  MC_ASSIGN(FilePlace target, target_of(request));
  pb::PutFileState state;
  state.set_path(target.at.path);
  if (request.change().dry_run()) {
    return state;
  }
  const auto oldest = env_.clock().now() - kPartialKept;
  // What cannot be swept is in nobody's way.
  (void)files_.perform(
      target.moved({.path = target.at.folder(), .is_directory = true}),
      {.op = Op::kSweep,
       .before_s =
           std::chrono::duration_cast<std::chrono::seconds>(oldest.time_since_epoch()).count()});
  const auto upload = std::make_shared<Upload>(env_, files_, subject, std::move(target), request);
  MC_TRY(admit(upload));
  if (Result<void> opened = upload->open(); !opened) {
    forget(upload->id);
    return tl::unexpected(std::move(opened).error());
  }
  state.set_upload(upload->id);
  state.set_offset(upload->offset());
  return state;
}

Result<pb::PutFileState> Uploads::chunk(const std::string& subject,
                                        const pb::PutFileChunkRequest& request) {
  MC_ASSIGN(const std::shared_ptr<Upload> upload, find(subject, request.upload()));
  MC_ASSIGN(const std::int64_t next, upload->take(request.offset(), request.data()));
  pb::PutFileState state;
  state.set_upload(upload->id);
  state.set_path(upload->target.at.path);
  state.set_offset(next);
  return state;
}

Result<pb::FileState> Uploads::finish(const std::string& subject, const std::string& id) {
  MC_ASSIGN(const std::shared_ptr<Upload> upload, find(subject, id));
  Result<pb::FileState> state = upload->commit();
  if (state || state.error().code() != Code::kFailedPrecondition) {
    forget(id);
  }
  if (state) {
    events_.add(Severity::kInfo, "file", upload->target.service, "",
                text("{} was put there by {}: {} bytes, sha256 {}", upload->target.text(), subject,
                     upload->size, upload->sha256));
  }
  return state;
}

Result<std::shared_ptr<Uploads::Upload>> Uploads::find(const std::string& subject,
                                                       const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto found = uploads_.find(id);
  if (found == uploads_.end() || found->second->subject != subject) {
    return fail(Code::kNotFound, "there is no upload {}", shown_name(id))
        .id(model::code::kFileChanged)
        .hint("push the file again: it goes on from what is there");
  }
  found->second->use();
  return found->second;
}

Result<void> Uploads::admit(const std::shared_ptr<Upload>& upload) {
  std::vector<std::shared_ptr<Upload>> going;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(uploads_, [&](const auto& entry) {
      const bool goes = entry.second->is_idle() || entry.second->same_file(*upload);
      if (goes) {
        going.push_back(entry.second);
      }
      return goes;
    });
    if (uploads_.size() >= kUploadsMax) {
      return fail(Code::kRateLimited, "{} files are on their way to this node already",
                  uploads_.size())
          .hint("try again when some of them have arrived");
    }
    uploads_[upload->id] = upload;
  }
  for (const std::shared_ptr<Upload>& each : going) {
    each->end();
  }
  return {};
}

void Uploads::forget(const std::string& id) {
  const std::lock_guard lock(mutex_);
  uploads_.erase(id);
}

}  // namespace mcp::agent
