// Who may call which method, cell by cell: rights.txt beside this file.
#include <map>
#include <set>
#include <sstream>

#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include "mcns/api/test_service.h"

namespace mcns::api::test {
namespace {

using dsl::Code;
using dsl::Result;
using dsl::test::failed_saying;
using dsl::test::failed_with;
using dsl::test::ok;
using dsl::test::require_ok;

struct Cell {
  std::string method;   // "RecordService.CreateRecord"
  std::string variant;  // "own"
  std::string account;
  char expected = 'n';
};

std::vector<Cell> cells() {
  std::istringstream lines(require_ok(
      dsl::env::system_env().files().read_file(std::string(MC_TEST_DATA) + "/rights.txt")));
  std::vector<Cell> out;
  std::vector<std::string> accounts;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string first;
    words >> first;
    if (first == "#") {
      words >> first;
      if (first == "method") {
        for (std::string account; words >> account;) {
          accounts.push_back(account);
        }
      }
      continue;
    }
    const std::size_t colon = first.find(':');
    for (const std::string& account : accounts) {
      std::string expected;
      words >> expected;
      out.push_back({first.substr(0, colon),
                     colon == std::string::npos ? "" : first.substr(colon + 1), account,
                     expected.at(0)});
    }
  }
  return out;
}

std::set<std::string> declared_services() {
  std::set<std::string> names;
  for (const auto* file : {pb::Zone::descriptor()->file(), pb::RRset::descriptor()->file(),
                           pb::Status::descriptor()->file(), pb::Forward::descriptor()->file(),
                           pb::WatchEvent::descriptor()->file()}) {
    for (int s = 0; s < file->service_count(); ++s) {
      for (int m = 0; m < file->service(s)->method_count(); ++m) {
        names.insert(file->service(s)->name() + "." + file->service(s)->method(m)->name());
      }
    }
  }
  return names;
}

// A zone with a record of mcq's and one of the agent's.
class Rights : public testing::Test {
 protected:
  Rights() {
    service_.create_zone(kZone);
    own_ = service_.add(kZone, "mcq", "A", "192.0.2.1", "mcq").records(0).id();
    other_ = service_.add(kZone, "mail", "A", "192.0.2.2", "mcp-agent").records(0).id();
  }

  std::unique_ptr<Message> request(const Cell& cell);

