#include <algorithm>

#include "mcns/store/record_table.h"
#include "mcns/store/sort_key.h"
#include "mcns/writer/replacement.h"
#include "mcns/writer/work.h"

namespace mcns::writer {

using dsl::Result;
using State = PackedRecord::State;

namespace {

bool has_upper_case(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

bool has_dname(const PackedRecords& records) {
  return std::any_of(records.list().begin(), records.list().end(),
                     [](const PackedRecord& record) { return record.type == Type::kDname; });
}

}  // namespace

// The rows of a zone beside those of an import, both in the order of their keys.
class Comparison {
 public:
  Comparison(Work& work, const store::ZoneRow& zone, Replacement& out)
      : work_(work), zone_(zone), out_(out), at_(out.records_.list().begin()) {}

  Result<void> run() {
    MC_TRY(store::each_compared(work_.tx, zone_,
                                [&](const store::ComparedRecord& row) { return take(row); }));
    finish_name();
    end_range();
    const PackedRecords::List& list = out_.records_.list();
    out_.added_ = static_cast<std::uint64_t>(
        std::count_if(list.begin(), list.end(),
                      [](const PackedRecord& record) { return record.state == State::kAdded; }));
    return {};
  }

 private:
  // A row whose record the import does not have.
  struct Lost {
    Type type = Type::kA;
    Bytes canonical;
  };

  Result<void> take(const store::ComparedRecord& row) {
    if (rows_ == 0 || row.key != key_) {
      finish_name();
      begin_name(row);
    }
    ++rows_;
    const auto found = std::lower_bound(
        at_, end_, row, [](const PackedRecord& record, const store::ComparedRecord& wanted) {
          return std::make_pair(record.type, record.canonical()) <
                 std::make_pair(wanted.type, wanted.canonical);
        });
    if (found == end_ || found->type != row.type || found->canonical() != row.canonical) {
      lose(row);
      return may_touch(row);
    }
    found->state = found->ttl == row.ttl ? State::kSame : State::kMoved;
    if (found->rdata() != row.rdata) {
      out_.records_.set_rdata(*found, row.rdata);  // the case as first written stays
    }
    out_.moved_ += found->state == State::kMoved ? 1U : 0U;
    return found->state == State::kMoved ? may_touch(row) : Result<void>();
  }

  void begin_name(const store::ComparedRecord& row) {
    key_ = row.key;
    const auto list_end = out_.records_.list().end();
    while (at_ != list_end && at_->key() < key_) {
      ++at_;
    }
    end_ = at_;
    while (end_ != list_end && end_->key() == key_) {
      ++end_;
    }
    if (at_ != end_ && (has_upper_case(row.name) || has_upper_case(at_->name()))) {
      keep_case(row);
    }
  }

  void keep_case(const store::ComparedRecord& row) {
    const auto name = Name::parse(row.name, &zone_.origin);
    if (!name) {
      return;  // whoever reads the row says so
    }
    for (auto record = at_; record != end_; ++record) {
      const BytesView wire = name->wire();
      out_.records_.set_name(*record, wire.substr(0, wire.size() - zone_.origin.size()));
    }
  }

  void lose(const store::ComparedRecord& row) {
    if (lost_count_ == lost_.size()) {
      lost_.emplace_back();
    }
    Lost& lost = lost_[lost_count_++];
    lost.type = row.type;
    lost.canonical = row.canonical;
    const auto beside =
        std::lower_bound(at_, end_, row.type,
                         [](const PackedRecord& record, Type type) { return record.type < type; });
    if (beside != end_ && beside->type == row.type) {
      beside->loses_neighbour = true;
    } else if (out_.gone_.empty() || out_.gone_.back() != std::make_pair(key_, row.type)) {
      out_.gone_.emplace_back(key_, row.type);
    }
  }

  // All rows of one name are there.
  void finish_name() {
    if (rows_ == 0) {
      return;
    }
    out_.removed_ += lost_count_;
    out_.names_removed_ += at_ == end_ ? 1U : 0U;
    if (lost_count_ == rows_) {
      if (!in_range_) {
        first_of_range_ = key_;
      }
      last_of_range_ = key_;
      in_range_ = true;
    } else {
      end_range();
      for (std::size_t i = 0; i < lost_count_; ++i) {
        out_.erased_.push_back({key_, lost_[i].type, lost_[i].canonical});
      }
    }
    at_ = end_;
    rows_ = 0;
    lost_count_ = 0;
  }

  void end_range() {
    if (in_range_) {
      out_.ranges_.push_back({std::move(first_of_range_), std::move(last_of_range_)});
    }
    in_range_ = false;
  }

  Result<void> may_touch(const store::ComparedRecord& row) const {
    if (work_.author.may_touch_others || row.owner == work_.author.account) {
      return {};
    }
    MC_ASSIGN(const Name name, Name::parse(row.name, &zone_.origin));
    return work_.may_touch({.name = name,
                            .type = row.type,
                            .rdata = Bytes(row.rdata),
                            .owner = std::string(row.owner)});
  }

  Work& work_;
  const store::ZoneRow& zone_;
  Replacement& out_;
  Bytes key_;                         // of the name whose rows come
  PackedRecords::List::iterator at_;  // what the import has of it
  PackedRecords::List::iterator end_;
  std::size_t rows_ = 0;  // of it
  std::vector<Lost> lost_;
  std::size_t lost_count_ = 0;  // of those
  bool in_range_ = false;       // the rows of the last name all go
  Bytes first_of_range_;
  Bytes last_of_range_;
};

Result<std::unique_ptr<Replacement>> compare(Work& work, Draft& draft, PackedRecords& records) {
  const store::ZoneRow& zone = draft.zone;
  const bool is_new = draft.kind == Draft::Kind::kCreated;
  if (zone.auto_ptr || (!is_new && work.zones.may_have_dname(zone.id)) || has_dname(records)) {
    return nullptr;
  }
  std::uint64_t rows = records.list().size();
  if (!is_new) {
    MC_ASSIGN(const std::uint64_t there, store::count_records(work.tx, zone));
    rows += there;
  }
  if (rows <= work.journal_rows_max) {
    return nullptr;
  }
  auto out = std::make_unique<Replacement>();
  out->origin_ = zone.origin;
  std::swap(out->records_, records);
  if (is_new) {
    out->added_ = rows;
    return out;
  }
  MC_TRY(Comparison(work, zone, *out).run());
  if (out->changes() <= work.journal_rows_max) {
    std::swap(out->records_, records);
    return nullptr;
  }
  return out;
}

}  // namespace mcns::writer
