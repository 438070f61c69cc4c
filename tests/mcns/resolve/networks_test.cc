#include "mcns/resolve/networks.h"

#include <gtest/gtest.h>

#include "dsl/env/socket_address.h"
#include "support/result_matchers.h"

namespace mcns {
namespace {

using dsl::test::require_ok;
using Place = Vicinity::Place;

class NetworksTest : public ::testing::Test {
 protected:
  static Network network(std::string name, const std::vector<std::string>& cidrs) {
    return {std::move(name), require_ok(Prefixes::parse(cidrs))};
  }
  const Vicinity& around(std::string_view client) const {
    return networks_.around(
        dsl::env::address_bits(require_ok(dsl::env::parse_socket_address(client)).raw()));
  }

  Networks networks_{{network("lan", {"192.168.88.0/24", "fd00:88::/32"}),
                      network("overlay", {"100.64.0.0/10"}), network("all", {"192.168.0.0/16"})},
                     true};
  const std::string lan_{"\xc0\xa8\x58\x05", 4};
  const std::string overlay_{"\x64\x64\x00\x01", 4};
  const std::string public_{"\xc0\x00\x02\x01", 4};
  const std::string lan6_ = std::string("\xfd\x00\x00\x88", 4) + std::string(12, '\1');
};

TEST_F(NetworksTest, AClientIsInTheFirstThatHasIt) {
  EXPECT_EQ(around("192.168.88.7:1").network(), "lan");
  EXPECT_EQ(around("192.168.1.7:1").network(), "all");
  EXPECT_EQ(around("[fd00:88::7]:1").network(), "lan");
  EXPECT_EQ(around("[::ffff:100.100.0.7]:1").network(), "overlay");
  EXPECT_EQ(around("203.0.113.7:1").network(), "");
}

TEST_F(NetworksTest, AnAddressIsNearElsewhereOrAnywhere) {
  const Vicinity& lan = around("192.168.88.7:1");
  EXPECT_EQ(lan.place_of(lan_), Place::kNear);
  EXPECT_EQ(lan.place_of(lan6_), Place::kNear);
  EXPECT_EQ(lan.place_of(overlay_), Place::kElsewhere);
  EXPECT_EQ(lan.place_of(public_), Place::kAnywhere);
  EXPECT_EQ(around("192.168.1.7:1").place_of(lan_), Place::kNear) << "it is in that one, too";
}

TEST_F(NetworksTest, WhoIsInNoneHasNothingNear) {
  const Vicinity& outside = around("203.0.113.7:1");
  EXPECT_EQ(outside.place_of(lan_), Place::kElsewhere);
  EXPECT_EQ(outside.place_of(public_), Place::kAnywhere);
  EXPECT_TRUE(outside.only_reachable());
}

}  // namespace
}  // namespace mcns
