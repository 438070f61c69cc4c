// Which addresses lead to ourselves, to our network, and to nobody.
#include "mcns/forward/reach.h"

#include <gtest/gtest.h>

namespace mcns {
namespace {

TEST(Reach, WhatIsNoHostLeadsNowhere) {
  for (const char* address : {"", "ns.example.test", "0.0.0.0", "0.1.2.3", "224.0.0.251",
                              "239.255.255.250", "240.0.0.1", "255.255.255.255", "::",
                              "::ffff:127.0.0.1", "::ffff:192.0.2.1", "::127.0.0.1", "ff02::fb"}) {
    EXPECT_EQ(reach_of(address), Reach::kNowhere) << address;
  }
}

TEST(Reach, LoopbackIsThisMachine) {
  for (const char* address : {"127.0.0.1", "127.255.0.9", "::1"}) {
    EXPECT_EQ(reach_of(address), Reach::kMachine) << address;
  }
}

TEST(Reach, PrivateNetworksAreOfTheSite) {
  for (const char* address :
       {"10.0.0.1", "100.64.0.1", "100.127.255.254", "169.254.1.1", "172.16.0.1", "172.31.255.254",
        "192.168.1.1", "fc00::1", "fd12::1", "fe80::1", "febf::1"}) {
    EXPECT_EQ(reach_of(address), Reach::kSite) << address;
  }
}

TEST(Reach, AllElseIsAnywhere) {
  for (const char* address :
       {"1.1.1.1", "11.0.0.1", "100.63.0.1", "100.128.0.1", "126.0.0.1", "128.0.0.1", "172.15.0.1",
        "172.32.0.1", "192.0.2.1", "223.1.1.1", "2001:db8::1", "fec0::1", "fbff::1"}) {
    EXPECT_EQ(reach_of(address), Reach::kAnywhere) << address;
  }
}

}  // namespace
}  // namespace mcns
