// RecordService: what is stored, what is refused, and how the refusal reads.
#include <barrier>
#include <thread>

#include <gmock/gmock.h>
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
using testing::ElementsAre;
using testing::HasSubstr;

class Records : public testing::Test {
 protected:
  Records() { service_.create_zone(kZone); }

  pb::CreateRecordRequest record(const std::string& name, const std::string& type,
                                 const std::string& value) const {
    pb::CreateRecordRequest request;
    request.set_zone(kZone);
    request.set_name(name);
    request.set_type(type);
    request.set_value(value);
    return request;
  }
  Result<pb::Outcome> create(const pb::CreateRecordRequest& request) {
    return service_.call<pb::Outcome>("root", "RecordService.CreateRecord", request);
  }
  std::vector<std::string> values(const std::string& name, const std::string& type) {
    pb::GetRRsetRequest request;
    request.set_zone(kZone);
    request.set_name(name);
    request.set_type(type);
    std::vector<std::string> out;
    const pb::RRset reply =
        service_.call<pb::RRset>("reader", "RecordService.GetRRset", request).value_or(pb::RRset());
    for (const pb::Record& one : reply.records()) {
      out.push_back(one.value());
    }
    return out;
  }

  TestService service_;
};

TEST_F(Records, ACreatedRecordComesBackAsStoredWithTheNewSerial) {
  const std::uint32_t before = service_.serial(kZone);

  const pb::Outcome outcome = require_ok(create(record("www", "aaaa", "2001:DB8:0:0::1")));

  EXPECT_EQ(outcome.zone(), kZone);
  EXPECT_EQ(outcome.serial(), before + 1);
  EXPECT_TRUE(outcome.changed());
  ASSERT_EQ(outcome.records_size(), 1);
  const pb::Record& stored = outcome.records(0);
  EXPECT_GT(stored.id(), 0);
  EXPECT_EQ(stored.name(), "www");
  EXPECT_EQ(stored.type(), "AAAA");
  EXPECT_EQ(stored.value(), "2001:db8::1");
  EXPECT_EQ(stored.ttl(), 300u);
  EXPECT_EQ(stored.owner(), "uid:0(root)");
  EXPECT_EQ(service_.serial(kZone), outcome.serial());
}

// --- the rows of section 11 that concern the API ---

TEST_F(Records, UnknownZonesAndRecordsAreNotFoundAndTheNearestIsNamed) {
  pb::CreateRecordRequest request = record("www", "A", "192.0.2.1");
  request.set_zone("svc.tset");
  EXPECT_THAT(create(request), failed_saying(Code::kNotFound, "svc.test"));
  pb::GetRecordRequest get;
  get.set_zone(kZone);
  get.set_id(4711);
  EXPECT_THAT(service_.call<pb::Record>("root", "RecordService.GetRecord", get),
              failed_saying(Code::kNotFound, "no record 4711"));
  pb::DeleteRecordRequest remove;
  remove.set_zone(kZone);
  remove.set_id(4711);
  EXPECT_THAT(service_.call<pb::Outcome>("root", "RecordService.DeleteRecord", remove),
              failed_with(Code::kNotFound));
  pb::GetRRsetRequest rrset;
  rrset.set_zone(kZone);
  rrset.set_name("www");
  rrset.set_type("A");
  EXPECT_THAT(service_.call<pb::RRset>("root", "RecordService.GetRRset", rrset),
              failed_with(Code::kNotFound));
}

TEST_F(Records, DuplicatesAndConflictsNameTheRecordThatIsInTheWay) {
  require_ok(create(record("www", "A", "192.0.2.1")));

  EXPECT_THAT(create(record("www", "A", "192.0.2.1")),
              failed_saying(Code::kAlreadyExists, "192.0.2.1"));
  EXPECT_THAT(create(record("www", "CNAME", "other")), failed_saying(Code::kConflict, "192.0.2.1"));
}

TEST_F(Records, WhatIsInvalidNamesItsFieldWhatIsAllowedAndAnExample) {
  struct Row {
    const char* name;
    const char* type;
    const char* value;
    const char* field;
  };
  for (const Row& row :
       {Row{"www", "A", "192.0.2", "value"}, Row{"www", "A", "2001:db8::1", "value"},
        Row{"www", "MX", "mail", "value"}, Row{"www", "NOPE", "x", "type"},
        Row{"www", "SOA", "x", "type"}, Row{"www", "ANY", "x", "type"},
        Row{"a..b", "A", "192.0.2.1", "name"}, Row{"www.other.test.", "A", "192.0.2.1", "name"}}) {
    const auto result = create(record(row.name, row.type, row.value));

    ASSERT_THAT(result, failed_with(Code::kInvalidArgument)) << row.value;
    ASSERT_FALSE(result.error().details().empty()) << row.value;
    EXPECT_EQ(result.error().details().front().where, row.field) << row.value;
    EXPECT_NE(result.error().hint(), "") << row.value;
  }
  pb::CreateRecordRequest request = record("www", "A", "192.0.2.1");
  request.set_ttl(2147483648U);
  const auto result = create(request);
  ASSERT_THAT(result, failed_with(Code::kInvalidArgument));
  EXPECT_EQ(result.error().details().front().where, "ttl");
}

