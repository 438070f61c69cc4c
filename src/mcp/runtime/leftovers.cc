#include "mcp/runtime/leftovers.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <tuple>

namespace mcp::runtime {

namespace {

constexpr std::size_t kIdLength = 64;

bool is_id(std::string_view text) {
  return text.size() == kIdLength && std::all_of(text.begin(), text.end(), [](char c) {
           return std::isxdigit(static_cast<unsigned char>(c)) != 0;
         });
}

bool starts_with(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

std::string value_after(const std::vector<std::string>& arguments, std::string_view option) {
  const auto at = std::find(arguments.begin(), arguments.end(), option);
  return at == arguments.end() || at + 1 == arguments.end() ? "" : *(at + 1);
}

// Whether the last pid namespace of the process has it as its first: "NSpid:\t4711\t1".
bool is_first_of_a_namespace(std::string_view status) {
  const auto at = status.find("NSpid:");
  if (at == std::string_view::npos) {
    return false;
  }
  const std::string_view line = status.substr(at, status.find('\n', at) - at);
  return std::count(line.begin(), line.end(), '\t') > 1 && line.substr(line.size() - 2) == "\t1";
}

// The container whose files are mounted: ".../overlay-containers/<id>/userdata/hosts".
std::string container_in_mounts(std::string_view mounts) {
  constexpr std::string_view kFolder = "/overlay-containers/";
  for (auto at = mounts.find(kFolder); at != std::string_view::npos;
       at = mounts.find(kFolder, at + 1)) {
    const std::string_view id = mounts.substr(at + kFolder.size(), kIdLength);
    if (is_id(id)) {
      return std::string(id);
    }
  }
  return "";
}

// One pass over the processes.
class Search {
 public:
  Search(const Proc& proc, const std::string& run_root, std::uint32_t uid)
      : proc_(proc), containers_(run_root + "/overlay-containers/"), uid_(uid) {}

  std::vector<Leftover> run() {
    for (const int pid : proc_.pids()) {
      look_at(pid);
    }
    // Only with all conmons known can forwarders and containers be told from those of other stores.
    for (const auto& [pid, start_ticks] : forwarders_) {
      add_forwarder(pid, start_ticks);
    }
    for (auto& found : containers_found_) {
      if (const auto name = names_.find(found.container_id); name != names_.end()) {
        found.name = name->second;
        found_.push_back(std::move(found));
      }
    }
    std::sort(found_.begin(), found_.end(), [](const Leftover& a, const Leftover& b) {
      return std::tie(a.container_id, a.kind, a.pid) < std::tie(b.container_id, b.kind, b.pid);
    });
    return std::move(found_);
  }

 private:
  void look_at(int pid) {
    const auto stat = proc_.stat(pid);
    if (!stat || !stat->alive()) {
      return;
    }
    if (proc_.owner(pid) == uid_ && stat->name == "conmon") {
      add_conmon(*stat);
    } else if (proc_.owner(pid) == uid_ &&
               (stat->name == "rootlessport" || is_forwarder_child(pid))) {
      forwarders_.emplace_back(pid, stat->start_ticks);
    } else if (is_first_of_a_namespace(proc_.file(pid, "status"))) {
      add_container(*stat);
    }
  }

  bool is_forwarder_child(int pid) const {
    const auto arguments = proc_.cmdline(pid);
    return !arguments.empty() && starts_with(arguments[0], "rootlessport");
  }

  void add_conmon(const ProcessStat& stat) {
    const auto arguments = proc_.cmdline(stat.pid);
    const std::string id = value_after(arguments, "-c");
    const bool ours = std::any_of(arguments.begin(), arguments.end(), [&](const auto& argument) {
      return starts_with(argument, containers_ + id + "/");
    });
    if (!is_id(id) || !ours) {
      return;
    }
    const std::string name = value_after(arguments, "-n");
    names_.emplace(id, name);
    for (auto& target : proc_.descriptors(stat.pid)) {
      if (starts_with(target, "pipe:")) {
        pipes_[std::move(target)].insert(id);
      }
    }
    found_.push_back({Leftover::Kind::kConmon, stat.pid, stat.start_ticks, id, name});
  }

  void add_container(const ProcessStat& stat) {
    const std::string mounts = proc_.file(stat.pid, "mountinfo");
    const std::string id = container_in_mounts(mounts);
    if (id.empty()) {
      return;
    }
    // Without a conmon only the mounts tell whose store it is: they name its folders in full,
    // unless the run root is a file system of its own and they start there.
    if (mounts.find(containers_ + id) != std::string::npos) {
      names_.emplace(id, "");
    }
    containers_found_.push_back({Leftover::Kind::kContainer, stat.pid, stat.start_ticks, id, ""});
  }

  void add_forwarder(int pid, std::uint64_t start_ticks) {
    std::set<std::string> votes;
    for (const auto& target : proc_.descriptors(pid)) {
      const auto shared = pipes_.find(target);
      // A pipe that several conmons inherited (an output of the service) says nothing.
      if (shared != pipes_.end() && shared->second.size() == 1) {
        votes.insert(*shared->second.begin());
      }
    }
    if (votes.size() == 1) {
      const std::string& id = *votes.begin();
      found_.push_back({Leftover::Kind::kForwarder, pid, start_ticks, id, names_[id]});
    }
  }

  const Proc& proc_;
  const std::string containers_;
  const std::uint32_t uid_;
  std::vector<Leftover> found_;
  std::vector<Leftover> containers_found_;
  std::vector<std::pair<int, std::uint64_t>> forwarders_;
  std::map<std::string, std::string> names_;            // container id -> name, of this store
  std::map<std::string, std::set<std::string>> pipes_;  // "pipe:[7]" -> ids of containers
};

}  // namespace

std::vector<Leftover> find_leftovers(const Proc& proc, const std::string& run_root,
                                     std::uint32_t uid) {
  return Search(proc, run_root, uid).run();
}

}  // namespace mcp::runtime
