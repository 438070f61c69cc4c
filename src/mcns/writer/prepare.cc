#include <algorithm>
#include <tuple>
#include <utility>

#include "mcns/rdata/rdata.h"
#include "mcns/store/sort_key.h"
#include "mcns/writer/import.h"
#include "mcns/writer/rules.h"

namespace mcns::writer {
namespace {

using dsl::Code;
using dsl::fail;
using dsl::Result;

class Preparation {
 public:
  explicit Preparation(Writer::Import& import) : import_(import), zone_(import.zone) {}

  Result<Prepared> run() {
    MC_TRY(read());
    MC_TRY(std::move(problems_).verdict());
    sort();
    unite();
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
  // Nothing of it is left in the import.
  Result<void> read() {
    for (Record& record : std::exchange(import_.records, {})) {
      take(std::exchange(record, {}));
    }
    Result<void> done;
    if (const auto read = std::exchange(import_.read, nullptr)) {
      done = read([this](const Record& record) { take(record); });
    }
    return done;
  }

  void take(const Record& record) {
    if (is_made_by_signer(record.type)) {
      ++signatures_;
      return;
    }
    if (auto checked = record.type == Type::kSoa ? take_soa(record) : check(record); !checked) {
      problems_.add(std::move(checked).error(), record.name.text());
    } else if (record.type != Type::kSoa) {
      pack(record);
    }
  }

  void pack(const Record& record) {
    const BytesView wire = record.name.wire();
    out_.records.add(store::sort_key(record.name, zone_),
                     wire.substr(0, wire.size() - zone_.size()), record.type, record.ttl,
                     record.rdata, canonical_rdata(record.type, record.rdata));
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
    PackedRecords::List& list = out_.records.list();
    const auto comes_before = [](const PackedRecord& a, const PackedRecord& b) {
      return std::make_tuple(a.key(), a.type, a.canonical()) <
             std::make_tuple(b.key(), b.type, b.canonical());
    };
    if (!std::is_sorted(list.begin(), list.end(), comes_before)) {
      std::stable_sort(list.begin(), list.end(), comes_before);
    }
  }

  // Each record once, those of a name in the case of the first. RFC 2181 section 5.2: the records
  // of an RRset have one TTL, and the lowest is taken.
  void unite() {
    PackedRecords::List& list = out_.records.list();
    std::size_t kept = 0;
    std::size_t rrset = 0;  // where that of the last record begins
    for (PackedRecord record : list) {
      const PackedRecord* last = kept == 0 ? nullptr : &list[kept - 1];
      const bool same_name = last != nullptr && last->key() == record.key();
      if (same_name && record.name() != last->name()) {
        out_.records.set_name(record, last->name());
      }
      const bool is_beside = same_name && last->type == record.type;
      if (!is_beside) {
        rrset = kept;
      } else if (last->ttl != record.ttl) {
        record.ttl = std::min(record.ttl, last->ttl);
        ++other_ttls_;
        for (std::size_t i = rrset; i < kept; ++i) {
          list[i].ttl = record.ttl;
        }
      }
      if (!is_beside || last->canonical() != record.canonical()) {
        list[kept++] = record;
      }
    }
    list.resize(kept);
    list.shrink_to_fit();  // a million were counted by doubling
  }

  Writer::Import& import_;
  const Name& zone_;
  Prepared out_;
  Problems problems_;
  std::size_t signatures_ = 0;
  std::size_t other_ttls_ = 0;
};

}  // namespace

Result<Prepared> prepare(Writer::Import& import) { return Preparation(import).run(); }

}  // namespace mcns::writer