TEST_F(Records, AStaleSerialIsAFailedPrecondition) {
  const std::uint32_t serial = service_.serial(kZone);
  pb::CreateRecordRequest request = record("www", "A", "192.0.2.1");
  request.mutable_change()->set_if_serial(serial);
  require_ok(create(request));

  request.set_value("192.0.2.2");
  EXPECT_THAT(create(request), failed_with(Code::kFailedPrecondition));
  EXPECT_THAT(values("www", "A"), ElementsAre("192.0.2.1"));
}

TEST_F(Records, ABatchBeyondItsBoundIsTooLarge) {
  pb::BatchRecordsRequest request;
  request.set_zone(kZone);
  for (int i = 0; i <= 10000; ++i) {
    pb::Operation& operation = *request.add_operations();
    operation.set_verb("add");
    operation.set_name("www");
    operation.set_type("A");
    operation.add_values("192.0.2.1");
  }

  EXPECT_THAT(service_.call<pb::Outcome>("root", "RecordService.BatchRecords", request),
              failed_saying(Code::kTooLarge, "10001 operations"));
}

// --- what changes do ---

TEST_F(Records, AChangeThatChangesNothingKeepsTheSerial) {
  pb::SetRRsetRequest request;
  request.set_zone(kZone);
  request.set_name("www");
  request.set_type("A");
  request.add_values("192.0.2.1");
  request.add_values("192.0.2.2");
  const auto first =
      require_ok(service_.call<pb::Outcome>("root", "RecordService.SetRRset", request));
  EXPECT_TRUE(first.changed());

  const auto again =
      require_ok(service_.call<pb::Outcome>("root", "RecordService.SetRRset", request));

  EXPECT_FALSE(again.changed());
  EXPECT_EQ(again.serial(), first.serial());
  EXPECT_THAT(values("www", "A"), ElementsAre("192.0.2.1", "192.0.2.2"));
}

TEST_F(Records, AnUpdateChangesTheOneRecord) {
  require_ok(create(record("www", "A", "192.0.2.1")));
  const auto second = require_ok(create(record("www", "A", "192.0.2.2")));
  pb::UpdateRecordRequest request;
  request.set_zone(kZone);
  request.set_id(second.records(0).id());
  request.set_value("192.0.2.3");

  const auto changed =
      require_ok(service_.call<pb::Outcome>("root", "RecordService.UpdateRecord", request));

  EXPECT_THAT(values("www", "A"), ElementsAre("192.0.2.1", "192.0.2.3"));
  request.set_id(changed.records(0).id());
  const auto same =
      require_ok(service_.call<pb::Outcome>("root", "RecordService.UpdateRecord", request));
  EXPECT_FALSE(same.changed());
  EXPECT_EQ(same.serial(), changed.serial());
  EXPECT_EQ(same.records(0).value(), "192.0.2.3");
  request.clear_value();
  request.set_ttl(60);
  const auto slower =
      require_ok(service_.call<pb::Outcome>("root", "RecordService.UpdateRecord", request));
  EXPECT_EQ(slower.records(0).ttl(), 60u);
  EXPECT_THAT(slower.warnings(), ElementsAre(HasSubstr("became 60")));
}

TEST_F(Records, AnUpdateDoesNotBringADeletedRecordBack) {
  for (int round = 0; round < 50; ++round) {
    const auto made = require_ok(create(record("www", "A", "192.0.2.1")));
    pb::UpdateRecordRequest update;
    update.set_zone(kZone);
    update.set_id(made.records(0).id());
    update.set_ttl(60);
    pb::DeleteRecordRequest remove;
    remove.set_zone(kZone);
    remove.set_id(made.records(0).id());
    std::barrier both(2);
    std::thread other([&] {
      both.arrive_and_wait();
      (void)service_.call<pb::Outcome>("root", "RecordService.UpdateRecord", update);
    });
    both.arrive_and_wait();
    EXPECT_THAT(service_.call<pb::Outcome>("root", "RecordService.DeleteRecord", remove), ok());
    other.join();

    ASSERT_THAT(values("www", "A"), ElementsAre()) << "round " << round;
  }
}

