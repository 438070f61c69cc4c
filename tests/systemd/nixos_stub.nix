# The module of deploy/nixos without a nixpkgs: options give their defaults, types check nothing, and
# a package is a path. What comes out is the module's `config`, as it would be merged into others'.
{ module, overrides }:

let
  lib = {
    mkOption = option: { isOption = true; } // option;
    mkEnableOption = text: { isOption = true; default = false; description = text; };
    mkIf = condition: content: if condition then content else { };
    types = {
      package = "package";
      str = "string";
      int = "integer";
      bool = "boolean";
      enum = values: "one of a few";
      nullOr = type: type;
      listOf = type: type;
    };
  };
  pkgs = {
    bashInteractive = "/packages/bash";
    coreutils = "/packages/coreutils";
    iproute2 = "/packages/iproute2";
    podman = "/packages/podman";
    slirp4netns = "/packages/slirp4netns";
    util-linux = "/packages/util-linux";
    formats.toml = _: { type = "toml"; generate = name: value: builtins.toJSON value; };
  };

  valueOf = option: given:
    if given ? value then given.value
    else option.default or (throw "an option without a default was not set");
  made = import module { inherit config lib pkgs; };
  options = made.options.services.mcp-agent;
  config.services.mcp-agent = builtins.mapAttrs
    (name: option: valueOf option
      (if overrides ? ${name} then { value = overrides.${name}; } else { }))
    options;
  unknown = builtins.filter (name: !(options ? ${name})) (builtins.attrNames overrides);
in
if unknown == [ ] then made.config else throw "no such option: ${toString unknown}"
