// The part of a fetch that goes down delegations, and along chains that leave a zone.
#include <algorithm>
#include <utility>

#include "mcns/forward/child_answer.h"
#include "mcns/forward/fetch.h"

namespace mcns {
namespace {

using dsl::env::MonoTime;
using Kind = ChildAnswer::Kind;

std::string trouble_of(const ChildAnswer& answer, const Name& zone) {
  switch (answer.kind) {
    case Kind::kFailed:
      return "said " + text(answer.rcode);
    case Kind::kLame:
      return dsl::text("does not serve {}", zone.text());
    case Kind::kReferral:
      return "refers on and on";
    default:
      return "sent a malformed answer";
  }
}

}  // namespace

void Fetch::on_child_answer(Server& server, std::string_view message) {
  if (asked_at_[&server] != descent_->step()) {
    advance();  // it was asked about a zone further up, which is behind us
    return;
  }
  const auto is_known_elsewhere = [&](const Name& name) {
    ForwardQuestion question = question_;
    question.name = name;
    return shared_.owner.is_known_inside(question, descent_->zone());
  };
  ChildAnswer answer = read_child_answer(question_, descent_->zone(), is_known_elsewhere, message);
  if (answer.kind == Kind::kGood) {
    succeed(answer.rcode, std::move(answer.message), told_by(server));
    return;
  }
  if (answer.kind == Kind::kLeads) {
    auto links = Message::parse(answer.message);
    MC_ASSERT(links.has_value(), "what was written is a message");
    last_failure_ = told_by(server);
    follow(*std::move(links), std::move(answer.target), {}, false);
    return;
  }
  if (answer.kind == Kind::kReferral &&
      descent_->descend(std::move(answer.referral), reach_of(server.address()))) {
    asked_.clear();
    exhausted_.clear();
    last_failure_.clear();
    stop_looking();
    lookups_ = 0;  // those that are under way are of the zone above
    use_known_servers();
    advance();
    return;
  }
  // Who refuses does not serve the zone: whatever it says of that is of no use to a client.
  if (answer.error && answer.rcode != Rcode::kRefused) {
    error_ = *answer.error;
  }
  exhausted(server, trouble_of(answer, descent_->zone()));
}

void Fetch::use_known_servers() {
  auto group = std::make_shared<ServerGroup>();
  group->zone = descent_->zone();
  group->policy = ForwardPolicy::kFastest;
  group->role = Role::kServer;
  if (group_) {
    behind_.push_back(std::move(group_));
  }
  group_ = std::move(group);
  add_servers(descent_->known_addresses());
}

void Fetch::add_servers(const std::vector<std::string>& addresses) {
  auto group = std::make_shared<ServerGroup>(*group_);
  for (const std::string& address : addresses) {
    if (group->servers.size() >= Delegation::kAddressesMax) {
      break;
    }
    auto server = shared_.owner.delegated_server(address, group->zone, descent_->nearest());
    const auto& known = group->servers;
    if (server && std::find(known.begin(), known.end(), server) == known.end()) {
      group->servers.push_back(std::move(server));
    }
  }
  group_ = std::move(group);
}

// Whether one is looked up now: one after the other, since mostly the first will do.
bool Fetch::look_up_next_host() {
  while (descent_) {
    const auto host = descent_->next_unknown();
    if (!host) {
      return false;
    }
    const auto done = [step = descent_->step()](Fetch& fetch, const ForwardAnswer& answer) {
      fetch.on_addresses(step, answer);
    };
    for (const Type type : {Type::kA, Type::kAaaa}) {
      // So long that one whose own servers are dead leaves time for another.
      if (run_errand({.name = *host, .type = type, .hops = question_.hops},
                     shared_.loop.now() + shared_.options.attempt_timeout, done)) {
        ++lookups_;
        looking_ = true;
      }
    }
    if (looking_) {
      ++waiting_;
      return true;
    }
    last_failure_ = dsl::text("where {} is takes too many questions", host->text());
  }
  return false;
}

void Fetch::stop_looking() {
  if (looking_) {
    looking_ = false;
    --waiting_;
  }
}

// The first addresses are enough to go on; later ones are more servers to ask.
void Fetch::on_addresses(int step, const ForwardAnswer& answer) {
  if (ended_ || chain_ || step != descent_->step()) {
    return;
  }
  --lookups_;
  std::vector<std::string> addresses;
  if (const auto message = Message::parse(answer.message)) {
    for (const Record& record : message->answers) {
      if (std::string address = address_in(record); !address.empty()) {
        addresses.push_back(std::move(address));
      }
    }
  }
  addresses.resize(std::min(addresses.size(), Delegation::kAddressesOfHost));
  add_servers(addresses);
  if (looking_ && (!addresses.empty() || lookups_ == 0)) {
    stop_looking();
    advance();
  }
}

// Asks for what the chain leads to. It is not known who could tell of it: a cut below, another zone
// of ours, or somebody else.
void Fetch::follow(Message links, Name target, std::optional<AliasLink> alias, bool of_zones) {
  chain_ = Chain{std::move(links), std::move(alias), of_zones, std::move(last_failure_)};
  ForwardQuestion rest = question_;
  rest.name = std::move(target);
  rest.whole_chain = rest.whole_chain || chain_->alias.has_value();
  const std::string name = rest.name.text();
  hedge_at_ = MonoTime::max();
  if (!run_errand(std::move(rest), ends_, &Fetch::on_rest)) {
    fail(dsl::text("the chain to {} takes too many questions", name));
    return;
  }
  wait();
}

// Whether the upstream knows only where its name leads.
bool Fetch::follow_open_end(Server& server, const Bytes& answer) {
  auto links = Message::parse(answer);
  MC_ASSERT(links.has_value(), "what was written is a message");
  auto target = open_end(question_.name, question_.type, *links);
  if (!target) {
    return false;
  }
  last_failure_ = told_by(server);
  follow(*std::move(links), *std::move(target), {}, false);
  return true;
}

void Fetch::on_rest(const ForwardAnswer& rest) {
  if (ended_) {
    return;
  }
  const auto said = Message::parse(rest.message);
  if (!said || rest.rcode == Rcode::kServFail) {
    error_ = rest.error;
    fail(rest.detail);
    return;
  }
  Message whole = std::move(chain_->links);
  join_chain(chain_->alias ? &*chain_->alias : nullptr, question_.type, &*said, whole);
  whole.authentic_data = false;
  std::string detail = chain_->from + (chain_->from.empty() ? "" : ", then ") + rest.detail;
  if (!rest.stale && !rest.of_zones && !chain_->of_zones) {
    succeed(whole.rcode, whole.encode(), std::move(detail));
    return;
  }
  give({.rcode = whole.rcode,
        .message = whole.encode(),
        .stale = rest.stale,
        .of_zones = true,
        .error = rest.error,
        .detail = std::move(detail)});
  end();
}

// False when there were too many already.
bool Fetch::run_errand(ForwardQuestion question, MonoTime until, ErrandDone done) {
  if (!errand_.left) {
    errand_.left = std::make_shared<int>(Errand::kCountMax);
  }
  if (errand_.depth >= Errand::kDepthMax || *errand_.left <= 0) {
    return false;
  }
  --*errand_.left;
  question.below_cut = true;  // when it is; our own zones are looked at first
  question.generation.reset();
  shared_.owner.ask_for(
      std::move(question), {errand_.depth + 1, errand_.left, std::min(until, ends_)},
      [weak = weak_from_this(), done = std::move(done)](const ForwardAnswer& answer) {
        if (const auto fetch = weak.lock()) {
          done(*fetch, answer);
        }
      });
  return true;
}

}  // namespace mcns