TEST_F(Records, AnUpdateKeepsTheLeaseUnlessItGivesOne) {
  pb::CreateRecordRequest leased = record("www", "A", "192.0.2.1");
  leased.set_lease_seconds(3600);
  const auto made = require_ok(create(leased));
  pb::UpdateRecordRequest request;
  request.set_zone(kZone);
  request.set_id(made.records(0).id());
  request.set_ttl(60);
  const auto update = [&] {
    return require_ok(service_.call<pb::Outcome>("root", "RecordService.UpdateRecord", request));
  };
  EXPECT_EQ(update().records(0).lease_expires_ms(), made.records(0).lease_expires_ms());

  request.set_value("192.0.2.2");
  const auto moved = update();
  EXPECT_EQ(moved.records(0).lease_expires_ms(), made.records(0).lease_expires_ms());
  EXPECT_EQ(moved.records(0).ttl(), 60u);

  request.set_id(moved.records(0).id());
  request.set_lease_seconds(0);
  EXPECT_EQ(update().records(0).lease_expires_ms(), 0);
}

TEST_F(Records, ABatchIsAllOrNothingAndHasOneSerial) {
  const std::uint32_t before = service_.serial(kZone);
  pb::BatchRecordsRequest request;
  request.set_zone(kZone);
  const auto add = [&](const char* verb, const char* name, const char* type, const char* value) {
    pb::Operation& operation = *request.add_operations();
    operation.set_verb(verb);
    operation.set_name(name);
    operation.set_type(type);
    if (*value != '\0') {
      operation.add_values(value);
    }
  };
  add("add", "a", "A", "192.0.2.1");
  add("set", "b", "A", "192.0.2.2");
  add("add", "b", "TXT", "text");
  const auto outcome =
      require_ok(service_.call<pb::Outcome>("root", "RecordService.BatchRecords", request));
  EXPECT_EQ(outcome.serial(), before + 1);
  EXPECT_EQ(outcome.added(), 3u);

  request.clear_operations();
  add("delete", "b", "", "");
  add("delete", "c", "A", "");
  EXPECT_THAT(service_.call<pb::Outcome>("root", "RecordService.BatchRecords", request),
              failed_saying(Code::kNotFound, "operations[1]"));
  EXPECT_THAT(values("b", "A"), ElementsAre("192.0.2.2"));
  EXPECT_EQ(service_.serial(kZone), outcome.serial());
}

TEST_F(Records, ADryRunTellsWhatWouldBeAndDoesNothing) {
  pb::CreateRecordRequest request = record("www", "A", "192.0.2.1");
  request.mutable_change()->set_dry_run(true);
  const std::uint32_t before = service_.serial(kZone);

  const pb::Outcome outcome = require_ok(create(request));

  EXPECT_TRUE(outcome.changed());
  EXPECT_EQ(outcome.changes(0).value(), "192.0.2.1");
  EXPECT_EQ(service_.serial(kZone), before);
  EXPECT_THAT(values("www", "A"), ElementsAre());
}

