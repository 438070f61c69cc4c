#include <array>
#include <vector>

#include <grp.h>
#include <pwd.h>

#include "dsl/rpc/api.h"

namespace dsl::rpc {

namespace {

// Asks the user database each time: a member added later needs no restart.
bool is_member(const Peer& peer, const std::string& group) {
  if (group.empty()) {
    return false;
  }
  std::array<char, 16384> buffer;
  struct group entry {};
  struct group* found = nullptr;
  if (getgrnam_r(group.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 ||
      found == nullptr) {
    return false;
  }
  const gid_t wanted = entry.gr_gid;
  if (peer.gid == wanted) {
    return true;
  }
  struct passwd user {};
  struct passwd* known = nullptr;
  if (getpwuid_r(peer.uid, &user, buffer.data(), buffer.size(), &known) != 0 || known == nullptr) {
    return false;
  }
  std::array<gid_t, 1024> groups;
  int count = static_cast<int>(groups.size());
  if (getgrouplist(user.pw_name, user.pw_gid, groups.data(), &count) < 0) {
    return false;
  }
  for (int i = 0; i < count; ++i) {
    if (groups[static_cast<std::size_t>(i)] == wanted) {
      return true;
    }
  }
  return false;
}

}  // namespace

Authenticator local_authenticator(std::uint32_t service_uid, std::string group) {
  return [service_uid, group = std::move(group)](const Peer& peer) -> Result<Caller> {
    if (!peer.local) {
      return fail(Code::kUnauthenticated, "only the local socket is trusted")
          .hint("call it on the machine itself");
    }
    if (peer.uid != 0 && peer.uid != service_uid && !is_member(peer, group)) {
      return fail(Code::kPermissionDenied, "uid {} may not use the local socket", peer.uid)
          .hint(group.empty() ? text("run it as root or as uid {}", service_uid)
                              : text("run it as root, as uid {}, or as a member of group {}",
                                     service_uid, group));
    }
    return Caller{text("uid:{}", peer.uid), {"admin"}, "local", "local"};
  };
}

}  // namespace dsl::rpc
