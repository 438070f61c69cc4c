// A writer on a real database in a folder of the test's own, and ways to look at what it leaves.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "dsl/db/database.h"
#include "mcns/rdata/rdata.h"
#include "mcns/store/change_table.h"
#include "mcns/store/record_table.h"
#include "mcns/store/schema.h"
#include "mcns/store/zone_table.h"
#include "mcns/writer/publish.h"
#include "mcns/writer/writer.h"
#include "mcns/zone/store.h"
#include "support/result_matchers.h"
#include "support/temp_dir.h"
#include "support/test_env.h"

namespace mcns::writer {

using dsl::Code;
using dsl::test::failed_saying;
using dsl::test::failed_with;
using dsl::test::ok;
using dsl::test::require_ok;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

inline Name name(std::string_view text) { return require_ok(Name::parse(text)); }

// "www A 192.0.2.1" below `origin`; with a number in second place that is its TTL.
struct Line {
  Name name;
  Type type = Type::kA;
  std::optional<std::uint32_t> ttl;
  Bytes rdata;
};
inline Line line(std::string_view text, const Name& origin) {
  const auto word = [&text] {
    const std::string_view first = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(first.size() + 1, text.size()));
    return std::string(first);
  };
  Line out{.name = require_ok(Name::parse(word(), &origin))};
  std::string type = word();
  if (!parse_type(type)) {
    out.ttl = static_cast<std::uint32_t>(std::stoul(type));
    type = word();
  }
  out.type = *parse_type(type);
  out.rdata = require_ok(rdata_from_text(out.type, text, origin));
  return out;
}

// What a version answers for a zone, one record a line, sorted; without the SOA.
inline std::vector<std::string> content(zone::Store& store, const Name& origin) {
  zone::Reader reader(store);
  const zone::Pin version(reader);
  const zone::Zone* zone = version->zone(origin);
  std::vector<std::string> lines;
  if (zone == nullptr) {
    return {"no zone"};
  }
  const auto add_node = [&](zone::Node node) {
    Bytes wire(node.name());
    wire += origin.wire();
    const std::string owner = require_ok(Name::from_wire(wire)).text_below(origin);
    node.each([&](const zone::RrsetView& rrset) {
      rrset.each([&](std::string_view, std::string_view rdata) {
        if (rrset.type != Type::kSoa) {
          lines.push_back(dsl::text("{} {} {} {}", owner, rrset.ttl(), text(rrset.type),
                                    rdata_text(rrset.type, rdata)));
        }
      });
    });
  };
  zone->each(add_node);
  std::sort(lines.begin(), lines.end());
  return lines;
}

class WriterTest : public ::testing::Test {
 protected:
  WriterTest() : dir_(dsl::test::TempDir::Where::kMemory), env_(1) {
    env_.use_real_files();
    open();
  }

  void open(const WriterOptions& options = {}) {
    writer_.reset();
    zones_.reset();
    database_.reset();
    database_ = require_ok(
        dsl::db::Database::open(env_, dir_.file("mcns.db"), {.migrations = store::migrations()}));
    zones_ = std::make_unique<zone::Store>();
    writer_ = require_ok(Writer::open(env_, *database_, *zones_, options));
  }

  store::ZoneRow zone_row(std::string_view origin = "example.test.") const {
    return {.origin = name(origin),
            .soa = {.primary_ns = require_ok(name(origin).child("ns1")),
                    .admin_email = require_ok(name(origin).child("admin"))}};
  }
  dsl::Result<Outcome> create(std::string_view origin = "example.test.") {
    return writer_->create_zone(author_, zone_row(origin), {});
  }

