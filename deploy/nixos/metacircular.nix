# What deploy/debian/provision does to a Debian, for NixOS (23.11 or later):
#
#   imports = [ ./metacircular/deploy/nixos/metacircular.nix ];
#   services.mcp-agent = {
#     enable = true;
#     package = mcp-agent;
#     dns = "192.168.88.181";
#     settings = {
#       node.name = "rift";
#       node.addresses.lan = "192.168.88.181";
#     };
#   };
#
# The units are those of deploy/systemd; a test compares them.
{ config, lib, pkgs, ... }:

let
  cfg = config.services.mcp-agent;
  toml = pkgs.formats.toml { };

  spawns = cfg.mode == "spawn";
  unit = if spawns then "mcp-agent-spawn" else "mcp-agent";
  other = if spawns then "mcp-agent" else "mcp-agent-spawn";
  manager = "user@${toString cfg.uid}.service";
  agent = "${cfg.home}/mcp-agent";
  configFile = "${cfg.home}/mcp-agent.toml";

  # The agent must be what its unit says it is, whatever else the settings are.
  settings = cfg.settings // {
    podman = (cfg.settings.podman or { }) // { inherit (cfg) mode; };
    identity = (cfg.settings.identity or { }) // { inherit (cfg) uid; gid = cfg.uid; };
  };

  environment = {
    HOME = cfg.home;
    XDG_RUNTIME_DIR = "/run/user/${toString cfg.uid}";
  };

  # newuidmap is a wrapper, since it has to be set-uid.
  path = [ "/run/wrappers" pkgs.podman pkgs.slirp4netns pkgs.util-linux pkgs.iproute2 ];

  supervised = {
    Type = "notify";
    NotifyAccess = "main";
    WatchdogSec = 60;
    ExecStart = "${agent} server --config ${configFile}";
    ExecReload = "${pkgs.coreutils}/bin/kill -HUP $MAINPID";
    Restart = "always";
    RestartSec = 5;
    # The grace of running calls is 30 s.
    TimeoutStopSec = 45;
    # Containers outlive the agent.
    KillMode = "process";
    User = cfg.user;
    Group = cfg.user;
    RuntimeDirectory = "mcp";
    UMask = "0027";
    LimitNOFILE = 65536;
  };

  # Where the agent uses the API of the user's manager.
  confined = {
    NoNewPrivileges = true;
    ProtectSystem = "strict";
    ReadWritePaths = [ "/srv" "-/run/user/${toString cfg.uid}" ];
    PrivateTmp = true;
    PrivateDevices = true;
    ProtectKernelTunables = true;
    ProtectKernelModules = true;
    ProtectKernelLogs = true;
    ProtectControlGroups = true;
    RestrictSUIDSGID = true;
    LockPersonality = true;
    RestrictRealtime = true;
    MemoryDenyWriteExecute = true;
    SystemCallArchitectures = "native";
    # pidfd_*: sockets are taken back from the containers that have them.
    SystemCallFilter = "@system-service pidfd_open pidfd_getfd";
    CapabilityBoundingSet = "";
    # ProtectHome stays off: it hides /run/user.
  };

  # Where it starts podman itself none of that may be set: each implies no-new-privileges, with
  # which newuidmap has no effect, and PrivateDevices hides the tun device.
  spawning = { Delegate = true; };
