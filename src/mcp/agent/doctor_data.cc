// The services' files against who uses them inside the containers. Three cases that look alike from
// inside ("operation not permitted", or "permission denied") have three different ways out, and
// none of them removes data.
#include <algorithm>
#include <map>
#include <utility>

#include "mcp/agent/doctor_checks.h"

namespace mcp::agent {

using dsl::text;
using dsl::env::FileInfo;
using dsl::env::FileKind;

namespace {

// A registry of images has some ten thousand blobs; what lies beyond is like what was seen.
constexpr std::size_t kFilesMax = 200000;

// How the ids of the host look inside the user's containers: its own is 0, its subordinate ones
// follow from 1 on, all others are 65534.
class IdMap {
 public:
  IdMap(std::uint32_t own, const std::optional<IdRange>& range)
      : own_(own), range_(range.value_or(IdRange{})) {}

  std::optional<std::uint32_t> inside(std::uint32_t host) const {
    if (host == own_) {
      return 0;
    }
    if (host >= range_.first && host < range_.first + range_.count) {
      return static_cast<std::uint32_t>(host - range_.first + 1);
    }
    return std::nullopt;
  }
  std::uint32_t outside(std::uint32_t inside) const {
    return inside == 0 ? own_ : static_cast<std::uint32_t>(range_.first + inside - 1);
  }

 private:
  std::uint32_t own_;
  IdRange range_;
};

// Whom a component runs as, inside.
struct RunsAs {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  bool known = true;       // false: a name, which only the image's own passwd can tell
  bool of_image = false;   // the definition leaves it to the image
  bool all_files = false;  // root with the capabilities that open any mapped file
};

std::optional<std::uint32_t> number_of(const std::string& word) {
  if (word.empty() || word.size() > 9 ||
      word.find_first_not_of("0123456789") != std::string::npos) {
    return std::nullopt;
  }
  return static_cast<std::uint32_t>(std::stoul(word));
}

bool may_override(const model::Component& component) {
  const auto names = [](const std::vector<std::string>& caps, const char* wanted) {
    return std::any_of(caps.begin(), caps.end(), [&](const std::string& cap) {
      return cap == wanted || cap == text("CAP_{}", wanted);
    });
  };
  const bool dropped = names(component.cap_drop, "ALL") || names(component.cap_drop, "all") ||
                       names(component.cap_drop, "DAC_OVERRIDE");
  return !dropped || names(component.cap_add, "DAC_OVERRIDE");
}

RunsAs runs_as(const DoctorContext& context, const model::Component& component) {
  RunsAs out;
  std::string user = component.user;
  if (user.empty()) {
    const std::optional<std::string> of_image = image_user(context, component.image);
    out.of_image = true;
    out.known = of_image.has_value();
    user = of_image.value_or("");
  }
  if (!user.empty() && user != "root") {
    const std::vector<std::string> parts = split_fields(user);
    const auto uid = number_of(parts.front());
    out.known = out.known && uid.has_value();
    out.uid = uid.value_or(0);
    out.gid = parts.size() > 1 ? number_of(parts[1]).value_or(0) : 0;
  }
  out.all_files = out.uid == 0 && may_override(component);
  return out;
}

bool is_database(const std::string& path) {
  for (const char* ending : {".db", ".sqlite", ".sqlite3"}) {
    for (const char* beside : {"", "-wal", "-shm", "-journal"}) {
      if (path.ends_with(std::string(ending) + beside)) {
        return true;
      }
    }
  }
  return false;
}

// Permission bits as they count for the user inside.
bool allows(const FileInfo& info, const IdMap& uids, const IdMap& gids, const RunsAs& who,
            std::uint32_t wanted) {
  std::uint32_t bits = info.mode & 7;
  if (uids.inside(info.uid) == who.uid) {
    bits = (info.mode >> 6) & 7;
  } else if (gids.inside(info.gid) == who.gid) {
    bits = (info.mode >> 3) & 7;
  }
  return (bits & wanted) == wanted;
}

// Files of one owner that are in the way, in one volume.
struct Group {
  std::size_t count = 0;
  std::string first;
  void add(const std::string& path) {
    first = count == 0 ? path : first;
    ++count;
  }
  std::string show() const { return count == 1 ? first : text("{} files, {} first", count, first); }
};

struct Volume {
  std::string service;
  std::string container;
  std::string path;
  bool read_only = false;
  RunsAs who;
};

class Look {
 public:
  Look(const DoctorContext& context, IdMap uids, IdMap gids)
      : context_(context), uids_(std::move(uids)), gids_(std::move(gids)) {}

  void at(const Volume& volume) {
    volume_ = &volume;
    outside_.clear();
    inside_.clear();
    roots_ = {};
    visit(volume.path);
    tell();
  }

  bool found_nothing() const { return findings_.empty(); }
  std::size_t seen() const { return seen_; }
  void missing(const Volume& volume) {
    add(text("{} of {} does not exist", volume.path, volume.container),
        "the service cannot start without its data",
        text("mount the file system of {}, or restore it from a copy; only for a new service: "
             "mkdir {}",
             volume.path, volume.path),
        std::nullopt);
  }

  DoctorFinding finding() const {
    DoctorFinding out = bad("fail", joined(findings_), consequence_, joined(fixes_));
    out.repairs = repairs_;
    return out;
  }

