#include "mcp/model/runbook.h"

#include <algorithm>
#include <set>

#include "dsl/hash/sha256.h"
#include "mcp/model/catalogue.h"
#include "mcp/model/model.h"
#include "mcp/model/render.h"
#include "mcp/model/words.h"

namespace mcp::model {

using dsl::text;

namespace {

// What people met in the field, in the order in which it shows.
constexpr const char* kErrors[] = {
    code::kUidMapDenied,
    code::kUidPinned,
    code::kNameHeldByStore,
    code::kImageMissing,
    code::kAddressInUse,
    code::kPrivilegedPorts,
    code::kHostDirectoryMissing,
    code::kChmodDenied,
    code::kData,
    code::kImageRegistryRefused,
    code::kResolvers,
    code::kContainerStale,
    code::kPortDead,
    code::kAgentUnreachable,
    code::kPodmanNotFound,
};

class Writer {
 public:
  explicit Writer(const Runbook& runbook) : book_(runbook), node_(runbook.node) {}

  Document write() {
    introduction();
    prerequisites();
    images();
    names_and_networks();
    stages();
    hand_back();
    errors();
    services();
    return std::move(page_);
  }

 private:
  const Component& component_of(const RunbookStep& step) const {
    const Component* component = step.service.find(step.component);
    MC_ASSERT(component != nullptr, "a step names a component of its service");
    return *component;
  }

  // `pick` of every container that is to run, once each, in order.
  template <class Pick>
  std::vector<std::string> of_running(Pick pick) const {
    std::vector<std::string> found;
    for (const RunbookStep& step : book_.steps) {
      for (const std::string& item :
           step.runs ? pick(component_of(step)) : std::vector<std::string>()) {
        if (std::find(found.begin(), found.end(), item) == found.end()) {
          found.push_back(item);
        }
      }
    }
    return found;
  }

  static std::string quoted(const std::vector<std::string>& words) {
    std::string out;
    for (const std::string& word : words) {
      out += (out.empty() ? "" : " ") + quote_shell(word);
    }
    return out;
  }

  std::string specifications() const {
    std::string all;
    for (const RunbookStep& step : book_.steps) {
      all += text("{} {} {}\n", step.service.name, step.sha256, step.runs);
    }
    return dsl::sha256_hex(all);
  }

  void introduction() {
    page_.heading(1, text("Runbook of node {}", node_.name));
    page_.paragraph(text(
        "How to bring every service of this node back by hand, in order, with podman alone: no "
        "agent, no names, no sign-in, no image registry. Made by mcp-agent {} from its registry as "
        "of {}; specifications {}. It is written anew after each change of the registry.",
        node_.agent_version, book_.as_of, specifications().substr(0, 16)));
    page_.paragraph(
        "The short way comes first: `mcp-agent recover --dry-run`, then `mcp-agent recover`, does "
        "all of this by itself, with or without a running agent. This page is for when it cannot.");
    page_.paragraph(text(
        "Every block below is for bash, as the user `{}` on this machine (`su - {}`, with "
        "`HOME={}` and `XDG_RUNTIME_DIR={}`). Each may be pasted as it is, in the order of the "
        "page, and again after an interruption: what is there already is left alone. Nothing here "
        "removes data, and nothing ever should: a database that cannot be opened has a wrong "
        "owner, not wrong content.",
        node_.user, node_.user, node_.home, node_.runtime_dir));
  }

  // One test, and what is wrong when it fails: no `exit`, which would end a pasted-to shell.
  void check(std::string& lines, const std::string& test, const std::string& wrong) {
    lines += text("{}{} || { echo {} >&2; false; }", lines.empty() ? "" : "\n", test,
                  quote_shell(wrong));
  }

  int lowest_port() const {
    int lowest = 65536;
    for (const RunbookStep& step : book_.steps) {
      const Component& component = component_of(step);
      for (const Port& port : host_addresses(component)) {
        lowest = std::min<int>(lowest, port.host);
      }
      if (component.network == "host" && component.health.port != 0) {
        lowest = std::min<int>(lowest, component.health.port);
      }
    }
    return lowest;
  }

