// The API over gRPC and REST: the same service, the same answers.
#include <gtest/gtest.h>

#include "mcns/api/test_service.h"
#include "support/contract/transport_contract.h"

namespace mcns::api::test {
namespace {

void set_text(Message& request, const char* name, const std::string& value) {
  const auto* field = request.GetDescriptor()->FindFieldByName(name);
  if (field != nullptr && !field->is_repeated() &&
      field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_STRING) {
    request.GetReflection()->SetString(&request, field, value);
  }
}

// Every other request is about what there is. None changes anything, since the second of two equal
// changes has another answer than the first.
void shape(const std::string& method, int n, Message& request) {
  const auto* type = request.GetDescriptor();
  const auto& reflection = *request.GetReflection();
  if (n % 2 == 0) {
    set_text(request, "zone", kZone);
    set_text(request, "name", "www");
    set_text(request, "type", "A");
    set_text(request, "value", "192.0.2.77");
    set_text(request, "primary_ns", "ns1");
    set_text(request, "page_token", "");
    set_text(request, "serial_policy", "");
    set_text(request, "from", "");
    if (const auto* values = type->FindFieldByName("values")) {
      reflection.ClearField(&request, values);
      reflection.AddString(&request, values, "192.0.2.77");
    }
    if (const auto* page = type->FindFieldByName("page_size")) {
      reflection.SetInt32(&request, page, 2);
    }
  }
  if (const auto* change = type->FindFieldByName("change")) {
    auto& inner = static_cast<pb::Change&>(*reflection.MutableMessage(&request, change));
    inner.clear_request_id();
    inner.set_dry_run(true);
  }
  if (method.ends_with("Watch")) {
    request.Clear();
  }
  // These have no dry run: requests that are refused.
  if (method.ends_with("CreateToken") || method.ends_with("CreateGrant")) {
    set_text(request, "role", "nobody");
    set_text(request, "account", "");
  }
  if (method.ends_with("Snapshot")) {
    set_text(request, "out", "not-absolute");
  }
  if (method.ends_with("UploadZonefile")) {
    set_text(request, "upload", "nothing");
  }
  if (auto* forward = dynamic_cast<pb::SetForwardRequest*>(&request)) {
    forward->set_dry_run(true);
  }
}

// Memory and counts of a moment; times of a moment.
void blur(Message& message) {
  if (auto* status = dynamic_cast<pb::Status*>(&message)) {
    status->clear_memory();
    status->clear_cache();
  }
  if (auto* cache = dynamic_cast<pb::CacheReport*>(&message)) {
    cache->Clear();
  }
  if (auto* explanation = dynamic_cast<pb::Explanation*>(&message)) {
    explanation->clear_message();  // ids and the order of records turn
  }
  if (auto* outcome = dynamic_cast<pb::Outcome*>(&message)) {
    for (pb::Record& record : *outcome->mutable_records()) {
      record.clear_created_ms();
      record.clear_updated_ms();
      record.clear_lease_expires_ms();
      record.clear_id();
    }
  }
}

TEST(McnsContract, GrpcAndRestAgreeForEveryMethod) {
  TestService service;
  service.create_zone(kZone);
  for (int i = 0; i < 5; ++i) {
    service.add(kZone, "www", "A", dsl::text("192.0.2.{}", i));
  }
  dsl::rpc::ApiOptions access;
  access.authenticate = [](const dsl::rpc::Peer&) {
    dsl::rpc::Peer root;
    root.token = "kyle";
    return caller_of(root);
  };
  access.policy = policy(service.services());
  const auto api = dsl::test::require_ok(
      dsl::rpc::Api::create(dsl::env::system_env(), service.table(), std::move(access)));
  dsl::test::ContractOptions options;
  options.requests_per_form = 8;
  options.shape = shape;
  options.blur = blur;
  options.leave_after = {{"mcns.v1.WatchService.Watch", 1}};

  const auto report = transports_agree(api, options);

  EXPECT_EQ(report.covered, report.declared);
  EXPECT_EQ(report.covered.size(), service.table().methods().size());
  EXPECT_GE(report.replies, 60);
  EXPECT_GE(report.errors, 60);
}

TEST(McnsContract, WhatIsDescribedIsWhatIsServed) {
  TestService service;

  const dsl::rpc::MethodTable declared = declared_methods();

  const dsl::rpc::MethodTable served = service.table();
  ASSERT_EQ(declared.methods().size(), served.methods().size());
  for (const auto& [name, method] : served.methods()) {
    EXPECT_EQ(declared.methods().count(name), 1u) << name;
  }
  EXPECT_THAT(dsl::rpc::check_descriptors(declared), dsl::test::ok());
}

}  // namespace
}  // namespace mcns::api::test