in
{
  options.services.mcp-agent = {
    enable = lib.mkEnableOption "the agent of Metacircular, which owns the containers of this node";

    package = lib.mkOption {
      type = lib.types.package;
      description = "What has bin/mcp-agent.";
    };

    mode = lib.mkOption {
      type = lib.types.enum [ "socket" "spawn" ];
      default = "socket";
      description = ''
        socket: podman's API is a unit of the user's manager, and the agent is confined.
        spawn: the agent starts the API.
      '';
    };

    user = lib.mkOption {
      type = lib.types.str;
      default = "mcp";
      description = "The user that owns the containers.";
    };

    uid = lib.mkOption {
      type = lib.types.int;
      default = 850;
      description = "Its uid and gid. Never change it: podman's store is lost with it.";
    };

    home = lib.mkOption {
      type = lib.types.str;
      default = "/srv/mcp";
      description = "Its home: the registry, podman's store, and the agent itself.";
    };

    subIds = lib.mkOption {
      type = lib.types.int;
      default = 100000;
      description = "Begin of its 65536 subordinate ids. Never change it, likewise.";
    };

    settings = lib.mkOption {
      type = toml.type;
      default = { };
      description = "mcp-agent.toml; `mcp-agent config reference` prints one with every key.";
    };

    dns = lib.mkOption {
      type = lib.types.nullOr lib.types.str;
      default = null;
      description = "Our own name service, which is asked first.";
    };

    resolvers = lib.mkOption {
      type = lib.types.listOf lib.types.str;
      default = [ "9.9.9.9" "1.1.1.1" ];
      description = "Two resolvers that do not depend on ours. None: networking is left alone.";
    };

    portStart = lib.mkOption {
      type = lib.types.int;
      default = 53;
      description = "The first port that users may bind.";
    };

    backupTimer = lib.mkOption {
      type = lib.types.bool;
      default = (cfg.settings.backup.targets or [ ]) != [ ];
      description = "Whether a backup is made every day.";
    };
  };

  config = lib.mkIf cfg.enable {
    users.users.${cfg.user} = {
      isSystemUser = true;
      uid = cfg.uid;
      group = cfg.user;
      # The agent gives its socket to mcp-admin, which only a member can.
      extraGroups = [ "systemd-journal" "mcp-admin" ];
      home = cfg.home;
      # Its containers are looked after in a shell.
      shell = pkgs.bashInteractive;
      description = "Metacircular agent";
      linger = true;
      subUidRanges = [{ startUid = cfg.subIds; count = 65536; }];
      subGidRanges = [{ startGid = cfg.subIds; count = 65536; }];
    };
    users.groups.${cfg.user}.gid = cfg.uid;
    users.groups.mcp-admin = { };

    systemd.tmpfiles.rules = [
      # Sticky: the agent makes folders there, and cannot take away those of others.
      "d /srv 1775 root ${cfg.user} -"
      "d ${cfg.home} 0751 ${cfg.user} ${cfg.user} -"
      "L+ ${agent} - - - - ${cfg.package}/bin/mcp-agent"
      "L+ ${configFile} - - - - ${toml.generate "mcp-agent.toml" settings}"
    ];
    environment.systemPackages = [ cfg.package ];

    virtualisation.podman.enable = true;
    # Without it podman 4.3 picks vfs for a new store, and keeps it for good.
    virtualisation.containers.storage.settings.storage.driver = "overlay";
    systemd.user.sockets.podman.wantedBy = if spawns then [ ] else [ "sockets.target" ];
    # It would start every container at once, before the agent.
    systemd.user.services.podman-restart.enable = false;

    boot.kernel.sysctl."net.ipv4.ip_unprivileged_port_start" = cfg.portStart;

    networking.nameservers =
      if cfg.resolvers == [ ] then [ ]
      else (if cfg.dns == null then [ ] else [ cfg.dns ]) ++ cfg.resolvers;

    systemd.services.${unit} = {
      description = "Metacircular agent: owns the containers of this node"
        + (if spawns then ", and podman's API" else "");
      documentation = [ "man:mcp-agent(1)" ];
      # Nothing of names, certificates or sign-in is required: the agent brings these up.
      wants = [ "network-online.target" manager ];
      after = [ "network-online.target" manager ];
      conflicts = [ "${other}.service" ];
      wantedBy = [ "multi-user.target" ];
      startLimitIntervalSec = 0;
      inherit environment path;
      serviceConfig = supervised // (if spawns then spawning else confined);
    };

    # Not confined: files of containers are read inside the user's namespace, which newuidmap makes.
    systemd.services.mcp-backup = {
      description = "Backup of this node";
      after = [ "network-online.target" "mcp-agent.service" ];
      inherit environment path;
      serviceConfig = {
        Type = "oneshot";
        User = cfg.user;
        ExecStart = [ "${agent} backup create --scheduled" "${agent} backup prune" ];
        Nice = 10;
        IOSchedulingClass = "idle";
      };
    };
    systemd.timers.mcp-backup = {
      description = "Backup of this node, every day";
      wantedBy = if cfg.backupTimer then [ "timers.target" ] else [ ];
      timerConfig = {
        OnCalendar = "*-*-* 02:00:00 UTC";
        RandomizedDelaySec = "5min";
        Persistent = true;
      };
    };
  };
}