 private:
  void visit(const std::string& path) {
    if (++seen_ > kFilesMax) {
      return;
    }
    const Result<FileInfo> info = context_.env.files().stat(path, false);
    if (!info || info->kind == FileKind::kSymlink) {
      return;
    }
    std::vector<std::string> names;
    if (info->kind == FileKind::kDirectory) {
      // What we may not list belongs to a sub-uid: root sees more.
      names = context_.env.files().list(path).value_or(std::vector<std::string>{});
    }
    judge(path, *info, std::any_of(names.begin(), names.end(), is_database));
    for (const std::string& name : names) {
      visit(text("{}/{}", path, name));
    }
  }

  void judge(const std::string& path, const FileInfo& info, bool holds_database) {
    const bool must_write = !volume_->read_only && (is_database(path) || holds_database);
    const bool directory = info.kind == FileKind::kDirectory;
    const std::uint32_t wanted = 4U | (must_write ? 2U : 0U) | (directory ? 1U : 0U);
    const std::optional<std::uint32_t> owner = uids_.inside(info.uid);
    if (!owner) {
      // A file of the host's root that everybody may read is how certificates are put in place.
      const bool harmless = info.uid == 0 && (info.mode & wanted) == wanted;
      if (!harmless) {
        outside_[info.uid].add(path);
      }
      return;
    }
    const RunsAs& who = volume_->who;
    if (!who.known || who.all_files || allows(info, uids_, gids_, who, wanted)) {
      return;
    }
    if (*owner == 0 && who.of_image) {
      roots_.add(path);
    } else {
      inside_[*owner].add(path);
    }
  }

  void tell() {
    const RunsAs& who = volume_->who;
    const std::string& path = volume_->path;
    for (const auto& [uid, group] : outside_) {
      const std::string owner = text("{}:{}", uids_.outside(who.uid), gids_.outside(who.gid));
      add(text("{}: owned by uid {}, outside the map, so it is 65534 in {}", group.show(), uid,
               volume_->container),
          "chmod gives \"operation not permitted\" though writing may work; the data is sound",
          text("only the host's root can: chown -hR --from={} {} {}", uid, owner, path),
          Repair{.argv = {"chown", "-hR", text("--from={}", uid), owner, path},
                 .needs_root = true});
    }
    for (const auto& [uid, group] : inside_) {
      const std::string owner = text("{}:{}", who.uid, who.gid);
      add(text("{}: owned by {} inside {}, which runs as {}", group.show(), uid, volume_->container,
               who.uid),
          "the service gets \"permission denied\"; the data is sound",
          text("inside the namespace, as {}: podman unshare chown -hR --from={} {} {}",
               context_.user, uid, owner, path),
          Repair{
              .argv = {"podman", "unshare", "chown", "-hR", text("--from={}", uid), owner, path}});
    }
    if (roots_.count > 0) {
      add(text("{}: owned by container root, while {} runs as the image's user {}", roots_.show(),
               volume_->container, who.uid),
          "the service gets \"permission denied\"; the data is sound",
          text("user = \"0:0\" for it in the definition of {}, then mcp deploy {}",
               volume_->service, volume_->service),
          std::nullopt);
    }
  }

  void add(std::string finding, std::string consequence, std::string fix,
           std::optional<Repair> repair) {
    if (std::find(fixes_.begin(), fixes_.end(), fix) != fixes_.end()) {
      return;  // another component of the service has the same volume
    }
    findings_.push_back(std::move(finding));
    consequence_ = consequence_.empty() ? std::move(consequence) : consequence_;
    fixes_.push_back(std::move(fix));
    if (repair) {
      repairs_.push_back(std::move(*repair));
    }
  }

  const DoctorContext& context_;
  const IdMap uids_;
  const IdMap gids_;
  const Volume* volume_ = nullptr;
  std::map<std::uint32_t, Group> outside_;
  std::map<std::uint32_t, Group> inside_;
  Group roots_;
  std::size_t seen_ = 0;
  std::vector<std::string> findings_;
  std::vector<std::string> fixes_;
  std::vector<Repair> repairs_;
  std::string consequence_;
};

std::vector<Volume> volumes(const DoctorContext& context) {
  std::vector<Volume> out;
  for (const ServiceRecord& record : registered(context)) {
    for (const model::Component& component : record.service.components) {
      const RunsAs who = runs_as(context, component);
      for (const model::Volume& volume : component.volumes) {
        const bool read_only =
            std::find(volume.options.begin(), volume.options.end(), "ro") != volume.options.end();
        out.push_back({record.service.name, component.container, volume.host, read_only, who});
      }
    }
  }
  return out;
}

}  // namespace

DoctorFinding check_data(const DoctorContext& context) {
  if (context.uid == 0) {
    return skipped("containers of root have no map of ids");
  }
  const std::vector<Volume> all = volumes(context);
  if (all.empty()) {
    return skipped("no service is registered");
  }
  Look look(context, IdMap(context.uid, own_range(context, "/etc/subuid")),
            IdMap(context.gid, own_range(context, "/etc/subgid")));
  for (const Volume& volume : all) {
    if (context.env.files().exists(volume.path).value_or(false)) {
      look.at(volume);
    } else {
      look.missing(volume);
    }
  }
  return look.found_nothing()
             ? good(text("{} files can be used by those who own them inside", look.seen()))
             : look.finding();
}

}  // namespace mcp::agent
