#include <algorithm>
#include <array>
#include <limits>
#include <span>

#include "dsl/config/nearest.h"
#include "dsl/config/toml.h"
#include "mcns/rdata/rdata.h"
#include "mcns/seed/files.h"
#include "mcns/store/zone_table.h"

namespace mcns::seed {
namespace {

using dsl::Code;
using dsl::Error;
using dsl::Result;
using dsl::config::Position;
using dsl::config::TomlMember;
using dsl::config::TomlValue;
using Kind = TomlValue::Kind;

const std::vector<std::string> kZoneKeys = {
    "name",        "primary_ns", "admin_email", "refresh",       "retry",    "expire",
    "minimum_ttl", "soa_ttl",    "default_ttl", "serial_policy", "auto_ptr", "record"};
const std::vector<std::string> kRecordKeys = {"name", "type", "ttl", "value", "values"};

// Reads a whole file and collects what is wrong with it.
class Reader {
 public:
  explicit Reader(const std::string& path) : path_(path) {}

  Result<std::vector<ZoneEntry>> read(std::string_view content) {
    Position where;
    const auto document = dsl::config::parse_toml(content, where);
    if (!document) {
      report(where, document.error().message());
      return verdict();
    }
    check_keys(*document, std::vector<std::string>{"zone"});
    for (const TomlValue* zone : tables(*document, "zone")) {
      read_zone(*zone);
    }
    return verdict();
  }

 private:
  void report(Position where, std::string message) {
    problems_.push_back({dsl::config::at(path_, where), std::move(message)});
  }

  Result<std::vector<ZoneEntry>> verdict() {
    if (problems_.empty()) {
      return std::move(zones_);
    }
    Error error(Code::kUnprocessable, dsl::text("{} has {} mistake{}", path_, problems_.size(),
                                                problems_.size() == 1 ? "" : "s"));
    for (dsl::Detail& problem : problems_) {
      error.add_detail(std::move(problem.where), std::move(problem.message));
    }
    return tl::unexpected(std::move(error));
  }

  void check_keys(const TomlValue& table, const std::vector<std::string>& known) {
    for (const TomlMember& member : table.members) {
      if (std::find(known.begin(), known.end(), member.key) == known.end()) {
        const std::string near = dsl::config::nearest(member.key, known);
        report(member.position,
               dsl::text("unknown key {}{}", member.key,
                         near.empty() ? "" : dsl::text("; did you mean {}?", near)));
      }
    }
  }

  // The value of `key`; nothing when it is missing or of another kind.
  const TomlValue* find(const TomlValue& table, std::string_view key, Kind kind,
                        std::string_view example) {
    const TomlValue* value = table.find(key);
    if (value != nullptr && value->kind != kind) {
      report(value->position,
             dsl::text("{} is given as {}; write {}", key, value->kind_name(), example));
      return nullptr;
    }
    return value;
  }

  std::vector<const TomlValue*> tables(const TomlValue& table, std::string_view key) {
    std::vector<const TomlValue*> found;
    if (const TomlValue* array = find(table, key, Kind::kArray, dsl::text("[[{}]]", key))) {
      for (const TomlValue& item : array->items) {
        if (item.kind == Kind::kTable) {
          found.push_back(&item);
        } else {
          report(item.position,
                 dsl::text("{} is given as {}; write [[{}]]", key, item.kind_name(), key));
        }
      }
    }
    return found;
  }

  std::optional<Name> name(const TomlValue& table, std::string_view key, const Name* origin) {
    const TomlValue* value = find(table, key, Kind::kString, "\"www\"");
    if (value == nullptr) {
      return std::nullopt;
    }
    auto parsed = Name::parse(value->string, origin);
    if (!parsed) {
      report(value->position, parsed.error().message());
      return std::nullopt;
    }
    return *std::move(parsed);
  }

  // "admin@example.test" as well (RFC 1035 section 8).
  std::optional<Name> mailbox(const TomlValue& table, std::string_view key) {
    const TomlValue* value = find(table, key, Kind::kString, "\"admin@example.test\"");
    if (value == nullptr) {
      return std::nullopt;
    }
    const std::size_t at = value->string.rfind('@');
    if (at == std::string::npos) {
      return name(table, key, nullptr);
    }
    auto domain = Name::parse(std::string_view(value->string).substr(at + 1));
    auto parsed = domain ? domain->child(std::string_view(value->string).substr(0, at)) : domain;
    if (!parsed) {
      report(value->position, parsed.error().message());
      return std::nullopt;
    }
    return *std::move(parsed);
  }

