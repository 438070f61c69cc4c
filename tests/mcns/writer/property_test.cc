// Any sequence of edits: what is published, what is stored, what the journal says and a plain model
// agree after each.
#include <map>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "mcns/writer/writer_test_base.h"

namespace mcns::writer {
namespace {

// A zone as the journal tells it.
class Replay {
 public:
  void apply(const std::vector<store::ChangeRow>& changes, const Name& origin) {
    for (const store::ChangeRow& change : changes) {
      if (change.type == Type::kSoa) {
        continue;
      }
      const std::string line = dsl::text("{} {} {} {}", change.name.text_below(origin), change.ttl,
                                         text(change.type), rdata_text(change.type, change.rdata));
      if (change.added) {
        RC_ASSERT(lines_.insert(line).second);
      } else {
        RC_ASSERT(lines_.erase(line) == 1u);
      }
    }
  }
  std::vector<std::string> content() const { return {lines_.begin(), lines_.end()}; }

 private:
  std::set<std::string> lines_;
};

class PropertyTest : public WriterTest {
 protected:
  static std::string any_line() {
    const std::string owner = *rc::gen::element<std::string>("@", "a", "b", "x.a", "y.x.a", "*",
                                                             "*.b", "long.deep.name.below", "c");
    const std::string ttl = *rc::gen::element<std::string>("", "60 ", "300 ");
    const std::string rest = *rc::gen::element<std::string>(
        "A 192.0.2.1", "A 192.0.2.2", "A 192.0.2.3", "AAAA 2001:db8::1", "TXT x", "TXT y",
        "CNAME a", "CNAME b", "ALIAS a", "ALIAS b.test.", "DNAME other.test.", "NS ns1", "NS ns2",
        "MX 10 a", "MX 10 b", "TYPE65280 \\# 2 0102");
    return dsl::text("{} {}{}", owner, ttl, rest);
  }

  dsl::Result<Outcome> any_batch() {
    std::vector<Operation> operations;
    const int count = *rc::gen::inRange(1, 5);
    for (int i = 0; i < count; ++i) {
      const auto kind =
          *rc::gen::element(Operation::Kind::kAdd, Operation::Kind::kAdd, Operation::Kind::kSet,
                            Operation::Kind::kDelete, Operation::Kind::kDeleteName);
      operations.push_back(operation(kind, any_line(), origin_));
      if (kind == Operation::Kind::kDelete && *rc::gen::arbitrary<bool>()) {
        operations.back().rdata.clear();
      }
    }
    return apply(std::move(operations));
  }

  dsl::Result<Outcome> any_import() {
    Writer::Import import = import_of({"@ 300 NS ns1"});
    const int count = *rc::gen::inRange(0, 12);
    for (int i = 0; i < count; ++i) {
      import.records.push_back(record(any_line(), origin_));
    }
    import.merge = *rc::gen::arbitrary<bool>();
    import.force = true;
    return writer_->import(author_, std::move(import));
  }

  dsl::Result<Outcome> any_rollback() {
    const std::uint32_t back = *rc::gen::inRange<std::uint32_t>(0, 4);
    return writer_->rollback(author_, origin_, std::max(serial() - back, 2026010101u), std::nullopt,
                             false);
  }

  std::vector<store::ChangeRow> changes_since(std::uint32_t serial) {
    return read([&](dsl::db::Transaction& tx) -> dsl::Result<std::vector<store::ChangeRow>> {
      MC_ASSIGN(const auto zone, store::find_zone(tx, origin_));
      return store::changes_since(tx, *zone, serial);
    });
  }
};

RC_GTEST_FIXTURE_PROP(PropertyTest, PublishedStoredJournalledAndRebuiltAreOne, ()) {
  const Outcome created = require_ok(create());
  Replay replay;
  replay.apply(created.changes, origin_);
  std::map<std::uint32_t, std::vector<std::string>> states = {{serial(), content()}};
  const int steps = *rc::gen::inRange(1, 30);
  for (int i = 0; i < steps; ++i) {
    const std::uint32_t before = serial();
    const int what = *rc::gen::inRange(0, 10);
    const auto result = what < 7 ? any_batch() : what < 9 ? any_import() : any_rollback();

    RC_ASSERT(result || result.error().code() != Code::kInternal);
    const bool changed = result && result->changed;
    RC_ASSERT(serial() == before + (changed ? 1 : 0));
    RC_ASSERT(content() == rebuilt(origin_));
    if (changed) {
      const auto changes = changes_since(before);
      RC_ASSERT(changes.size() == result->added + result->removed);
      replay.apply(changes, origin_);
    }
    RC_ASSERT(replay.content() == content());
    states[serial()] = content();
  }
  // Every state is still to be had.
  const auto chosen = *rc::gen::elementOf(std::vector(states.begin(), states.end()));
  require_ok(writer_->rollback(author_, origin_, chosen.first, std::nullopt, false));
  RC_ASSERT(content() == chosen.second);
}

}  // namespace
}  // namespace mcns::writer
