// mcns zone list, show, create, update, delete
#include <optional>

#include "mcns/cli/commands.h"
#include "mcns/cli/tables.h"

namespace mcns::cli {

using dsl::Code;
using dsl::fail;
using dsl::text;
using dsl::cli::Command;
using dsl::cli::Option;

namespace {

// What `create` and `update` set; empty, -1: not given.
struct Fields {
  std::string zone;
  std::string primary_ns;
  std::string admin_email;
  std::string serial_policy;
  std::string auto_ptr;
  std::int64_t refresh = -1;
  std::int64_t retry = -1;
  std::int64_t expire = -1;
  std::int64_t minimum_ttl = -1;
  std::int64_t default_ttl = -1;
  std::int64_t serial = 0;
  std::int64_t if_serial = 0;
};

Result<std::uint32_t> number(const char* option, std::int64_t value) {
  if (value < 0 || value > UINT32_MAX) {
    return fail(Code::kInvalidArgument, "{} {}: not within 0 and {}", option, value, UINT32_MAX);
  }
  return static_cast<std::uint32_t>(value);
}

template <class Request>
Result<void> put_fields(const Context& context, const Fields& fields, Request& request) {
  const auto put = [&](const char* option, std::int64_t value,
                       void (Request::*set)(std::uint32_t)) -> Result<void> {
    if (value != -1) {
      MC_ASSIGN(const std::uint32_t seconds, number(option, value));
      (request.*set)(seconds);
    }
    return {};
  };
  MC_TRY(put("--refresh", fields.refresh, &Request::set_refresh));
  MC_TRY(put("--retry", fields.retry, &Request::set_retry));
  MC_TRY(put("--expire", fields.expire, &Request::set_expire));
  MC_TRY(put("--minimum-ttl", fields.minimum_ttl, &Request::set_minimum_ttl));
  MC_TRY(put("--default-ttl", fields.default_ttl, &Request::set_default_ttl));
  MC_ASSIGN(const std::uint32_t serial, number("--serial", fields.serial));
  MC_ASSIGN(const std::uint32_t if_serial, number("--if-serial", fields.if_serial));
  request.set_serial(serial);
  if (!fields.primary_ns.empty()) {
    request.set_primary_ns(fields.primary_ns);
  }
  if (!fields.admin_email.empty()) {
    request.set_admin_email(fields.admin_email);
  }
  if (!fields.serial_policy.empty()) {
    request.set_serial_policy(fields.serial_policy);
  }
  if (!fields.auto_ptr.empty()) {
    request.set_auto_ptr(fields.auto_ptr == "on");
  }
  request.mutable_change()->set_request_id(context.request_id());
  request.mutable_change()->set_if_serial(if_serial);
  request.mutable_change()->set_dry_run(context.globals.dry_run);
  return {};
}

Result<int> show_zone(Context& context, const std::string& zone) {
  pb::GetZoneRequest request;
  request.set_zone(zone);
  return show<pb::Zone>(context, "ZoneService.GetZone", request, "",
                        [&](const pb::Zone& reply) { return zone_page(context.globals, reply); });
}

Result<int> create(Context& context, const Fields& fields) {
  pb::CreateZoneRequest request;
  request.set_name(fields.zone);
  MC_TRY(put_fields(context, fields, request));
  return show<pb::Zone>(context, "ZoneService.CreateZone", request, "", [&](const pb::Zone& reply) {
    return context.globals.dry_run ? text("zone {} would be made\n", reply.name())
                                   : zone_page(context.globals, reply);
  });
}

Result<int> update(Context& context, const Fields& fields) {
  pb::UpdateZoneRequest request;
  request.set_zone(fields.zone);
  MC_TRY(put_fields(context, fields, request));
  return show<pb::Zone>(context, "ZoneService.UpdateZone", request, "",
                        [&](const pb::Zone& reply) { return zone_page(context.globals, reply); });
}

Result<int> remove(Context& context, const Fields& fields) {
  MC_ASSIGN(Client * client, context.client());
  pb::DeleteZoneRequest request;
  request.set_zone(fields.zone);
  MC_ASSIGN(const std::uint32_t if_serial, number("--if-serial", fields.if_serial));
  request.mutable_change()->set_if_serial(if_serial);
  request.mutable_change()->set_dry_run(true);
  MC_ASSIGN(const pb::DeleteZoneReply planned,
            client->call<pb::DeleteZoneReply>("ZoneService.DeleteZone", request));
  if (context.globals.dry_run) {
    context.print(
        text("zone {} with {} records would be deleted\n", fields.zone, planned.records()));
    return dsl::kExitOk;
  }
  MC_ASSIGN(
      const bool agreed,
      dsl::cli::confirm(context.globals, text("Delete zone {} with {} records and its history?",
                                              fields.zone, planned.records())));
  if (!agreed) {
    return dsl::kExitFailed;
  }
  request.mutable_change()->set_dry_run(false);
  request.mutable_change()->set_request_id(context.request_id());
  MC_TRY(client->call<pb::DeleteZoneReply>("ZoneService.DeleteZone", request));
  context.note(text("zone {} is gone, with {} records", fields.zone, planned.records()));
  return dsl::kExitOk;
}

Option zone_option(Fields& fields, const char* help) {
  return {
      .name = "ZONE", .target = &fields.zone, .help = help, .required = true, .complete = "zone"};
}

Option if_serial_option(Fields& fields) {
  return {.name = "--if-serial",
          .target = &fields.if_serial,
          .help = "Only while the zone has this serial",
          .value_name = "SERIAL"};
}

std::vector<Option> field_options(Fields& fields) {
  return {{.name = "--admin-email",
           .target = &fields.admin_email,
           .help = "Who answers for the zone, hostmaster@example.net",
           .value_name = "ADDRESS"},
          {.name = "--refresh", .target = &fields.refresh, .help = "SOA refresh, in seconds"},
          {.name = "--retry", .target = &fields.retry, .help = "SOA retry, in seconds"},
          {.name = "--expire", .target = &fields.expire, .help = "SOA expire, in seconds"},
          {.name = "--minimum-ttl",
           .target = &fields.minimum_ttl,
           .help = "For how many seconds a \"no\" may be kept"},
          {.name = "--default-ttl",
           .target = &fields.default_ttl,
           .help = "Of records that name none, in seconds"},
          {.name = "--serial", .target = &fields.serial, .help = "A serial of your own"},
          {.name = "--serial-policy",
           .target = &fields.serial_policy,
           .help = "How the serial moves",
           .value_name = "POLICY",
           .one_of = {"date", "increment", "unixtime"}},
          {.name = "--auto-ptr",
           .target = &fields.auto_ptr,
           .help = "Whether addresses maintain their PTR in our reverse zones",
           .value_name = "ON|OFF",
           .one_of = {"on", "off"}}};
}

Command create_command(Context& context) {
  const auto fields = std::make_shared<Fields>();
  Command command;
  command.name = "create";
  command.summary = "Make a zone with its SOA and one NS record";
  command.examples = {"mcns zone create example.net --ns ns1.example.net.",
                      "mcns zone create 2.0.192.in-addr.arpa --ns ns1.example.net."};
  command.options = {{.name = "ZONE",
                      .target = &fields->zone,
                      .help = "Its name, with or without the final dot",
                      .required = true},
                     {.name = "--ns",
                      .target = &fields->primary_ns,
                      .help = "Its first name server; without a final dot below the zone",
                      .value_name = "NAME",
                      .required = true}};
  for (Option& option : field_options(*fields)) {
    command.options.push_back(std::move(option));
  }
  command.run = [&context, fields] { return create(context, *fields); };
  return command;
}

Command update_command(Context& context) {
  const auto fields = std::make_shared<Fields>();
  Command command;
  command.name = "update";
  command.summary = "Change the SOA or the policies of a zone";
  command.description = "What is not given stays as it is. A change gives the zone a new serial.";
  command.examples = {"mcns zone update example.net --minimum-ttl 60",
                      "mcns zone update example.net --auto-ptr on --if-serial 2026040300"};
  command.options = {zone_option(*fields, "The zone"),
                     {.name = "--ns",
                      .target = &fields->primary_ns,
                      .help = "The primary server that the SOA names",
                      .value_name = "NAME"}};
  for (Option& option : field_options(*fields)) {
    command.options.push_back(std::move(option));
  }
  command.options.push_back(if_serial_option(*fields));
  command.run = [&context, fields] { return update(context, *fields); };
  return command;
}

Command delete_command(Context& context) {
  const auto fields = std::make_shared<Fields>();
  Command command;
  command.name = "delete";
  command.summary = "Remove a zone with all its records and its history";
  command.examples = {"mcns zone delete example.net --dry-run",
                      "mcns zone delete example.net --yes"};
  command.options = {zone_option(*fields, "The zone"), if_serial_option(*fields)};
  command.run = [&context, fields] { return remove(context, *fields); };
  return command;
}

}  // namespace

Command zone_command(Context& context) {
  Command list;
  list.name = "list";
  list.summary = "List the zones with their serials";
  list.examples = {"mcns zone list", "mcns zone list --output wide"};
  list.run = [&context] {
    return show<pb::ListZonesReply>(
        context, "ZoneService.ListZones", pb::ListZonesRequest(),
        "no zones yet: mcns zone create makes the first",
        [&](const pb::ListZonesReply& reply) { return zones_table(context.globals, reply); });
  };

  const auto fields = std::make_shared<Fields>();
  Command show_one;
  show_one.name = "show";
  show_one.summary = "Show the SOA, the policies and the counts of a zone";
  show_one.examples = {"mcns zone show svc.mcp.metacircular.net"};
  show_one.options = {zone_option(*fields, "The zone")};
  show_one.run = [&context, fields] { return show_zone(context, fields->zone); };

  Command command;
  command.name = "zone";
  command.summary = "Look at zones, make, change and delete them";
  command.commands = {std::move(list), std::move(show_one), create_command(context),
                      update_command(context), delete_command(context)};
  return command;
}

}  // namespace mcns::cli
