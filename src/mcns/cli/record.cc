// mcns record list, get, add, set, rm
#include <algorithm>

#include "mcns/cli/change.h"
#include "mcns/cli/commands.h"
#include "mcns/cli/tables.h"

namespace mcns::cli {

using dsl::Code;
using dsl::fail;
using dsl::cli::Command;
using dsl::cli::Option;

namespace {

struct Words {
  std::string zone;
  std::string name;
  std::string type;
  std::vector<std::string> values;
  std::string owner;
  std::int64_t ttl = -1;
  std::chrono::milliseconds lease{-1};
  std::int64_t id = 0;
  ChangeFlags change;
};

// Every page of the list. The serial is that of the first: whoever writes under it is refused when
// the zone was changed while it was read.
Result<pb::ListRecordsReply> all_records(Client& client, pb::ListRecordsRequest request) {
  pb::ListRecordsReply all;
  request.set_page_size(1000);
  do {
    MC_ASSIGN(pb::ListRecordsReply reply,
              client.call<pb::ListRecordsReply>("RecordService.ListRecords", request));
    if (request.page_token().empty()) {
      all.set_serial(reply.serial());
    }
    std::move(reply.mutable_records()->begin(), reply.mutable_records()->end(),
              google::protobuf::RepeatedFieldBackInserter(all.mutable_records()));
    request.set_page_token(reply.next_page_token());
  } while (!request.page_token().empty());
  return all;
}

Result<int> print_records(Context& context, const pb::ListRecordsReply& reply) {
  if (context.json()) {
    context.print_json(reply);
  } else if (reply.records().empty()) {
    context.note("no records");
  } else {
    context.print(records_table(context.globals, {reply.records().begin(), reply.records().end()},
                                context.now_ms()));
  }
  return dsl::kExitOk;
}

Result<int> list(Context& context, const Words& words) {
  MC_ASSIGN(Client * client, context.client());
  pb::ListRecordsRequest request;
  request.set_zone(words.zone);
  request.set_name(words.name);
  request.set_type(words.type);
  request.set_owner(words.owner);
  MC_ASSIGN(const pb::ListRecordsReply reply, all_records(*client, request));
  return print_records(context, reply);
}

Result<int> get(Context& context, const Words& words) {
  MC_ASSIGN(Client * client, context.client());
  if (words.type.empty()) {
    pb::ListRecordsRequest request;
    request.set_zone(words.zone);
    request.set_name(words.name);
    MC_ASSIGN(const pb::ListRecordsReply reply, all_records(*client, request));
    if (reply.records().empty()) {
      return fail(Code::kNotFound, "{} has no records in {}", words.name, words.zone)
          .hint("mcns record list shows what the zone has");
    }
    return print_records(context, reply);
  }
  pb::GetRRsetRequest request;
  request.set_zone(words.zone);
  request.set_name(words.name);
  request.set_type(words.type);
  MC_ASSIGN(const pb::RRset rrset, client->call<pb::RRset>("RecordService.GetRRset", request));
  pb::ListRecordsReply reply;
  *reply.mutable_records() = rrset.records();
  reply.set_serial(rrset.serial());
  return print_records(context, reply);
}

template <class Request>
Result<void> put_times(const Words& words, Request& request) {
  if (words.ttl != -1) {
    if (words.ttl < 0 || words.ttl > INT32_MAX) {
      return fail(Code::kInvalidArgument, "--ttl {}: not within 0 and {}", words.ttl, INT32_MAX);
    }
    request.set_ttl(static_cast<std::uint32_t>(words.ttl));
  }
  if (words.lease.count() >= 0) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(words.lease).count();
    if (seconds > INT32_MAX) {
      return fail(Code::kInvalidArgument, "--lease: that is too long");
    }
    request.set_lease_seconds(static_cast<std::uint32_t>(seconds));
  }
  return {};
}

Result<int> add(Context& context, const Words& words) {
  pb::BatchRecordsRequest request;
  request.set_zone(words.zone);
  for (const std::string& value : words.values) {
    pb::Operation& operation = *request.add_operations();
    operation.set_verb("add");
    operation.set_name(words.name);
    operation.set_type(words.type);
    operation.add_values(value);
    MC_TRY(put_times(words, operation));
  }
  return change(context, "RecordService.BatchRecords", words.change, request);
}

Result<int> set(Context& context, const Words& words) {
  pb::SetRRsetRequest request;
  request.set_zone(words.zone);
  request.set_name(words.name);
  request.set_type(words.type);
  request.mutable_values()->Assign(words.values.begin(), words.values.end());
  MC_TRY(put_times(words, request));
  return change(context, "RecordService.SetRRset", words.change, request);
}

Result<int> remove(Context& context, const Words& words) {
  if (words.id != 0) {
    if (!words.name.empty()) {
      return fail(Code::kInvalidArgument, "--id names the record: no NAME goes with it");
    }
    pb::DeleteRecordRequest request;
    request.set_zone(words.zone);
    request.set_id(words.id);
    return change(context, "RecordService.DeleteRecord", words.change, request);
  }
  if (words.name.empty()) {
    return fail(Code::kInvalidArgument, "which record?").hint("its NAME, or its number with --id");
  }
  pb::BatchRecordsRequest request;
  request.set_zone(words.zone);
  pb::Operation& operation = *request.add_operations();
  operation.set_verb("delete");
  operation.set_name(words.name);
  operation.set_type(words.type);
  operation.mutable_values()->Assign(words.values.begin(), words.values.end());
  return change(context, "RecordService.BatchRecords", words.change, request);
}

// --- the commands ---

Option zone_option(Words& words) {
  return {.name = "ZONE",
          .target = &words.zone,
          .help = "The zone",
          .required = true,
          .complete = "zone"};
}

Option name_option(Words& words, bool required) {
  return {.name = "NAME",
          .target = &words.name,
          .help = "Below the zone: www, or @ for the zone itself",
          .required = required};
}

Option type_option(Words& words, bool required) {
  return {.name = "TYPE",
          .target = &words.type,
          .help = "A, AAAA, CNAME, ALIAS, TXT, MX, SRV, ...",
          .required = required};
}

Option values_option(Words& words, bool required) {
  return {.name = "VALUE",
          .target = &words.values,
          .help = "As a zone file has it, one word each: '10 mail', 'ns1.example.net.'",
          .required = required};
}

std::vector<Option> time_options(Words& words) {
  return {{.name = "--ttl",
           .target = &words.ttl,
           .help = "In seconds; that of the records beside it, else the zone's",
           .value_name = "SECONDS"},
          {.name = "--lease",
           .target = &words.lease,
           .help = "Remove it after this time, unless it is renewed; 0s = it stays"}};
}

Command list_command(Context& context) {
  const auto words = std::make_shared<Words>();
  Command command;
  command.name = "list";
  command.summary = "List the records of a zone";
  command.examples = {"mcns record list svc.mcp.metacircular.net",
                      "mcns record list example.net --type A --owner mcp-agent",
                      "mcns record list example.net --output wide"};
  command.options = {zone_option(*words),
                     {.name = "--name", .target = &words->name, .help = "Of this name only"},
                     {.name = "--type", .target = &words->type, .help = "Of this type only"},
                     {.name = "--owner",
                      .target = &words->owner,
                      .help = "Of this account only",
                      .value_name = "ACCOUNT"}};
  command.run = [&context, words] { return list(context, *words); };
  return command;
}

Command get_command(Context& context) {
  const auto words = std::make_shared<Words>();
  Command command;
  command.name = "get";
  command.summary = "Show the records of one name";
  command.examples = {"mcns record get example.net www", "mcns record get example.net @ NS"};
  command.options = {zone_option(*words), name_option(*words, true), type_option(*words, false)};
  command.run = [&context, words] { return get(context, *words); };
  return command;
}

Command add_command(Context& context) {
  const auto words = std::make_shared<Words>();
  Command command;
  command.name = "add";
  command.summary = "Add records beside those of the same name and type";
  command.description =
      "The answer comes when the change is durable and every question sees it. A name in a value "
      "that has no final dot is below the zone.";
  command.examples = {"mcns record add example.net www A 192.0.2.7",
                      "mcns record add example.net @ MX '10 mail' '20 mail.example.org.'",
                      "mcns record add example.net _acme-challenge.www TXT abc --lease 1h"};
  command.options = {zone_option(*words), name_option(*words, true), type_option(*words, true),
                     values_option(*words, true)};
  for (Option& option : time_options(*words)) {
    command.options.push_back(std::move(option));
  }
  add_record_options(command, words->change);
  command.run = [&context, words] { return add(context, *words); };
  return command;
}

Command set_command(Context& context) {
  const auto words = std::make_shared<Words>();
  Command command;
  command.name = "set";
  command.summary = "Replace all records of a name and type, at once";
  command.description = "Given again it changes nothing, and the serial stays.";
  command.examples = {"mcns record set example.net www A 192.0.2.7 192.0.2.8 --ttl 60",
                      "mcns record set example.net old CNAME www",
                      "mcns record set example.net @ ALIAS www"};
  command.options = {zone_option(*words), name_option(*words, true), type_option(*words, true),
                     values_option(*words, true)};
  for (Option& option : time_options(*words)) {
    command.options.push_back(std::move(option));
  }
  add_record_options(command, words->change);
  command.run = [&context, words] { return set(context, *words); };
  return command;
}

Command remove_command(Context& context) {
  const auto words = std::make_shared<Words>();
  Command command;
  command.name = "rm";
  command.summary = "Remove records: of a name, of a type of it, or with a value";
  command.examples = {"mcns record rm example.net www A 192.0.2.7",
                      "mcns record rm example.net www A", "mcns record rm example.net www",
                      "mcns record rm example.net --id 42"};
  command.options = {zone_option(*words),
                     name_option(*words, false),
                     type_option(*words, false),
                     values_option(*words, false),
                     {.name = "--id",
                      .target = &words->id,
                      .help = "The record with this number",
                      .value_name = "ID"}};
  add_record_options(command, words->change);
  command.run = [&context, words] { return remove(context, *words); };
  return command;
}

}  // namespace

Command record_command(Context& context) {
  Command command;
  command.name = "record";
  command.summary = "Look at records, add, set and remove them";
  command.commands = {list_command(context), get_command(context), add_command(context),
                      set_command(context), remove_command(context)};
  return command;
}

}  // namespace mcns::cli