  void prerequisites() {
    page_.heading(2, "Prerequisites");
    std::vector<std::vector<std::string>> rows = {
        {"node", node_.name},
        {"user", text("`{}`, uid {}, gid {}: never change them", node_.user, node_.uid, node_.gid)},
        {"subordinate ids",
         text("`{}` in /etc/subuid, `{}` in /etc/subgid", node_.subuid, node_.subgid)},
        {"home", text("`{}`", node_.home)},
        {"runtime directory", text("`{}`", node_.runtime_dir)},
        {"container store", text("`{}`", node_.graph_root)},
        {"podman", node_.podman_version},
        {"registry of the agent",
         text("`{}`, mirrored in `{}`", node_.registry_path, node_.specs_dir)},
        {"platform CA", node_.ca_file.empty() ? "none: certificates are not verified"
                                              : text("`{}`", node_.ca_file)},
    };
    for (const auto& [label, address] : node_.addresses) {
      rows.push_back({"address @" + label, address});
    }
    page_.table({"what", "on this node"}, std::move(rows));
    page_.paragraph("Each line of this block names what is wrong, if something is:");

    std::string lines;
    check(lines, text("test \"$(id -u):$(id -g)\" = {}:{}", node_.uid, node_.gid),
          text("this is not {}, uid {} gid {}", node_.user, node_.uid, node_.gid));
    check(lines, text("test \"$HOME\" = {}", quote_shell(node_.home)),
          text("HOME is not {}", node_.home));
    check(lines, text("test \"$XDG_RUNTIME_DIR\" = {}", quote_shell(node_.runtime_dir)),
          text("XDG_RUNTIME_DIR is not {}", node_.runtime_dir));
    check(lines, text("test -d {}", quote_shell(node_.runtime_dir)),
          text("as root: loginctl enable-linger {}", node_.user));
    if (!node_.subuid.empty() && node_.uid != 0) {
      check(lines, text("grep -qxF {} /etc/subuid", quote_shell(node_.subuid)),
            "as root: write that line to /etc/subuid");
      check(lines, text("grep -qxF {} /etc/subgid", quote_shell(node_.subgid)),
            "as root: write that line to /etc/subgid");
    }
    if (lowest_port() < 1024 && node_.uid != 0) {
      check(lines,
            text("test \"$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)\" -le {}",
                 lowest_port()),
            text("as root: sysctl -w net.ipv4.ip_unprivileged_port_start={}", lowest_port()));
    }
    check(lines, "test -c /dev/net/tun", "as root: modprobe tun");
    for (const char* tool : {"podman", "curl", "dig", "timeout", "od"}) {
      check(lines, text("command -v {} >/dev/null", tool),
            text("{} is not installed (apt-get install podman curl bind9-dnsutils)", tool));
    }
    check(lines,
          text("test \"$(podman info --format '{{.Store.GraphRoot}}')\" = {}",
               quote_shell(node_.graph_root)),
          text("podman's store is not {}", node_.graph_root));
    for (const std::string& folder : of_running([](const Component& component) {
           std::vector<std::string> hosts;
           for (const Volume& volume : component.volumes) {
             hosts.push_back(volume.host);
           }
           return hosts;
         })) {
      check(lines, text("test -e {}", quote_shell(folder)),
            text("{} is not there: mount its file system, or restore it; do not make it empty",
                 folder));
    }
    page_.commands(std::move(lines));
  }

  void images() {
    page_.heading(2, "Images");
    const std::vector<std::string> wanted =
        of_running([](const Component& component) { return std::vector{component.image}; });
    if (wanted.empty()) {
      page_.paragraph("Nothing is to run, so no image is needed.");
      return;
    }
    std::vector<std::string> folders;
    std::string globs;
    for (const std::string& folder : node_.image_dirs) {
      folders.push_back(text("`{}`", folder));
      globs += text(" {}/*.tar {}/*.tar.zst", quote_shell(folder), quote_shell(folder));
    }
    std::string places;
    for (const std::string& folder : folders) {
      places += (places.empty() ? "" : ", ") + folder;
    }
    page_.paragraph(text(
        "No registry is needed for images that podman has. Archives are kept in {}; one from "
        "another machine (`podman save -o FILE IMAGE` there) is loaded by `podman load -i FILE`. "
        "The block loads archives only when an image is missing.",
        places.empty() ? "no folder" : places));
    std::string lines = text("images={}\n", quote_shell(quoted(wanted)));
    lines +=
        "missing() { for image in $images; do podman image exists \"$image\" || echo "
        "\"$image\"; done; }\n";
    if (!globs.empty()) {
      lines += text(
          "if [ -n \"$(missing)\" ]; then\n  for archive in{}; do\n    if [ -e "
          "\"$archive\" ]; then podman load -q -i \"$archive\"; fi\n  done\nfi\n",
          globs);
    }
    lines += "test -z \"$(missing)\" || { echo \"missing: $(missing)\" >&2; false; }";
    page_.commands(std::move(lines));
  }

  void names_and_networks() {
    page_.heading(2, "Names and networks");
    page_.paragraph(
        "After podman has lost its database its image store still reserves the old names, and "
        "creation fails with \"name already in use\". The block releases such names, and only "
        "those: a container that podman knows is left alone. If a process of a lost container "
        "still runs it holds its ports; a restart of the machine ends it, and so does `mcp-agent "
        "recover`. A container that podman calls running though its gate never passes has lost its "
        "process or its port forwarder: `podman rm --force NAME`, then its block again; its data "
        "lies in the mounted directory and stays.");
    const std::vector<std::string> names =
        of_running([](const Component& component) { return std::vector{component.container}; });
    const std::vector<std::string> networks = of_running([](const Component& component) {
      const std::string& network = component.network;
      const bool builtin = network == "host" || network == "none" || network == "default";
      return builtin ? std::vector<std::string>() : std::vector{network};
    });
    std::string lines;
    if (!names.empty()) {
      lines = text(
          "for name in {}; do\n  podman container exists \"$name\" || ! podman container exists "
          "--external \"$name\" ||\n    podman rm --force \"$name\"\ndone",
          quoted(names));
    }
    for (const std::string& network : networks) {
      lines += text("{}podman network exists {} || podman network create {}",
                    lines.empty() ? "" : "\n", quote_shell(network), quote_shell(network));
    }
    if (!lines.empty()) {
      page_.commands(std::move(lines));
    }
  }