  TestService service_;
  std::int64_t own_ = 0;
  std::int64_t other_ = 0;
};

struct Record {
  std::string name;
  std::string type;
  std::string value;
};

Record record_of(const std::string& variant) {
  if (variant == "ns") {
    return {"mcq", "NS", "ns.example."};
  }
  if (variant == "wild") {
    return {"*.mcq", "A", "192.0.2.3"};
  }
  return {variant == "own" ? "mcq" : "mail", "A", "192.0.2.3"};
}

void add_operation(pb::BatchRecordsRequest& request, const std::string& variant) {
  const Record record = record_of(variant);
  pb::Operation& operation = *request.add_operations();
  operation.set_verb("set");
  operation.set_name(record.name);
  operation.set_type(record.type);
  operation.add_values(record.value);
}

void set_text(Message& request, const char* name, const std::string& value) {
  if (const auto* field = request.GetDescriptor()->FindFieldByName(name)) {
    if (field->is_repeated()) {
      request.GetReflection()->AddString(&request, field, value);
    } else {
      request.GetReflection()->SetString(&request, field, value);
    }
  }
}

// What the variant says, as a dry run; otherwise an empty request, which is as far as a call that
// is not refused gets.
std::unique_ptr<Message> Rights::request(const Cell& cell) {
  const auto& method = service_.api()->table().methods().at("mcns.v1." + cell.method);
  std::unique_ptr<Message> out(method.request_prototype->New());
  if (cell.variant.empty()) {
    return out;
  }
  if (auto* batch = dynamic_cast<pb::BatchRecordsRequest*>(out.get())) {
    batch->set_zone(kZone);
    for (const char* variant : {"own", "other", "ns"}) {
      if (cell.variant == variant || (cell.variant == "mixed" && variant != std::string("ns"))) {
        add_operation(*batch, variant);
      }
    }
    batch->mutable_change()->set_dry_run(true);
    return out;
  }
  const Record record = record_of(cell.variant);
  set_text(*out, "zone", kZone);
  set_text(*out, "name", record.name);
  set_text(*out, "type", record.type);
  set_text(*out, "value", record.value);
  set_text(*out, "values", record.value);
  const auto& reflection = *out->GetReflection();
  if (const auto* id = out->GetDescriptor()->FindFieldByName("id")) {
    reflection.SetInt64(out.get(), id, cell.variant == "own" ? own_ : other_);
  }
  const auto* change = out->GetDescriptor()->FindFieldByName("change");
  static_cast<pb::Change*>(reflection.MutableMessage(out.get(), change))->set_dry_run(true);
  return out;
}

TEST_F(Rights, EveryCellOfTheTableHolds) {
  service_.services().stopping = true;  // streams without an end have one
  for (const Cell& cell : cells()) {
    const Result<void> done = service_.run(cell.account, cell.method, *request(cell),
                                           [](const Message&) { return Result<void>(); });

    const char got = done                                             ? 'y'
                     : done.error().code() == Code::kPermissionDenied ? 'n'
                     : done.error().code() == Code::kUnauthenticated  ? 'u'
                                                                      : 'y';
    EXPECT_EQ(got, cell.expected) << cell.method << " " << cell.variant << " " << cell.account
                                  << ": " << (done ? "" : done.error().render());
  }
}

TEST_F(Rights, EveryMethodThatIsDeclaredIsInTheTableAndServed) {
  std::set<std::string> in_table;
  for (const Cell& cell : cells()) {
    in_table.insert(cell.method);
  }
  std::set<std::string> served;
  const dsl::rpc::MethodTable table = service_.table();
  for (const auto& [name, method] : table.methods()) {
    served.insert(name.substr(std::string("mcns.v1.").size()));
  }

  EXPECT_EQ(in_table, declared_services());
  EXPECT_EQ(served, declared_services());
}

TEST_F(Rights, AMethodThatNobodyClassifiedIsDeniedToEverybody) {
  const dsl::rpc::Policy decide = policy(service_.services());
  for (const char* account : {"root", "kyle", "mcp-agent", "mcq", "reader", "guest"}) {
    for (const char* method : {"mcns.v1.RecordService.PurgeRecords",
                               "mcns.v1.ZoneService.ListZones", "GET /v1/page", ""}) {
      dsl::rpc::ActiveCall call(service_.env().clock(), {.method = method, .request_id = "test"});
      dsl::rpc::Peer peer;
      peer.token = account;
      call.set_caller(require_ok(caller_of(peer)));

      EXPECT_THAT(decide(call, pb::DeleteRRsetRequest()), failed_with(Code::kPermissionDenied))
          << account << " " << method;
    }
  }
}

// One request of a record.
pb::CreateRecordRequest record(const std::string& zone, const std::string& name,
                               const std::string& type, const std::string& value) {
  pb::CreateRecordRequest request;
  request.set_zone(zone);
  request.set_name(name);
  request.set_type(type);
  request.set_value(value);
  return request;
}

// MCNS-A8: mcq writes its name and its challenge and is refused every other name, NS, wildcards and
// zones; the agent writes any record but no zone; people read; guests get nothing; without a token
// it is 401; a method that no rule names is denied.
TEST(RightsOfThePlatform, AreAsTheContractSays) {
  TestService service;
  const std::string zone = "svc.mcp.metacircular.net";
  service.create_zone(zone);
  const auto create = [&](const std::string& account, const pb::CreateRecordRequest& request) {
    return service.call<pb::Outcome>(account, "RecordService.CreateRecord", request);
  };
  EXPECT_THAT(create("mcq", record(zone, "mcq", "A", "192.0.2.1")), ok());
  EXPECT_THAT(create("mcq", record(zone, "_acme-challenge.mcq", "TXT", "token")), ok());
  for (const char* name : {"www", "@", "mcq2", "x.mcq", "_acme-challenge.www", "_acme-challenge"}) {
    EXPECT_THAT(create("mcq", record(zone, name, "A", "192.0.2.1")),
                failed_with(Code::kPermissionDenied))
        << name;
  }
  EXPECT_THAT(create("mcq", record(zone, "mcq", "NS", "ns.example.")),
              failed_saying(Code::kPermissionDenied, "mcq may not add NS at mcq."));
  EXPECT_THAT(create("mcq", record(zone, "*.mcq", "A", "192.0.2.1")),
              failed_with(Code::kPermissionDenied));
  pb::CreateZoneRequest new_zone;
  new_zone.set_name("mcq.example");
  new_zone.set_primary_ns("ns1");
  for (const char* account : {"mcq", "mcp-agent", "reader", "guest"}) {
    EXPECT_THAT(service.call<pb::Zone>(account, "ZoneService.CreateZone", new_zone),
                failed_with(Code::kPermissionDenied))
        << account;
  }
  EXPECT_THAT(create("mcp-agent", record(zone, "anything", "A", "192.0.2.1")), ok());
  EXPECT_THAT(create("mcp-agent", record(zone, "*.anything", "TXT", "x")), ok());
  EXPECT_THAT(create("reader", record(zone, "reader", "A", "192.0.2.1")),
              failed_with(Code::kPermissionDenied));
  pb::ListRecordsRequest list;
  list.set_zone(zone);
  EXPECT_THAT(service.call<pb::ListRecordsReply>("reader", "RecordService.ListRecords", list),
              ok());
  EXPECT_THAT(service.call<pb::ListRecordsReply>("guest", "RecordService.ListRecords", list),
              failed_with(Code::kPermissionDenied));
  EXPECT_THAT(service.call<pb::ListRecordsReply>("", "RecordService.ListRecords", list),
              failed_with(Code::kUnauthenticated));
  dsl::rpc::ActiveCall unknown(service.env().clock(), {.method = "mcns.v1.RecordService.New"});
  dsl::rpc::Peer root;
  root.token = "root";
  unknown.set_caller(require_ok(caller_of(root)));
  EXPECT_THAT(policy(service.services())(unknown, pb::Zone()),
              failed_with(Code::kPermissionDenied));
}

TEST_F(Rights, ARecordOfAnothersIsNotTouchedAndItsOwnerIsNamed) {
  service_.add(kZone, "mcq", "AAAA", "2001:db8::1", "mcp-agent");
  pb::SetRRsetRequest request;
  request.set_zone(kZone);
  request.set_name("mcq");
  request.set_type("AAAA");
  request.add_values("2001:db8::2");

  EXPECT_THAT(service_.call<pb::Outcome>("mcq", "RecordService.SetRRset", request),
              failed_saying(Code::kPermissionDenied, "belongs to mcp-agent"));
  EXPECT_THAT(service_.call<pb::Outcome>("mcp-agent", "RecordService.SetRRset", request), ok());
}

TEST_F(Rights, AGrantWidensThemUntilItIsTakenBack) {
  pb::CreateGrantRequest grant;
  grant.set_account("www");
  grant.set_zone(kZone);
  grant.set_name_pattern("_acme-challenge.*");
  grant.add_types("TXT");
  const auto challenge = record(kZone, "_acme-challenge.mcq", "TXT", "one");
  EXPECT_THAT(service_.call<pb::Outcome>("www", "RecordService.CreateRecord", challenge),
              failed_with(Code::kPermissionDenied));

  const auto made = require_ok(service_.call<pb::Grant>("root", "AdminService.CreateGrant", grant));

  EXPECT_THAT(service_.call<pb::Outcome>("www", "RecordService.CreateRecord", challenge), ok());
  EXPECT_THAT(service_.call<pb::Outcome>("www", "RecordService.CreateRecord",
                                         record(kZone, "_acme-challenge.mcq", "A", "192.0.2.1")),
              failed_with(Code::kPermissionDenied));
  pb::DeleteGrantRequest back;
  back.set_id(made.id());
  EXPECT_THAT(service_.call<pb::DeleteGrantReply>("root", "AdminService.DeleteGrant", back), ok());
  EXPECT_THAT(service_.call<pb::Outcome>("www", "RecordService.CreateRecord",
                                         record(kZone, "_acme-challenge.mcq", "TXT", "two")),
              failed_with(Code::kPermissionDenied));
}

}  // namespace
}  // namespace mcns::api::test