TEST_F(Records, ChallengesComeForAnHourAndBesideEachOther) {
  const auto first = require_ok(create(record("_acme-challenge.www", "TXT", "one")));
  const auto second = require_ok(create(record("_acme-challenge.www", "TXT", "two")));

  EXPECT_EQ(first.records(0).ttl(), 60u);
  const std::int64_t now = service_.env().clock().now().time_since_epoch().count();
  EXPECT_GT(second.records(0).lease_expires_ms(), now + 3500'000);
  EXPECT_LE(second.records(0).lease_expires_ms(), now + 3600'000);
  EXPECT_THAT(values("_acme-challenge.www", "TXT"), ElementsAre("\"one\"", "\"two\""));
  pb::CreateRecordRequest kept = record("_acme-challenge.www", "TXT", "three");
  kept.set_lease_seconds(0);
  EXPECT_EQ(require_ok(create(kept)).records(0).lease_expires_ms(), 0);
}

TEST_F(Records, ANameThatWasMostLikelyMeantAbsoluteIsPointedOut) {
  const auto outcome = require_ok(create(record("www", "CNAME", "www.example.net")));
  EXPECT_EQ(outcome.records(0).value(), "www.example.net.svc.test.");
  EXPECT_THAT(outcome.warnings(), testing::Contains(HasSubstr("a final dot makes")));

  const auto dotted = require_ok(create(record("two", "CNAME", "www.example.net.")));
  EXPECT_THAT(dotted.warnings(), ElementsAre());
}

// --- lists ---

TEST_F(Records, AListHasPagesFiltersAndCanonicalOrder) {
  for (int i = 0; i < 25; ++i) {
    service_.add(kZone, dsl::text("h{}", i), "A", dsl::text("192.0.2.{}", i), "mcp-agent");
  }
  service_.add(kZone, "h3", "TXT", "x");
  pb::ListRecordsRequest request;
  request.set_zone(kZone);
  request.set_page_size(10);
  std::vector<std::string> names;
  int pages = 0;
  do {
    const auto page = require_ok(
        service_.call<pb::ListRecordsReply>("reader", "RecordService.ListRecords", request));
    EXPECT_LE(page.records_size(), 10);
    EXPECT_EQ(page.serial(), service_.serial(kZone));
    for (const pb::Record& one : page.records()) {
      names.push_back(one.name());
    }
    request.set_page_token(page.next_page_token());
    ++pages;
  } while (!request.page_token().empty());
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(names.size(), 27u);  // with the NS
  EXPECT_EQ(names.front(), "@");
  EXPECT_TRUE(std::is_sorted(names.begin() + 1, names.end()));

  request.set_page_size(0);
  request.set_type("txt");
  EXPECT_EQ(require_ok(
                service_.call<pb::ListRecordsReply>("reader", "RecordService.ListRecords", request))
                .records_size(),
            1);
  request.clear_type();
  request.set_owner("mcp-agent");
  EXPECT_EQ(require_ok(
                service_.call<pb::ListRecordsReply>("reader", "RecordService.ListRecords", request))
                .records_size(),
            25);
  request.set_name("H3");
  EXPECT_EQ(require_ok(
                service_.call<pb::ListRecordsReply>("reader", "RecordService.ListRecords", request))
                .records_size(),
            1);
  request.set_page_token("nonsense");
  EXPECT_THAT(service_.call<pb::ListRecordsReply>("reader", "RecordService.ListRecords", request),
              failed_with(Code::kInvalidArgument));
}

// --- asked again ---

TEST_F(Records, TheSameRequestIdGetsTheFirstAnswerAgain) {
  pb::CreateRecordRequest request = record("www", "A", "192.0.2.1");
  request.mutable_change()->set_request_id("abc");
  const pb::Outcome first = require_ok(create(request));

  const pb::Outcome again = require_ok(create(request));

  EXPECT_EQ(again.SerializeAsString(), first.SerializeAsString());
  EXPECT_EQ(service_.serial(kZone), first.serial());
  request.set_value("192.0.2.2");
  EXPECT_THAT(create(request), failed_saying(Code::kConflict, "another request"));
  // Another account's ids are its own.
  EXPECT_THAT(service_.call<pb::Outcome>("kyle", "RecordService.CreateRecord", request), ok());
}

// Whose rights depend on the record, and the first call has taken it away.
TEST_F(Records, ASystemAccountThatAsksAgainGetsItsAnswerThoughTheRecordIsGone) {
  const auto made = service_.add(kZone, "mcq", "A", "192.0.2.1", "mcq");
  pb::UpdateRecordRequest update;
  update.set_zone(kZone);
  update.set_id(made.records(0).id());
  update.set_value("192.0.2.2");
  update.mutable_change()->set_request_id("put");
  const auto as_mcq = [&](const std::string& method, const Message& request) {
    return service_.call<pb::Outcome>("mcq", "RecordService." + method, request);
  };
  const auto updated = require_ok(as_mcq("UpdateRecord", update));
  EXPECT_EQ(require_ok(as_mcq("UpdateRecord", update)).SerializeAsString(),
            updated.SerializeAsString());
  pb::DeleteRecordRequest remove;
  remove.set_zone(kZone);
  remove.set_id(updated.records(0).id());
  remove.mutable_change()->set_request_id("delete");
  const auto removed = require_ok(as_mcq("DeleteRecord", remove));

  EXPECT_EQ(require_ok(as_mcq("DeleteRecord", remove)).SerializeAsString(),
            removed.SerializeAsString());

  EXPECT_THAT(service_.call<pb::Outcome>("www", "RecordService.DeleteRecord", remove),
              failed_with(Code::kNotFound))
      << "the answer is its caller's";
  remove.mutable_change()->set_request_id("another");
  EXPECT_THAT(as_mcq("DeleteRecord", remove), failed_with(Code::kNotFound));
  remove.mutable_change()->set_request_id("delete");
  remove.set_id(made.records(0).id());
  EXPECT_THAT(as_mcq("DeleteRecord", remove), failed_with(Code::kNotFound))
      << "another request than that of the answer";
}

TEST_F(Records, ManyWritersWithOneIdMakeOneChange) {
  pb::CreateRecordRequest request = record("www", "A", "192.0.2.1");
  request.mutable_change()->set_request_id("abc");
  const std::uint32_t before = service_.serial(kZone);
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] { EXPECT_THAT(create(request), ok()); });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }

  EXPECT_EQ(service_.serial(kZone), before + 1);
}

}  // namespace
}  // namespace mcns::api::test