  void stages() {
    std::string stage;
    int number = 0;
    for (const RunbookStep& step : book_.steps) {
      if (!step.runs) {
        continue;
      }
      if (step.stage != stage) {
        stage = step.stage;
        page_.heading(2, text("Stage {}: {}", ++number, stage));
        page_.paragraph("Go on only when every gate of this stage passes.");
      }
      start(step);
    }
  }

  void start(const RunbookStep& step) {
    const Component& component = component_of(step);
    page_.heading(3, text("{}/{}", step.service.name, step.component));
    std::vector<std::string> secrets;
    for (const SecretUse& secret : component.secrets) {
      secrets.push_back("`" + secret.name + "`");
    }
    if (!secrets.empty()) {
      std::string names;
      for (const std::string& secret : secrets) {
        names += (names.empty() ? "" : ", ") + secret;
      }
      page_.paragraph(
          text("It needs the podman secrets {} (`podman secret create NAME FILE`); "
               "their values are not in this page.",
               names));
    }
    // An existing container is started again: after an interruption it may be there already.
    page_.commands(text("podman container exists {} ||\n  {}\npodman start {}\n{}",
                        quote_shell(component.container),
                        render_run_line(step.service, component, step.ports),
                        quote_shell(component.container), gate_commands(node_, step)));
  }

  void hand_back() {
    page_.heading(2, "Everything is up");
    const std::vector<std::string> names =
        of_running([](const Component& component) { return std::vector{component.container}; });
    if (!names.empty()) {
      page_.commands(
          text("for name in {}; do\n  test \"$(podman inspect -f "
               "'{{.State.Running}}' \"$name\")\" = true || { echo \"$name does not "
               "run\" >&2; false; }\ndone",
               quoted(names)));
    }
    std::set<std::string> services;
    std::string adopt;
    for (const RunbookStep& step : book_.steps) {
      if (step.runs && services.insert(step.service.name).second) {
        adopt += (adopt.empty() ? "mcp adopt " : "\nmcp adopt ") + step.service.name;
      }
    }
    page_.paragraph(
        "Hand the containers back to the agent once it runs: it takes them over without a restart "
        "and gives them its labels at their next deploy. On a node whose registry was lost, first "
        "`mcp-agent rebuild`.");
    if (!adopt.empty()) {
      page_.example(std::move(adopt));
    }
  }

  void errors() {
    page_.heading(2, "What goes wrong, and the way out");
    std::vector<std::vector<std::string>> rows;
    for (const char* code : kErrors) {
      if (const CatalogueEntry* entry = explain(code)) {
        rows.push_back({std::string(entry->code), std::string(entry->title),
                        std::string(entry->meaning), std::string(entry->fix)});
      }
    }
    page_.table({"code", "what is seen", "why", "way out"}, std::move(rows));
  }

  // The file that the command line names.
  static std::string config_path(const Component& component) {
    const std::vector<std::string> words = component.cmd.value_or(std::vector<std::string>());
    for (std::size_t i = 0; i + 1 < words.size(); ++i) {
      if (words[i] == "--config" || words[i] == "-c" || words[i] == "-f") {
        return text("`{}`", words[i + 1]);
      }
    }
    return "";
  }

  void services() {
    page_.heading(2, "Services");
    std::vector<std::vector<std::string>> rows;
    for (const RunbookStep& step : book_.steps) {
      const Component& component = component_of(step);
      std::string ports;
      for (const Port& port : host_addresses(component)) {
        ports += (ports.empty() ? "" : ", ") + format_port(port);
      }
      rows.push_back({text("{}/{}", step.service.name, step.component),
                      step.runs ? step.stage : step.stage + ", stopped", component.container,
                      text("`{}`", component.image), component.network, ports,
                      config_path(component), component.health.type, text("{}", step.generation),
                      step.sha256.substr(0, 12)});
    }
    page_.table({"service", "stage", "container", "image", "network", "ports", "configuration",
                 "gate", "generation", "specification"},
                std::move(rows));
  }

  const Runbook& book_;
  const RunbookNode& node_;
  Document page_;
};

}  // namespace

Document make_runbook(const Runbook& runbook) { return Writer(runbook).write(); }

}  // namespace mcp::model