  static Operation operation(Operation::Kind kind, std::string_view text, const Name& origin) {
    Line parsed = line(text, origin);
    return {.kind = kind,
            .name = std::move(parsed.name),
            .type = parsed.type,
            .ttl = parsed.ttl,
            .rdata = {std::move(parsed.rdata)}};
  }
  Operation adding(std::string_view text) const {
    return operation(Operation::Kind::kAdd, text, origin_);
  }
  Operation deleting(std::string_view text) const {
    return operation(Operation::Kind::kDelete, text, origin_);
  }
  Operation setting(std::string_view text, const std::vector<std::string>& more = {}) const {
    Operation out = operation(Operation::Kind::kSet, text, origin_);
    for (const std::string& value : more) {
      out.rdata.push_back(require_ok(rdata_from_text(out.type, std::string_view(value), origin_)));
    }
    return out;
  }
  // The record with that number, whose name and type `text` has; its value too, unless it is left
  // out.
  Operation changing(std::int64_t id, std::string_view text, bool value = true) const {
    Operation out = operation(Operation::Kind::kChange, text, origin_);
    out.id = id;
    if (!value) {
      out.rdata.clear();
    }
    return out;
  }
  Operation deleting_all(std::string_view owner, std::string_view type) const {
    return {.kind = Operation::Kind::kDelete,
            .name = require_ok(Name::parse(owner, &origin_)),
            .type = *parse_type(type)};
  }

  dsl::Result<Outcome> apply(std::vector<Operation> operations) {
    return writer_->apply(author_, {.zone = origin_, .operations = std::move(operations)});
  }
  dsl::Result<Outcome> apply(Operation operation) {
    return apply(std::vector<Operation>{std::move(operation)});
  }
  dsl::Result<Outcome> add(std::string_view text) { return apply(adding(text)); }

  Record record(std::string_view text, const Name& origin) const {
    Line parsed = line(text, origin);
    return {.name = parsed.name,
            .type = parsed.type,
            .ttl = parsed.ttl.value_or(300),
            .rdata = parsed.rdata};
  }
  Writer::Import import_of(const std::vector<std::string>& lines) const {
    Writer::Import import{.zone = origin_};
    for (const std::string& text : lines) {
      import.records.push_back(record(text, origin_));
    }
    return import;
  }

  std::vector<std::string> content() { return writer::content(*zones_, origin_); }
  // As a start would make it of the database.
  std::vector<std::string> rebuilt(const Name& origin) {
    zone::Store store;
    require_ok(database_->read([&](dsl::db::Transaction& tx) -> dsl::Result<void> {
      MC_ASSIGN(const auto zones, store::all_zones(tx));
      return load(tx, zones, store, [](const store::ZoneRow&) {});
    }));
    return writer::content(store, origin);
  }

  std::uint32_t published_serial(const Name& origin) {
    zone::Reader reader(*zones_);
    const zone::Pin version(reader);
    const zone::Zone* zone = version->zone(origin);
    return zone == nullptr ? 0 : zone->serial();
  }
  std::uint32_t serial() { return published_serial(origin_); }

  template <class Fn>
  auto read(const Fn& fn) {
    return require_ok(database_->read(fn));
  }
  store::ZoneRow stored_zone(const Name& origin) {
    return *read([&](dsl::db::Transaction& tx) { return store::find_zone(tx, origin); });
  }
  store::ZoneRow stored_zone() { return stored_zone(origin_); }
  std::vector<store::RecordRow> stored(std::string_view label) {
    const store::ZoneRow zone = stored_zone();
    const Name owner = require_ok(Name::parse(label, &origin_));
    return read([&](dsl::db::Transaction& tx) { return store::records_at(tx, zone, owner); });
  }
  // "+www 300 A 192.0.2.1 admin api", oldest first.
  std::vector<std::string> history(const Name& origin) {
    auto changes =
        read([&](dsl::db::Transaction& tx) -> dsl::Result<std::vector<store::ChangeRow>> {
          MC_ASSIGN(const auto zone, store::find_zone(tx, origin));
          return store::list_changes(tx, *zone, 0, 100000);
        });
    std::reverse(changes.begin(), changes.end());
    std::vector<std::string> out;
    for (const store::ChangeRow& change : changes) {
      out.push_back(dsl::text("{}{} {} {} {} {} {}", change.added ? "+" : "-",
                              change.name.text_below(origin), change.ttl, text(change.type),
                              rdata_text(change.type, change.rdata), change.actor, change.source));
    }
    return out;
  }

  const dsl::test::TempDir dir_;
  dsl::test::TestEnv env_;
  const Name origin_ = name("example.test.");
  Author author_{.account = "admin", .may_touch_others = true};
  const Author mcq_{.account = "mcq"};
  std::unique_ptr<dsl::db::Database> database_;
  std::unique_ptr<zone::Store> zones_;
  std::unique_ptr<Writer> writer_;
};

}  // namespace mcns::writer
