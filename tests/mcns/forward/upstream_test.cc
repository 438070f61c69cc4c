#include <gtest/gtest.h>

#include "mcns/forward/forwarder.h"
#include "mcns/forward/groups.h"
#include "support/result_matchers.h"

namespace mcns {
namespace {

using dsl::Code;
using dsl::test::failed_saying;
using dsl::test::failed_with;
using dsl::test::ok;
using dsl::test::require_ok;

TEST(Upstream, NamesAndNonsenseAreRefused) {
  for (const char* text :
       {"", "dns.example.test", "udp://dns.example.test:53", "192.0.2.1:", "192.0.2.1:0",
        "192.0.2.1:65536", "192.0.2.300", "udp://", "udp://192.0.2.1:53/x", "2001:db8::1:x",
        "[192.0.2.1]:53", "[]:53", "sdns://192.0.2.1", "192.0.2.1#name"}) {
    EXPECT_THAT(Upstream::parse(text), failed_with(Code::kInvalidArgument)) << text;
  }
  EXPECT_THAT(Upstream::parse("dns.example.test"),
              failed_saying(Code::kInvalidArgument, "names are not resolved"));
}

TEST(Upstream, APathIsThatOfAUrl) {
  for (const char* text :
       {"https://192.0.2.1/dns-query{?dns}", "https://192.0.2.1/a b", "https://192.0.2.1/a,b",
        "https://192.0.2.1/a?b=c", "https://192.0.2.1/\xc3\xa4"}) {
    EXPECT_THAT(Upstream::parse(text), failed_saying(Code::kInvalidArgument, "path")) << text;
  }
  EXPECT_THAT(Upstream::parse("https://dns.example.test/dns-query"),
              failed_saying(Code::kInvalidArgument, "not a literal address"));
  EXPECT_THAT(Upstream::parse("https://192.0.2.1/dns-query#a_b.test"),
              failed_saying(Code::kInvalidArgument, "host name"));
  EXPECT_THAT(Upstream::parse("tls://192.0.2.1/dns-query"), failed_with(Code::kInvalidArgument));
}

TEST(Upstream, ANameOfACertificateIsAHostName) {
  for (const char* text : {"tls://192.0.2.1#", "tls://192.0.2.1#a_b.test", "tls://192.0.2.1#a..b",
                           "tls://192.0.2.1#a.test.", "tls://192.0.2.1#192.0.2.1",
                           "tls://192.0.2.1#a,b", "tls://192.0.2.1#a#b", "tls://192.0.2.1# a"}) {
    EXPECT_THAT(Upstream::parse(text), failed_saying(Code::kInvalidArgument, "host name")) << text;
  }
  EXPECT_THAT(Upstream::parse("tls://dns.example.test#dns.example.test"),
              failed_saying(Code::kInvalidArgument, "not a literal address"));
  EXPECT_THAT(Upstream::parse("tcp://192.0.2.1:53#name"), failed_with(Code::kInvalidArgument));
}

TEST(Upstream, EveryFormIsReadAndWrittenTheSame) {
  const std::pair<const char*, const char*> forms[] = {
      {"192.0.2.1", "udp://192.0.2.1:53"},
      {"192.0.2.1:5353", "udp://192.0.2.1:5353"},
      {"udp://192.0.2.1", "udp://192.0.2.1:53"},
      {"udp://192.0.2.1:53", "udp://192.0.2.1:53"},
      {"tcp://192.0.2.1:853", "tcp://192.0.2.1:853"},
      {"2001:db8::1", "udp://[2001:db8::1]:53"},
      {"[2001:db8::1]", "udp://[2001:db8::1]:53"},
      {"tcp://[2001:DB8:0::1]:5300", "tcp://[2001:db8::1]:5300"},
      {"tls://192.0.2.1", "tls://192.0.2.1:853"},
      {"tls://192.0.2.1:8853#DNS.example.test", "tls://192.0.2.1:8853#dns.example.test"},
      {"tls://2001:db8::1#one.test", "tls://[2001:db8::1]:853#one.test"},
      {"tls://[2001:db8::1]#one.test", "tls://[2001:db8::1]:853#one.test"},
      {"https://192.0.2.1", "https://192.0.2.1:443/dns-query"},
      {"https://192.0.2.1/", "https://192.0.2.1:443/"},
      {"https://192.0.2.1:8443/a/~b%20c#One.test", "https://192.0.2.1:8443/a/~b%20c#one.test"},
      {"https://[2001:db8::1]/dns-query#one.test", "https://[2001:db8::1]:443/dns-query#one.test"},
  };
  for (const auto& [text, written] : forms) {
    EXPECT_EQ(require_ok(Upstream::parse(text)).text(), written);
    EXPECT_EQ(require_ok(Upstream::parse(written)).text(), written);
  }
}

ForwardGroup group(std::string_view zone, std::vector<const char*> upstreams,
                   std::vector<const char*> fallback = {}) {
  ForwardGroup made{.zone = require_ok(Name::parse(zone))};
  for (const char* text : upstreams) {
    made.upstreams.push_back(require_ok(Upstream::parse(text)));
  }
  for (const char* text : fallback) {
    made.fallback.push_back(require_ok(Upstream::parse(text)));
  }
  return made;
}

dsl::Result<void> check(const std::vector<ForwardGroup>& groups,
                        const std::vector<std::string>& own_addresses) {
  MC_ASSIGN(const OwnAddresses own, OwnAddresses::parse(own_addresses));
  return check_groups(groups, own);
}

TEST(Groups, MistakesAreFound) {
  EXPECT_THAT(check({group(".", {})}, {}), failed_saying(Code::kInvalidArgument, "no upstream"));
  EXPECT_THAT(check({group("a.test.", {"192.0.2.1"}), group("A.test.", {"192.0.2.2"})}, {}),
              failed_saying(Code::kInvalidArgument, "two forward groups"));
  EXPECT_THAT(check({group(".", {"0.0.0.0"})}, {}), failed_with(Code::kInvalidArgument));
  EXPECT_THAT(check({group(".", {"[::]:53"})}, {}), failed_with(Code::kInvalidArgument));
  EXPECT_THAT(check({group(".", {"192.0.2.1"}), group("a.test.", {"192.0.2.1"})}, {}), ok());
}

TEST(Groups, WeAreNoUpstreamOfOurselves) {
  const std::vector<std::string> own{"192.0.2.1:53", "[2001:db8:0::1]:53"};

  EXPECT_THAT(check({group(".", {"192.0.2.1"})}, own),
              failed_saying(Code::kInvalidArgument, "this server itself"));
  EXPECT_THAT(check({group(".", {"192.0.2.2"}, {"2001:db8::1"})}, own),
              failed_saying(Code::kInvalidArgument, "this server itself"));
  EXPECT_THAT(check({group(".", {"192.0.2.1:5353", "192.0.2.2"})}, own), ok());
  EXPECT_THAT(check({group(".", {"192.0.2.2"})}, {"nonsense"}),
              failed_with(Code::kInvalidArgument));
}

TEST(Groups, AWildcardIsEveryAddressOfTheMachine) {
  for (const char* own : {"0.0.0.0:53", "[::]:53"}) {
    EXPECT_THAT(check({group(".", {"127.0.0.53"})}, {own}), failed_with(Code::kInvalidArgument));
    EXPECT_THAT(check({group(".", {"127.0.0.53:5353"})}, {own}), ok());
    EXPECT_THAT(check({group(".", {"192.0.2.1"})}, {own}), ok());
  }
}

TEST(Groups, TheLongestZoneCounts) {
  BySuffix<int> zones;
  zones.set(require_ok(Name::parse("test.")), 1);
  zones.set(require_ok(Name::parse("a.Test.")), 2);
  const auto find = [&](std::string_view name) {
    const int* found = zones.find(require_ok(Name::parse(name)));
    return found == nullptr ? 0 : *found;
  };

  EXPECT_EQ(find("b.test."), 1);
  EXPECT_EQ(find("test."), 1);
  EXPECT_EQ(find("x.y.A.test."), 2);
  EXPECT_EQ(find("xa.test."), 1);
  EXPECT_EQ(find("other."), 0);
  EXPECT_EQ(find("."), 0);
  zones.set(Name(), 3);
  EXPECT_EQ(find("other."), 3);
  EXPECT_EQ(find("."), 3);
}

}  // namespace
}  // namespace mcns
