#include "mcp/model/catalogue.h"

#include <algorithm>
#include <cctype>
#include <string>

namespace mcp::model {

namespace {

std::span<const CatalogueEntry> entries();  // the long table at the end

// "MCP-0301" of "mcp-0301", "0301" and "301"; empty when it cannot be a code.
std::string normalized(std::string_view code) {
  std::string text(code);
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  if (text.starts_with("MCP-")) {
    text.erase(0, 4);
  }
  const bool digits =
      !text.empty() && text.size() <= 4 &&
      std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  return digits ? "MCP-" + std::string(4 - text.size(), '0') + text : std::string();
}

}  // namespace

std::span<const CatalogueEntry> catalogue() { return entries(); }

const CatalogueEntry* explain(std::string_view code) {
  const std::string wanted = normalized(code);
  const auto found =
      std::find_if(entries().begin(), entries().end(),
                   [&](const CatalogueEntry& entry) { return entry.code == wanted; });
  return found == entries().end() ? nullptr : &*found;
}

const CatalogueEntry* explain_check(std::string_view check) {
  const auto found = std::find_if(
      entries().begin(), entries().end(),
      [&](const CatalogueEntry& entry) { return !check.empty() && entry.check == check; });
  return found == entries().end() ? nullptr : &*found;
}

namespace {

constexpr CatalogueEntry kTable[] = {
    // --- definitions ---
    {code::kDefinitionSyntax, "a definition is not valid TOML",
     "The file could not be read as TOML; the message names line and column.",
     "Correct the line, then `mcp lint <service>`.", ""},
    {code::kDefinitionInvalid, "a definition has unknown keys or wrong values",
     "A key is not known here, has the wrong type, or holds a value outside its range. Each "
     "finding "
     "carries file, line, column and the nearest known key.",
     "Correct each line, then `mcp lint <service>`. Every key is described in "
     "docs/formats/definition.md.",
     ""},
    {code::kFloatingTag, "an image has a floating tag",
     "`latest`, or no tag at all, names another image tomorrow: what was deployed could not be "
     "brought back.",
     "Name a version (`version = \"v1.2.0\"`) or a digest. Where it is meant, say "
     "`allow_floating = true`.",
     ""},
    {code::kVolumeOutsideRoots, "a volume lies outside the volume roots",
     "Definitions may mount host paths inside `[agent] volume_roots` only (default /srv); `..` is "
     "resolved before the comparison.",
     "Move the data below /srv, or add the directory to `[agent] volume_roots` of this node.", ""},
    {code::kDependencyCycle, "dependencies form a cycle",
     "Services or components wait for each other, so none could start first. The message prints "
     "the cycle.",
     "Remove one `depends_on` or `after` of the printed cycle.", ""},
    {code::kLaterTier, "a service depends on a later tier",
     "Tiers start in order, so the dependency could never be healthy in time.",
     "Move the dependency to an earlier `tier`, or drop the edge.", ""},
    {code::kUnknownDependency, "a dependency names nothing known",
     "`depends_on` or `after` names a service or component that has no definition.",
     "Correct the name; `mcp list` shows the services.", ""},
    {code::kUnknownAddressLabel, "a port names an unknown address label",
     "`@label` in `ports` stands for one of the node's addresses, and the node has none with that "
     "label.",
     "Use one of the labels that the message lists, or add it to `[node] addresses` of "
     "mcp-agent.toml.",
     ""},
    {code::kNameMismatch, "file name and `name` differ",
     "A definition's file is `<name>.toml`, so that a service is found by its name.",
     "Rename the file, or correct `name`.", ""},
    {code::kBadPort, "a port cannot be understood",
     "Forms are `[ip:]host:container[/tcp|udp]`, ranges `a-b:c-d`, and `@label` or `[v6]` in place "
     "of ip. Two ports of a service may not overlap on one address.",
     "Correct the entry; examples are in docs/formats/definition.md.", ""},
    {code::kWrongNode, "a definition belongs to another node",
     "Its `node` names another node than the one that was asked.",
     "Run the command on that node, or correct `node`.", ""},
    {code::kLabelsTooLarge, "a specification does not fit its container's labels",
     "Each container carries its specification as labels, 64 KiB at most, so that a lost registry "
     "can be rebuilt from them.",
     "Move long values out of `env` and `cmd` into files below /srv/<service>.", ""},
    {code::kSpecUnreadable, "a stored specification cannot be read",
     "Labels, mirror or registry hold a specification that is damaged, too large, or made by "
     "something else.",
     "The other two of registry, mirror (`specs/` beside the registry) and labels say the same: "
     "deploy the service again from its definition.",
     ""},
    {code::kCannotConvert, "a podman run line cannot be converted",
     "The line has an option that is not known or that a definition cannot express, or shell "
     "syntax that needs a shell ($, pipes, redirections).",
     "Correct the named option, or remove it from the input and set it in the definition by hand.",
     ""},
    {code::kBadSocket, "a socket is wrong",
     "A socket that the agent is to bind is malformed, overlaps another port of the service, or "
     "its "
     "component cannot take it: the agent hands sockets to its own user alone, which is root of "
     "the container.",
     "Write `listen` as `udp:@lan:53`, and `user = \"0:0\"`.", ""},

    // --- deploy and the other operations ---
    {code::kImageMissing, "an image is not on this node",
     "The reference is not in the local store, and pulling was not allowed or not possible.",
     "`mcp image load FILE` with an archive that lies on the node (without the agent: `podman load "
     "-i FILE` as its user); or `mcp deploy --pull missing`. `mcp image ls` shows which images "
     "have "
     "an archive; the message lists the nearest cached tags.",
     ""},
    {code::kGenerationMismatch, "somebody else changed the service",
     "The request expected another generation than the registry holds.",
     "`mcp diff <service>` shows what changed; then repeat the command.", ""},
    {code::kPortTaken, "a host port is taken",
     "Another service or process holds the address; the message names it.",
     "`mcp ports` lists the owners. Choose another port, or stop the owner.", ""},
    {code::kPortsExhausted, "no free port is left in the pool",
     "Every port of `[agent] port_min`..`port_max` is taken.",
     "Widen the pool in mcp-agent.toml, or undeploy services that are not needed; `mcp ports` "
     "lists them.",
     ""},
    {code::kGateFailed, "the new container did not become healthy",
     "Its health gate did not pass before the deadline. The former container was brought back "
     "with its ports.",
     "`mcp logs <service>` and the gate's last answer tell why. Check `[components.health]`, too.",
     ""},
    {code::kNeedsAttention, "a rollback could not finish",
     "A step of the way back failed; the operation lists the commands that remain.",
     "Run the printed commands in order, then `mcp status <service>`. `mcp agent recover` brings "
     "the recorded state back as well.",
     ""},
    {code::kServiceBusy, "another operation holds the service",
     "Operations on one service run one after the other; the message names the holder.",
     "Wait (`--timeout`), or look at it with `mcp status <service>`.", ""},
    {code::kLimitsUnavailable, "memory, cpus or pids cannot be limited on this host",
     "The host gives the user no delegated cgroup v2 controllers, so the limit would be ignored.",
     "Delegate them (`Delegate=yes` for user@<uid>.service, cgroup v2), or drop `memory`, `cpus` "
     "and `pids`.",
     ""},
    {code::kAdoptDiffers, "the container is not what the definition says",
     "Adoption takes a container over as it is; the message lists each field that differs.",
     "Correct the definition, or deploy it anew.", ""},
    {code::kHostDirectoryMissing, "a host directory of a volume does not exist",
     "It is never made silently: a mistyped or unmounted path would start a service without its "
     "data.",
     "Mount the filesystem, or `mkdir` the directory if the service is new.", ""},
    {code::kSecretMissing, "a secret is not known to this node",
     "The definition uses it by name, and this agent keeps no secrets yet.",
     "Give the value as a file below the service's directory.", ""},
    {code::kRequestReused, "a request id was used for another request",
     "An id that returns within 24 hours gives the recorded result; this one belongs to a "
     "different request.",
     "Use a fresh request id.", ""},
    {code::kOperationCancelled, "the operation was cancelled",
     "It was asked to stop, and every step it had made was undone.",
     "Nothing to repair. Repeat the command when wanted.", ""},
    {code::kOperationInterrupted, "the agent stopped during the operation",
     "At its next start the agent rolled back what was not committed, and completed what was.",
     "`mcp status <service>` shows the present state. Repeat the command if it was rolled back.",
     ""},
    {code::kPullFailed, "an image could not be pulled",
     "The image registry answered with an error, or not at all; the message holds its words.",
     "Check the registry (`mcp doctor`), or load an archive with `mcp image load FILE`. Cached "
     "images start without it.",
     ""},
    {code::kUnknownService, "no such service on this node",
     "The registry has no service or component of that name.", "`mcp list` shows those there are.",
     ""},
    {code::kStrategyUnsupported, "the deploy strategy is not possible",
     "`overlap` runs two containers side by side: it cannot be had with fixed ports or host "
     "network, and needs `shared_data = true`.",
     "Use `strategy = \"recreate\"`.", ""},
    {code::kCreateFailed, "a container could not be created",
     "The runtime refused the container; the message holds its words. Nothing was changed.",
     "Correct what it names, then repeat. `mcp doctor` checks the host.", ""},
    {code::kDiskFull, "the disk is full",
     "A write failed for want of space; the operation was rolled back, and registry and mirror "
     "keep their former state.",
     "Free space (`podman image prune` removes unused images), then repeat.", ""},
    {code::kStartFailed, "a container did not start",
     "It was created, but its process could not be started; the message holds the runtime's words.",
     "Check command, user and mounts; `mcp logs <service>` shows what it said.", ""},
    {code::kUnmanagedContainer, "a container of that name was made by somebody else",
     "The platform replaces only containers that it made or adopted.",
     "Take it over with `mcp adopt <container>`, or rename it (`podman rename`).", ""},
    {code::kParkedLeft, "a container <name>.prev is left from a former deploy",
     "A deploy parks the old container under that name until the new one is healthy. One was left "
     "behind when a roll back could not finish.",
     "Look at it (`podman inspect <name>.prev`); if it is not needed, `podman rm` it and deploy "
     "again.",
     ""},
    {code::kArchiveUnusable, "an image archive cannot be loaded",
     "The path is one of the node. There is no file, the agent's user may not read it, or it is "
     "not "
     "what `podman save` and `docker save` write, or not the whole of it.",
     "`ls -l FILE` and `tar -tf FILE` on the node show which. `mcp image save IMAGE` on a node "
     "that "
     "has the image writes a good one. From elsewhere: `ssh NODE podman load < FILE` as the "
     "agent's "
     "user.",
     ""},
    {code::kFilePath, "a path does not name a file of the service",
     "`mcp push`, `pull` and `ls` work below the service's directory on regular files. The path "
     "climbs out of it, leads through a link that does, or is a directory, link, device, socket or "
     "pipe.",
     "`mcp ls <service> [PATH]` shows what is there and where links lead; name one file of it.",
     ""},
    {code::kFileChanged, "a file changed while it was sent",
     "Its bytes are not those that were announced, or the upload has ended: the agent was started "
     "anew, or another push of the same file took over. The file that was there is as it was.",
     "Run the same command again when nobody writes to the file; a push goes on from what has "
     "arrived.",
     ""},
    {code::kFileOwner, "a file belongs to a user of the host that the agent cannot stand in for",
     "The owner is neither the agent's user nor one of its subordinate ids, so neither the agent "
     "nor a container may read the file or give it back to that owner.",
     "`mcp-agent doctor data` prints the `chown` for root on the node.", ""},
    {code::kHelperUnavailable, "the namespace helper does not run",
     "Files of a container's own users are reached through a small container that runs `mcp-ns`. "
     "Its binary is missing beside mcp-agent, or podman could not start it.",
     "Install `mcp-ns` beside mcp-agent; `mcp-agent doctor` checks podman and the user namespace.",
     ""},

    // --- doctor ---
    {code::kUidPinned, "the agent runs under another uid than recorded",
     "Rootless containers live under one uid: its absolute paths, subordinate ids and file owners "
     "are inside the store. Under another uid every container seems lost, so the agent refuses "
     "to start.",
     "Give the user its recorded uid back (`usermod -u <recorded uid> mcp` as root). If the change "
     "is final: set identity.uid and identity.gid in mcp-agent.toml to the new ones, then "
     "`mcp-agent doctor runroot --fix`, then `mcp-agent recover`.",
     "uid.pinned"},
    {code::kUidCollision, "another account has the agent's uid or gid",
     "Two accounts share the number, so files and processes cannot be told apart, and the map of "
     "ids may be refused.",
     "As root, give the other account another number (`usermod -u`), never the agent's.",
     "uid.collision"},
    {code::kSubid, "subordinate ids are missing or wrong",
     "Rootless containers need one contiguous range of at least 65536 in /etc/subuid and "
     "/etc/subgid, shared with no other user, the same as when the store was made.",
     "As root: `usermod --add-subuids 100000-165535 --add-subgids 100000-165535 mcp` with the "
     "recorded range, then `podman system migrate` as mcp.",
     "subid"},
    {code::kNewuidmap, "newuidmap cannot map ids",
     "newuidmap or newgidmap is missing, has neither setuid nor file capabilities, or lies on a "
     "nosuid filesystem.",
     "As root: `apt-get install --reinstall uidmap`; check the mount options of its filesystem.",
     "newuidmap"},
    {code::kNoNewPrivileges, "the agent runs with no-new-privileges in spawn mode",
     "Then newuidmap gains no privilege and each container fails with \"write to uid_map failed: "
     "Operation not permitted\". Several sandbox options of a unit imply it.",
     "Use `[podman] mode = \"socket\"`, or install mcp-agent-spawn.service; `mcp-agent doctor "
     "--unit FILE` names the option.",
     "nnp"},
    {code::kTun, "/dev/net/tun cannot be used",
     "Rootless networks need it; PrivateDevices= of a unit hides it.",
     "As root: `modprobe tun`; remove PrivateDevices= in spawn mode.", "tun"},
    {code::kLinger, "the user's services end at log-out",
     "Without linger the user's manager, its podman socket and every container stop when the last "
     "session ends.",
     "As root: `loginctl enable-linger mcp`.", "linger"},
    {code::kRuntimeDir, "the runtime directory is missing or not ours",
     "XDG_RUNTIME_DIR must be /run/user/<uid>, exist, be owned by the agent's user and have mode "
     "0700; podman keeps sockets and locks there.",
     "`loginctl enable-linger mcp` makes it; set XDG_RUNTIME_DIR in the unit.", "runtime_dir"},
    {code::kRunroot, "podman's recorded paths belong to another user or place",
     "Its database remembers run root and graph root; paths of another uid are the sign of a "
     "changed uid.",
     "`mcp-agent doctor runroot` prints what to do; then `mcp-agent recover` recreates what is "
     "missing.",
     "runroot"},
    {code::kDriver, "the storage driver is not overlay",
     "vfs copies each layer in full: slow, and the disk fills. Podman keeps the first choice in "
     "its database for good.",
     "Set `driver = \"overlay\"` in storage.conf and install fuse-overlayfs. On a store that is "
     "in use: `podman save` each image, `podman system reset`, `podman load`, `mcp agent recover`.",
     "driver"},
    {code::kPrivilegedPorts, "a port below the unprivileged limit is wanted",
     "An unprivileged process may not listen below net.ipv4.ip_unprivileged_port_start.",
     "As root: `sysctl -w net.ipv4.ip_unprivileged_port_start=53`, and the same in /etc/sysctl.d; "
     "`mcp-agent doctor privileged_ports` prints it.",
     "privileged_ports"},
    {code::kPort53, "something else listens on port 53",
     "Usually the stub resolver of systemd-resolved on 127.0.0.53, or another DNS server; a "
     "listener on every address collides with it.",
     "Publish 53 on specific addresses (`@lan:53:53/udp`), or set `DNSStubListener=no` in "
     "resolved.conf.",
     "port53"},
    {code::kResolvers, "no resolver is independent of our own DNS",
     "When our DNS is down, nothing on this node resolves, and it cannot be repaired over names.",
     "Add two public resolvers after ours in /etc/resolv.conf.", "resolvers"},
    {code::kOverlayDns, "the overlay sends every name to our own DNS",
     "Then a stopped DNS container takes name resolution away from every machine of the overlay.",
     "Route only our zones to our DNS in the overlay's settings, and keep public resolvers beside "
     "it.",
     "overlay_dns"},
    {code::kTlsSan, "the agent's certificate does not fit",
     "It must carry every configured name and address, match its key, and be valid for more than "
     "14 days; otherwise nodes show as \"error\" though the agent runs.",
     "Issue it anew with the SANs that the finding lists.", "tls.san"},
    {code::kTlsTrust, "the platform CA is not trusted here",
     "Podman or the agent cannot verify the image registry and the services.",
     "Copy the CA to certs.d/<registry>/ca.crt of the user's containers directory and to the "
     "agent's `ca_cert`.",
     "tls.trust"},
    {code::kImages, "a registered image is neither cached nor archived",
     "Recovery works without a pull only for images that are on the node.",
     "`mcp image save --all` while they are there; `mcp image load FILE`, or without the agent "
     "`podman load -i FILE`, from an archive.",
     "images"},
    {code::kData, "files of a service cannot be used by its container",
     "They are owned by an id outside the map (they show as 65534, chmod is refused though "
     "writing may work), by another id inside it, or by container root while the image runs as "
     "another user.",
     "Inside the map: `podman unshare chown -R 0:0 /srv/<service>`. Outside: `chown -R mcp:mcp "
     "/srv/<service>` as the host's root. An image user: set `user = \"0:0\"`. The data is sound; "
     "keep it.",
     "data"},
    {code::kRestartUnit, "podman-restart.service is enabled",
     "It starts every container at boot, unordered and without gates, before the agent can.",
     "As the agent's user: `systemctl --user mask podman-restart.service`; never `disable --now`, "
     "which stops every container.",
     "restart_unit"},
    {code::kKernel, "the kernel lacks something that rootless containers need",
     "User namespaces, unprivileged overlay mounts, or delegated cgroup controllers.",
     "The finding names the sysctl or the boot parameter.", "kernel"},
    {code::kDisk, "the disk is nearly full", "Deploys and databases fail when it is.",
     "`podman image prune` removes unused images; move old archives and logs away.", "disk"},
    {code::kInodes, "the filesystem is nearly out of inodes",
     "No file can be made when they are gone, though space is left.",
     "Remove unused images and small files below the container store's temporary directories.",
     "inodes"},
    {code::kClock, "the clock is wrong or not synchronized",
     "Certificates and tokens are refused when the clock is off.",
     "Enable time synchronization: `timedatectl set-ntp true`.", "clock"},
    {code::kNofile, "the limit of open files is too low",
     "Containers and the agent share the user's limit.",
     "Raise LimitNOFILE in the unit, and `nofile` in limits.conf.", "nofile"},
    {code::kMemory, "memory is short", "The kernel will end containers when it runs out.",
     "Add memory or swap, or limit services with `memory`.", "memory"},
    {code::kRegistryCheck, "the registry is damaged, not mirrored, or not backed up",
     "The agent's database failed its integrity check, or differs from the mirror below "
     "/srv/mcp/specs.",
     "Containers keep running. Restart the agent: it writes the mirror anew. A damaged registry is "
     "restored from a copy beside it.",
     "registry"},
    {code::kSocketModes, "a control socket is open to others",
     "Whoever may write to the podman or agent socket controls every container.",
     "`chmod 0660` for the agent's socket, 0600 for podman's; group mcp-admin only.", "sockets"},
    {code::kBootPlan, "the node could not boot by itself",
     "The definitions have a cycle, a foundation service needs a later one, or a foundation image "
     "is not cached.",
     "Correct the edges that the finding names; keep the foundation's images cached.", "boot"},
    {code::kDependencies, "a platform service is not reachable",
     "Identity, image registry, DNS, proxy or certificate service does not answer. The finding "
     "says what still works without it.",
     "`mcp boot status` shows where it stands; `mcp restart <service>`.", "deps"},
    {code::kChmodDenied, "chmod on a database was refused (operation not permitted)",
     "The file is owned by an id that the container's user does not own, often a former uid. "
     "Reading and writing may still work; nothing in the file is damaged.",
     "As the host's root: `chown -R mcp:mcp /srv/<service>`; for sub-uids as mcp: `podman unshare "
     "chown -R 0:0 /srv/<service>`. Keep the file: the data is sound.",
     ""},
    {code::kUidMapDenied, "newuidmap: write to uid_map failed: Operation not permitted",
     "The range is not the user's own in /etc/subuid, the uid changed, another account has it, or "
     "the caller runs with no-new-privileges.",
     "`mcp-agent doctor` tells which: see MCP-0301, MCP-0302, MCP-0303 and MCP-0305.", ""},
    {code::kPodmanNotFound, "podman: executable file not found",
     "An edge node runs no containers and needs no podman: harmless there. On any other node no "
     "container can run.",
     "Nothing on an edge node. Elsewhere: `apt-get install podman uidmap slirp4netns "
     "fuse-overlayfs`.",
     ""},
    {code::kOverlay, "a configured address of the node is on no interface that is up",
     "The overlay is down or has another address than `[node] addresses` says: whoever dials it "
     "sees the node as \"error\", and ports published there cannot be bound. Containers keep "
     "running.",
     "Bring the overlay up (`tailscale up`, `wg-quick up`), or correct `[node] addresses`. "
     "Meanwhile the other addresses and `mcp --via ssh` lead in.",
     "overlay"},
    {code::kFirewall, "the host firewall drops what is published",
     "The input chain drops by default and no rule lets a published port in, so that the service "
     "answers on the node and nowhere else.",
     "As root, add the rule that the finding prints, and write it to the firewall's own "
     "configuration, so that it outlives a reboot.",
     "firewall"},

    // --- boot, gates, recover ---
    {code::kStageHeld, "a boot stage is held",
     "An essential component of the stage is not healthy, so later stages wait. The run continues "
     "by itself once it is.",
     "`mcp boot status` names it. Repair it, or `mcp boot skip <component>`, or `mcp boot "
     "proceed`.",
     ""},
    {code::kGateDeadline, "a gate did not pass before its deadline",
     "The component is tried again with growing pauses; the last answer is shown.",
     "`mcp logs <service>`; `mcp boot retry` tries at once.", ""},
    {code::kBootImageMissing, "an image is missing during boot",
     "Boot pulls nothing before the image registry is healthy.",
     "Run the printed `mcp image load` command; the item goes on by itself.", ""},
    {code::kBlocked, "a component waits for another",
     "Something that it depends on is not healthy yet.",
     "Repair the component that the message names.", ""},
    {code::kNotRecoverable, "a component cannot be recovered from what is here",
     "Neither its image nor an archive of it, or its host directory, is on this node.",
     "Load the image (`mcp image load FILE`) or restore the directory, then `mcp agent recover` "
     "again.",
     ""},
    {code::kNameHeldByStore, "the image store still reserves a container's name",
     "After podman's database was lost its store keeps the old names, and creation fails with "
     "\"name already in use\".",
     "`mcp agent recover` releases the names of registered components, by id.", ""},
    {code::kBootRunning, "a boot run is under way", "Only one runs at a time.",
     "`mcp boot status --watch` follows it; `mcp boot abort` ends it.", ""},
    {code::kGateUnverified, "a gate's certificate was not verified",
     "The platform CA is not on this node yet, so the gate accepted any certificate.",
     "Install the CA; see MCP-0316.", ""},
    {code::kSealed, "a service is up, but sealed",
     "It answers, and waits for an operator to unseal it.",
     "Unseal it; the boot run does not wait for that.", ""},
    {code::kBootIdle, "no boot run is under way",
     "Retry, skip, proceed and abort steer a run that is going on.", "`mcp boot` starts one.", ""},
    {code::kPartlyRecovered, "not everything is back yet",
     "Some components did not reach their gates within the stage's time. The boot run goes on "
     "trying; later stages wait for the essential ones.",
     "`mcp boot status` shows what each item waits for; `mcp boot skip` leaves one out.", ""},

    // --- registry and agent ---
    {code::kUninitialized, "the registry is empty or unreadable",
     "The agent changes no container in this state, so that nothing running is harmed.",
     "A new node: the first `mcp deploy`, `mcp sync` or `mcp adopt` with `--init`. A node that had "
     "services: stop the agent, then `mcp-agent restore` where there is a replica, else "
     "`mcp-agent rebuild --dry-run` and `mcp-agent rebuild`, from the mirror and the labels of the "
     "containers; or `mcp sync --init` from the definitions.",
     ""},
    {code::kRegistryLocked, "another agent uses this registry",
     "A running process holds the lock; the message gives its pid and boot id.",
     "Stop that process, or use another `[database] path`.", ""},
    {code::kRegistryCorrupt, "the registry is damaged",
     "The database failed its check. Containers keep running and are not touched.",
     "Stop the agent. Where there is a replica or a copy (`mcp.db.pre-*` beside it, or a backup): "
     "`mcp-agent restore`. Else `mcp-agent rebuild`: it makes the registry anew from the mirror "
     "and the labels of the containers, and keeps the damaged file as `mcp.db.lost-<time>`. Then "
     "start the agent.",
     ""},
    {code::kMirrorDiffers, "registry and mirror differ",
     "A specification in /srv/mcp/specs is not the one in the registry: a write was interrupted, "
     "or a file was edited by hand.",
     "Restart the agent: it writes the mirror anew from the registry.", ""},
    {code::kAgentUnreachable, "the agent does not answer (all nodes \"error\")",
     "Nobody answers at the address that was tried. Usual causes: the agent does not run, the "
     "overlay that carries the address is down, or the address is wrong. Containers keep running.",
     "On the node: `mcp-agent doctor`, the agent's log, and `mcp --socket PATH status`, which "
     "needs "
     "no network.",
     ""},
    {code::kVersionSkew, "agent and CLI are of different versions",
     "The agent does not know the call, or resolves a definition to another specification.",
     "Bring both to one version: `mcp version` and `mcp agent status` show them.", ""},
    {code::kNotAllowed, "the caller may not do this", "The account lacks the role, or is a guest.",
     "Use the local socket as root, as the agent's user, or as a member of its group.", ""},
    {code::kRegistryNewer, "the registry was written by a newer agent",
     "This binary does not know its schema and leaves it alone.",
     "Start the newer binary, or restore the copy made before its first migration.", ""},

    // --- runtime ---
    {code::kRuntimeUnreachable, "podman's service does not answer",
     "Its socket is gone or refuses. Containers keep running, and desired state is kept.",
     "`systemctl --user restart podman.socket` as mcp; `mcp-agent doctor` checks the rest.", ""},
    {code::kRuntimeTooOld, "podman is too old", "The libpod API must be 4.0 or later.",
     "Upgrade podman; the message gives the version found.", ""},
    {code::kImageRegistryRefused, "connection refused by the image registry",
     "The registry service is down or not started yet. Cached images still start.",
     "`mcp start mcr` (or `mcp boot status`); `podman load -i FILE` brings single images.", ""},
    {code::kAddressInUse, "address already in use",
     "The port is taken on that address. On 53 it is usually the stub resolver, which holds it on "
     "localhost.",
     "`ss -lntup` names the holder. Publish on specific addresses instead of all (MCP-0312).", ""},
    {code::kContainerStale, "podman says running, but the process is gone",
     "Container and monitor were killed together, and podman did not see it.",
     "The agent removes it by id and recreates it with `reconcile = \"restart\"`; by hand: `mcp "
     "restart <service>`.",
     ""},
    {code::kPortDead, "a published port has no forwarder",
     "The container runs, but the process that forwards its port died.",
     "`mcp restart <service>` recreates it; data is not touched.", ""},
    {code::kFlapping, "a container dies again and again",
     "Five deaths within a minute: it was stopped and is retried with growing pauses.",
     "The event holds its last 50 log lines; correct the cause, then `mcp restart <service>`.", ""},
    {code::kNameInUse, "a container's name is taken",
     "Another container has it; the message gives its id.",
     "`mcp adopt <container>` takes it over, or rename it.", ""},
    {code::kDrift, "a container differs from its specification",
     "Each field is shown with what is wanted and what is there.",
     "`mcp deploy <service>` recreates it, or correct the definition.", ""},
};

std::span<const CatalogueEntry> entries() { return kTable; }

}  // namespace

}  // namespace mcp::model
