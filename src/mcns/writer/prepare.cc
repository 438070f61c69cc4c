#include <algorithm>
#include <tuple>

#include "mcns/rdata/rdata.h"
#include "mcns/store/sort_key.h"
#include "mcns/writer/import.h"
#include "mcns/writer/rules.h"

namespace mcns::writer {
namespace {

using dsl::Code;
using dsl::fail;
using dsl::Result;
using store::RecordRow;

// Of one record.
struct Keyed {
  Bytes key;
  Bytes canonical;
};

class Preparation {
 public:
  Preparation(const Name& zone, std::vector<Record>& records) : zone_(zone), records_(records) {}

  Result<Prepared> run() {
    check();
    MC_TRY(std::move(problems_).verdict());
    sort();
    group();
    if (signatures_ > 0) {
      out_.warnings.push_back(dsl::text(
          "{} records that a signer made were left out: the zone is not signed here", signatures_));
    }
    if (other_ttls_ > 0) {
      out_.warnings.push_back(
          dsl::text("{} records had another TTL than those beside them; each set got its smallest",
                    other_ttls_));
    }
    return std::move(out_);
  }

 private:
  void check() {
    keys_.resize(records_.size());
    for (std::size_t i = 0; i < records_.size(); ++i) {
      const Record& record = records_[i];
      if (is_made_by_signer(record.type)) {
        ++signatures_;
        continue;
      }
      if (auto checked = record.type == Type::kSoa ? take_soa(record) : check(record); !checked) {
        problems_.add(std::move(checked).error(), record.name.text());
        continue;
      }
      if (record.type != Type::kSoa) {
        keys_[i] = {store::sort_key(record.name, zone_),
                    canonical_rdata(record.type, record.rdata)};
        order_.push_back(i);
      }
    }
  }

  Result<void> check(const Record& record) const {
    if (record.dns_class != Class::kIn) {
      return fail(Code::kInvalidArgument, "class: {} {} is of class {}", record.name.text(),
                  text(record.type), text(record.dns_class))
          .hint("a zone is of class IN");
    }
    return check_record(zone_, record.name, record.type, record.ttl, record.rdata);
  }

  Result<void> take_soa(const Record& record) {
    if (record.name != zone_) {
      return fail(Code::kInvalidArgument, "{} has an SOA, and the zone is {}", record.name.text(),
                  zone_.text())
          .hint("the SOA stands at the name of the zone");
    }
    if (out_.soa) {
      return fail(Code::kInvalidArgument, "{} has more than one SOA", zone_.text())
          .hint("a zone has one");
    }
    MC_TRY(check_rdata(record.type, record.rdata));
    MC_ASSIGN(out_.soa, Soa::parse(record.rdata));
    out_.soa_ttl = record.ttl;
    return {};
  }

  // Files mostly are in order already.
  void sort() {
    const auto comes_before = [&](std::size_t a, std::size_t b) {
      return std::tie(keys_[a].key, records_[a].type, keys_[a].canonical) <
             std::tie(keys_[b].key, records_[b].type, keys_[b].canonical);
    };
    if (!std::is_sorted(order_.begin(), order_.end(), comes_before)) {
      std::stable_sort(order_.begin(), order_.end(), comes_before);
    }
  }

  void group() {
    for (const std::size_t i : order_) {
      Record& record = records_[i];
      Keyed& keyed = keys_[i];
      if (out_.names.empty() || out_.names.rbegin()->first != keyed.key) {
        out_.names.emplace_hint(out_.names.end(), std::move(keyed.key),
                                DraftName{.name = record.name});
      }
      DraftName& name = out_.names.rbegin()->second;
      std::vector<RecordRow>& rows = name.after;
      const bool same_type = !rows.empty() && rows.back().type == record.type;
      if (same_type && rows.back().ttl != record.ttl) {
        unite_ttl(rows, record);
      }
      if (same_type && rows.back().canonical == keyed.canonical) {
        continue;  // twice
      }
      rows.push_back({.name = name.name,
                      .type = record.type,
                      .ttl = record.ttl,
                      .rdata = std::move(record.rdata),
                      .canonical = std::move(keyed.canonical)});
    }
  }

  // RFC 2181 section 5.2: the records of an RRset have one TTL, and the lowest is taken.
  void unite_ttl(std::vector<RecordRow>& rows, Record& record) {
    record.ttl = std::min(record.ttl, rows.back().ttl);
    ++other_ttls_;
    for (RecordRow& row : rows) {
      if (row.type == record.type) {
        row.ttl = record.ttl;
      }
    }
  }

  const Name& zone_;
  std::vector<Record>& records_;
  std::vector<Keyed> keys_;         // by index of the record
  std::vector<std::size_t> order_;  // of records that are taken
  Prepared out_;
  Problems problems_;
  std::size_t signatures_ = 0;
  std::size_t other_ttls_ = 0;
};

}  // namespace

Result<Prepared> prepare(const Name& zone, std::vector<Record>& records) {
  return Preparation(zone, records).run();
}

}  // namespace mcns::writer
