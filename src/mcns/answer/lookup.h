// One walk through the zones for one question. Private to mcns::answer.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "mcns/answer/answer.h"
#include "mcns/answer/response.h"
#include "mcns/wire/query.h"
#include "mcns/zone/store.h"

namespace mcns {

// Fills the sections of `response`. Confined to its thread; everything it gets outlives it.
class Lookup {
 public:
  Lookup(const zone::Version& version, const Query& query, Response& response, Trace* trace)
      : version_(version), query_(query), response_(response), trace_(trace) {}

  struct Options {
    AnyAnswer any = AnyAnswer::kMinimal;
    unsigned turn = 0;
    const Vicinity* vicinity = nullptr;  // of the client; may be null
    bool forward = false;                // what leaves our zones may be asked of an upstream
    bool follow = false;                 // and what is below a delegation of its servers
  };
  enum class Result : std::uint8_t {
    kDone,
    kNotOurs,  // no zone of ours has the question's name
    kLeaves,   // the chain so far leads to `target`, which is not ours
  };
  Result run(const Options& options);

  Rcode rcode() const { return rcode_; }
  bool authoritative() const { return authoritative_; }
  bool truncated() const { return truncated_; }
  std::string_view target() const { return name_->wire; }
  // As of Answer.
  std::uint8_t labels() const { return labels_; }
  // That of the question's own name; null when there is none.
  const zone::Zone* zone() const { return first_zone_; }
  // With kLeaves, when it is an ALIAS that leads there; the response says NODATA for its owner.
  std::optional<Answer::Alias> alias() const;
  // With kLeaves, when a delegation that is to be followed leads there.
  const std::optional<Answer::Cut>& cut() const { return cut_; }

 private:
  enum class Step : std::uint8_t { kDone, kChase, kLeaves };

  // From an ALIAS on the walk leaves no trace in the response: `name_at_` stays its owner's, and
  // what is found in the end is said of that.
  struct Unseen {
    std::uint32_t ttl;       // the smallest of the links so far
    const zone::Zone* zone;  // of the owner
    NameAt origin_at;        // of that zone
  };

  Step in_zone(const Options& options);
  // Cuts and DNAMEs above the name, from the apex down; nothing when there are none.
  std::optional<Step> above(std::size_t depth);
  Step at_node(const zone::Node& node, const Options& options);
  Step referral(const zone::Node& cut, std::size_t labels);
  Step through_dname(const zone::Node& node, std::size_t labels);
  Step through_alias(const zone::RrsetView& alias);
  Step follow_unseen(std::uint32_t ttl, std::string_view target);
  Step follow(std::string_view target, NameAt at);
  Result leave();
  Step any(const zone::Node& node, const Options& options);
  Step any_hinfo();
  Step negative(Rcode rcode);
  void add(Section section, const zone::RrsetView& rrset, NameAt owner, unsigned turn = 0);
  // False when it does not fit.
  bool write(Section section, const zone::RrsetView& rrset, NameAt owner, const Origin& origin,
             unsigned turn);
  void note_places(const zone::RrsetView& rrset) const;
  void add_addresses(bool glue, std::string_view cut);
  // False when something did not fit.
  bool add_addresses_of(const Target& target, bool glue);
  zone::Node host(const QueryName& name, bool glue) const;
  bool is_loop(std::string_view target) const;
  bool is_there(const zone::RrsetView& rrset) const;

  // What follows is made from that part of the current name.
  void note_made_from(std::size_t labels) {
    if (links_ == 0) {
      labels_ = static_cast<std::uint8_t>(labels);
    }
  }
  // Where the last `labels` labels of the current name stand in the response.
  NameAt suffix_at(std::size_t labels) const {
    const std::size_t offset =
        labels == 0 ? name_->wire.size() - 1 : name_->offset[name_->labels - labels];
    return static_cast<NameAt>(name_at_ + offset);
  }
  Origin origin() const { return {zone_->origin().wire(), suffix_at(zone_->origin_labels())}; }
  void note(std::string_view step, std::string_view what) const {
    if (trace_ != nullptr) {
      trace_->note(step, what);
    }
  }

  const zone::Version& version_;
  const Query& query_;
  Response& response_;
  Trace* trace_;

  const Vicinity* vicinity_ = nullptr;
  bool forward_ = false;  // as of Options, as the next one
  bool follow_ = false;
  const QueryName* name_ = nullptr;  // looked for now: the question's, or a chain's
  NameAt name_at_ = kQuestionName;
  QueryName chased_;
  const zone::Zone* zone_ = nullptr;
  const zone::Zone* first_zone_ = nullptr;
  std::uint8_t labels_ = 0;
  bool asks_parent_ = false;  // `zone_` is asked about the apex of a zone of ours below it
  std::array<const char*, kChaseMax> visited_;              // names of the chain, in wire form
  std::array<const char*, kChaseMax + 1> dnames_;           // by link, null when it is a CNAME
  std::array<std::array<char, kNameMax>, kChaseMax> made_;  // by link, what a DNAME makes
  unsigned links_ = 0;
  std::optional<Unseen> unseen_;
  std::optional<Answer::Cut> cut_;

  Rcode rcode_ = Rcode::kNoError;
  bool authoritative_ = true;
  bool truncated_ = false;
};

}  // namespace mcns
