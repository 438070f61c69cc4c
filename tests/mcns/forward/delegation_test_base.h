// A forwarder that follows delegations of zones that a test makes up.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>

#include "mcns/forward/own_zones.h"
#include "mcns/forward/subject.h"

namespace mcns::test {

inline constexpr const char* kZone = "child.example.test.";
inline constexpr const char* kName = "www.child.example.test.";

class FakeZones final : public OwnZones {
 public:
  // A delegation of ours; `hosts`: name and addresses.
  void delegate(std::string_view zone,
                std::vector<std::pair<std::string, std::vector<std::string>>> hosts) {
    Delegation delegation{.zone = name_of(zone), .hosts = {}};
    for (auto& [host, addresses] : hosts) {
      delegation.add(name_of(host), std::move(addresses));
    }
    delegations_.push_back(std::move(delegation));
  }
  // A name of ours, which has an address, leads to another one, or has nothing.
  void have(Record record) { records_.push_back(std::move(record)); }

  // A zone of ours inside of a delegation.
  void serve(std::string_view zone) { served_ = name_of(zone); }

  Found find(const ForwardQuestion& question) override {
    Found found;
    const bool is_served = served_ && question.name.is_within(*served_);
    for (const Delegation& delegation : delegations_) {
      if (!is_served && question.name.is_within(delegation.zone)) {
        found.kind = OwnZones::Found::Kind::kDelegated;
        found.delegation = delegation;
        return found;
      }
    }
    if (question.name == name_of("localhost.")) {
      found.kind = OwnZones::Found::Kind::kSpecial;
      found.message.response = true;
      found.message.questions.push_back({question.name, question.type});
      return found;
    }
    if (!question.name.is_within(name_of("example.test."))) {
      return found;
    }
    found.kind = OwnZones::Found::Kind::kOurs;
    found.message.response = true;
    found.message.questions.push_back({question.name, question.type});
    for (const Record& record : records_) {
      if (record.name == question.name) {
        found.message.answers.push_back(record);
        if (record.type == Type::kCname) {
          found.target = dsl::test::require_ok(Name::from_wire(record.rdata));
        }
        return found;
      }
    }
    found.message.rcode = Rcode::kNxDomain;
    return found;
  }

 private:
  std::vector<Delegation> delegations_;
  std::vector<Record> records_;
  std::optional<Name> served_;
};

inline Message authoritative(const Received& received, std::vector<Record> answers,
                             std::vector<Record> authorities = {}) {
  Message message = failure_to(received, Rcode::kNoError);
  message.recursion_available = false;
  message.authoritative = true;
  message.answers = std::move(answers);
  message.authorities = std::move(authorities);
  return message;
}

inline FakeUpstream::Handler saying(std::function<Message(const Received&)> say) {
  return [say = std::move(say)](const Received& received) {
    return std::vector<Sent>{{.bytes = say(received).encode()}};
  };
}

// A server of the zone, which has every name with that address.
inline FakeUpstream::Handler serving(char last) {
  return saying([last](const Received& received) {
    return authoritative(received, {a_record(received.message.questions[0].name.text(), 60, last)});
  });
}

// One of another zone, above the name that is asked for.
inline FakeUpstream::Handler referring(std::string_view zone, std::string_view host,
                                       std::string address) {
  return saying([=](const Received& received) {
    Message message = failure_to(received, Rcode::kNoError);
    message.authorities = {record_of(zone, Type::kNs, 60, name_of(host).wire())};
    if (!address.empty()) {
      message.additionals = {
          record_of(host, Type::kA, 60,
                    Bytes("\x7f\0\0", 3) +
                        static_cast<char>(std::stoi(address.substr(address.rfind('.') + 1))))};
    }
    return message;
  });
}

class DelegationTest : public ::testing::Test {
 protected:
  // All servers are on the port of `first`.
  void start(const FakeUpstream& first, ForwardOptions options = quick()) {
    options.own_zones = &zones_;
    options.delegated_port = first.port();
    subject_ = std::make_unique<Subject>(options);
  }
  ForwardAnswer ask(std::string_view name = kName, Type type = Type::kA) {
    return subject_->ask({.name = name_of(name), .type = type, .below_cut = true});
  }
  static Message parsed(const ForwardAnswer& answer) {
    return dsl::test::require_ok(Message::parse(answer.message));
  }

  FakeZones zones_;
  std::unique_ptr<Subject> subject_;  // goes first
};

}  // namespace mcns::test
