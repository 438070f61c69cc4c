#include "standin/settings.h"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "standin/handed.h"

namespace standin {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

tl::expected<Settings, std::string> read(const std::map<std::string, std::string>& variables) {
  return read_settings([&](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

TEST(Settings, WrongListenLinesNameTheItem) {
  for (const auto* item :
       {"dns", "dns=53", "=0.0.0.0:53", "smtp=0.0.0.0:25", "dns=localhost:53", "dns=0.0.0.0:65536",
        "dns=0.0.0.0:", "dns=0.0.0.0:53x", "dns=0.0.0.0:-1", "https=[::1:8443", "tcp:=1"}) {
    const auto listens = parse_listens(std::string("tcp=127.0.0.1:0 ") + item);
    ASSERT_FALSE(listens.has_value()) << item;
    EXPECT_THAT(listens.error(), HasSubstr(std::string("\"") + item + "\""));
  }
}

TEST(Settings, WithoutServiceOrListenerThereIsNoStart) {
  EXPECT_FALSE(read({{"STANDIN_LISTEN", "dns=0.0.0.0:53"}}).has_value());
  EXPECT_FALSE(read({{"STANDIN_SERVICE", "mcns"}}).has_value());
  EXPECT_FALSE(read({{"STANDIN_SERVICE", "mcns"}, {"PORT", "http"}}).has_value());
  EXPECT_FALSE(
      read({{"STANDIN_SERVICE", "mcns"}, {"PORT", "1"}, {"STANDIN_READY_FD", "-3"}}).has_value());
}

TEST(Settings, MoreThanSixteenListenersAreRefused) {
  std::string text;
  for (int i = 0; i < 16; ++i) {
    text += "tcp=127.0.0.1:0 ";
  }

  EXPECT_TRUE(parse_listens(text).has_value());
  EXPECT_FALSE(parse_listens(text + "tcp=127.0.0.1:0").has_value());
}

TEST(Settings, ListenLineIsReadWithBlanksCommasAndBothFamilies) {
  const auto listens = parse_listens(" dns=0.0.0.0:53, https=[::1]:8443\ngrpc=127.0.2.1:9443 ");

  ASSERT_TRUE(listens.has_value()) << listens.error();
  EXPECT_THAT(*listens,
              ElementsAre(Listen{Kind::kDns, "0.0.0.0", 53}, Listen{Kind::kHttps, "::1", 8443},
                          Listen{Kind::kGrpc, "127.0.2.1", 9443}));
  EXPECT_EQ((*listens)[1].text(), "https=[::1]:8443");
}

TEST(Settings, PortAddsAListenerAndTheFailFileHasADefault) {
  const auto settings = read(
      {{"STANDIN_SERVICE", "mcq"}, {"STANDIN_LISTEN", "http=0.0.0.0:8080"}, {"PORT", "12345"}});

  ASSERT_TRUE(settings.has_value()) << settings.error();
  EXPECT_EQ(settings->fail_file, "/srv/mcq/standin-fail");
  EXPECT_THAT(settings->listens, ElementsAre(Listen{Kind::kHttp, "0.0.0.0", 8080},
                                             Listen{Kind::kAuto, "0.0.0.0", 12345}));
}

// --- sockets of the agent ---

TEST(Handed, ReplyThatIsNoneIsRefused) {
  for (const std::string& packet : {std::string(), std::string("MCSK\x01\x02"),
                                    std::string("MCSK\x02\x02\x01\x03"
                                                "dns"),
                                    std::string("MCSK\x01\x03taken"),
                                    std::string("MCSK\x01\x02\x01\x04"
                                                "dns"),
                                    std::string("MCSK\x01\x02\x01\x03"
                                                "dnsx")}) {
    EXPECT_FALSE(parse_handed(packet)) << packet;
  }
}

TEST(Handed, NamesComeInTheirOrder) {
  const auto names = parse_handed(
      "MCSK\x01\x02\x02\x03"
      "dns\x05https");

  ASSERT_TRUE(names);
  EXPECT_EQ(*names, (std::vector<std::string>{"dns", "https"}));
}

}  // namespace
}  // namespace standin