  std::optional<std::uint32_t> seconds(const TomlValue& table, std::string_view key) {
    const TomlValue* value = find(table, key, Kind::kInteger, "seconds, for example 300");
    if (value == nullptr) {
      return std::nullopt;
    }
    if (value->integer < 0 || value->integer > std::numeric_limits<std::int32_t>::max()) {
      report(value->position, dsl::text("{} is out of range: 0 to 2147483647 seconds", key));
      return std::nullopt;
    }
    return static_cast<std::uint32_t>(value->integer);
  }

  void read_zone(const TomlValue& table) {
    check_keys(table, kZoneKeys);
    if (table.find("name") == nullptr) {
      report(table.position, "a zone has no name; write name = \"example.test\"");
    }
    ZoneEntry zone;
    if (auto origin = name(table, "name", nullptr)) {
      zone.origin = *std::move(origin);
    }
    read_fields(table, zone);
    for (const TomlValue* record : tables(table, "record")) {
      read_record(*record, zone);
    }
    zones_.push_back(std::move(zone));
  }

  void read_fields(const TomlValue& table, ZoneEntry& zone) {
    if (table.find("primary_ns") == nullptr && table.find("admin_email") == nullptr) {
      return;
    }
    store::ZoneRow row{.origin = zone.origin};
    const auto primary_ns = name(table, "primary_ns", &zone.origin);
    const auto admin_email = mailbox(table, "admin_email");
    for (const char* key : {"primary_ns", "admin_email"}) {
      if (table.find(key) == nullptr) {
        report(table.position, dsl::text("the zone has no {}", key));
      }
    }
    row.soa.primary_ns = primary_ns.value_or(Name());
    row.soa.admin_email = admin_email.value_or(Name());
    const auto set = [&](std::string_view key, std::uint32_t& field) {
      field = seconds(table, key).value_or(field);
    };
    set("refresh", row.soa.refresh_s);
    set("retry", row.soa.retry_s);
    set("expire", row.soa.expire_s);
    set("minimum_ttl", row.soa.minimum_ttl_s);
    set("soa_ttl", row.soa_ttl);
    set("default_ttl", row.default_ttl);
    if (const TomlValue* value = find(table, "auto_ptr", Kind::kBool, "true")) {
      row.auto_ptr = value->boolean;
    }
    if (const TomlValue* value = find(table, "serial_policy", Kind::kString, "\"date\"")) {
      const auto policy = store::parse_serial_policy(value->string);
      if (!policy) {
        report(value->position,
               dsl::text("\"{}\" is none of \"date\", \"increment\", \"unixtime\"", value->string));
      }
      row.serial_policy = policy.value_or(row.serial_policy);
    }
    zone.row = std::move(row);
  }

  void read_record(const TomlValue& table, ZoneEntry& zone) {
    check_keys(table, kRecordKeys);
    RecordEntry record;
    const auto owner = name(table, "name", &zone.origin);
    const TomlValue* type = find(table, "type", Kind::kString, "\"A\"");
    if (table.find("name") == nullptr || table.find("type") == nullptr) {
      report(table.position,
             "a record has a name and a type, for example name = \"www\", type = "
             "\"A\", value = \"192.0.2.1\"");
    }
    if (!owner || type == nullptr) {
      return;
    }
    const auto known = parse_type(type->string);
    if (!known) {
      report(type->position,
             dsl::text("there is no type {}; for example A, AAAA, CNAME, MX or TXT", type->string));
      return;
    }
    record.name = *owner;
    record.type = *known;
    record.ttl = seconds(table, "ttl");
    for (const TomlValue* value : values(table)) {
      auto rdata = rdata_from_text(record.type, std::string_view(value->string), zone.origin);
      if (!rdata) {
        report(value->position, rdata.error().message());
        continue;
      }
      record.rdata = *std::move(rdata);
      zone.records.push_back(record);
    }
  }

  std::vector<const TomlValue*> values(const TomlValue& table) {
    std::vector<const TomlValue*> found;
    if (const TomlValue* value = find(table, "value", Kind::kString, "\"192.0.2.1\"")) {
      found.push_back(value);
    }
    if (const TomlValue* array = find(table, "values", Kind::kArray, "[\"192.0.2.1\"]")) {
      for (const TomlValue& item : array->items) {
        if (item.kind == Kind::kString) {
          found.push_back(&item);
        } else {
          report(item.position,
                 dsl::text("a value is given as {}; write \"192.0.2.1\"", item.kind_name()));
        }
      }
    }
    if (table.find("value") == nullptr && table.find("values") == nullptr) {
      report(table.position, "a record has no value; write value = \"192.0.2.1\"");
    }
    return found;
  }

  const std::string& path_;
  std::vector<ZoneEntry> zones_;
  std::vector<dsl::Detail> problems_;
};

}  // namespace

Result<std::vector<ZoneEntry>> read_toml(const std::string& path, std::string_view content) {
  return Reader(path).read(content);
}

}  // namespace mcns::seed
