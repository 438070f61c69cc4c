// MCP-A8: files that a container cannot use are told apart by whose they are: an id outside the
// map, another id inside it, or container root under an image's own user. Each has its own way
// out, and none touches the data.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dsl/json/canonical.h"
#include "mcp/agent/doctor_host.h"

namespace mcp::agent::test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr std::uint32_t kSubUid1001 = 101000;  // 1001 inside: 100000 is 1

std::string web(const std::string& lines) {
  return "name = \"web\"\nversion = \"v1\"\n[[components]]\n" + lines;
}

void set_image_user(DoctorHost& host, const std::string& user) {
  host.write("/srv/mcp/.local/share/containers/storage/overlay-images/0b/=" +
                 dsl::json::base64("sha256:0b"),
             R"({"config":{"User":")" + user + R"("}})");
}

TEST(DoctorData, AFormerUidIsForTheHostsRoot) {
  DoctorHost host;
  host.write("/srv/web/web.db", "data", 0644, 995);
  host.write("/srv/web/blobs/a", "data", 0644, 995);

  const DoctorFinding finding = host.check("data");

  EXPECT_EQ(finding.severity, "fail");
  EXPECT_THAT(finding.finding, AllOf(HasSubstr("2 files"), HasSubstr("uid 995, outside the map"),
                                     HasSubstr("65534 in web")));
  EXPECT_THAT(finding.consequence, HasSubstr("chmod gives \"operation not permitted\""));
  EXPECT_EQ(finding.fix, "only the host's root can: chown -hR --from=995 850:850 /srv/web");
  ASSERT_EQ(finding.repairs.size(), 1U);
  EXPECT_TRUE(finding.repairs[0].needs_root);
  EXPECT_THAT(finding.repairs[0].argv,
              ElementsAre("chown", "-hR", "--from=995", "850:850", "/srv/web"));
}

TEST(DoctorData, ASubUidIsForTheNamespace) {
  DoctorHost host;
  host.put("web", web("user = \"1000:1000\"\n"));
  host.make_folder("/srv/web", 0755, 100999);
  host.write("/srv/web/web.db", "data", 0640, kSubUid1001);

  const DoctorFinding finding = host.check("data");

  EXPECT_EQ(finding.severity, "fail");
  EXPECT_THAT(finding.finding, HasSubstr("owned by 1001 inside web, which runs as 1000"));
  EXPECT_EQ(finding.fix,
            "inside the namespace, as mcp: podman unshare chown -hR --from=1001 1000:1000 "
            "/srv/web");
  ASSERT_EQ(finding.repairs.size(), 1U);
  EXPECT_FALSE(finding.repairs[0].needs_root);
}

TEST(DoctorData, AnImagesUserOverFilesOfContainerRootIsForTheDefinition) {
  DoctorHost host;
  host.put("web", web("user = \"image\"\n"));
  set_image_user(host, "65532:65532");

  const DoctorFinding finding = host.check("data");

  EXPECT_EQ(finding.severity, "fail");
  EXPECT_THAT(finding.finding, HasSubstr("owned by container root, while web runs as the image's "
                                         "user 65532"));
  EXPECT_THAT(finding.fix, HasSubstr("user = \"0:0\""));
  EXPECT_THAT(finding.repairs, IsEmpty());
}

TEST(DoctorData, ContainerRootOpensWhateverIsInTheMap) {
  DoctorHost host;
  host.write("/srv/web/web.db", "data", 0600, kSubUid1001);
  EXPECT_EQ(host.check("data").severity, "ok") << host.check("data").finding;

  host.put("web", web("cap_drop = [\"ALL\"]\n"));
  EXPECT_THAT(host.check("data").finding, HasSubstr("owned by 1001 inside web"));
}

TEST(DoctorData, AFileOfTheHostsRootThatAllMayReadIsNoFault) {
  DoctorHost host;
  host.write("/srv/web/web.toml", "key = 1\n", 0644, 0);
  EXPECT_EQ(host.check("data").severity, "ok") << host.check("data").finding;

  host.write("/srv/web/web.toml", "key = 1\n", 0600, 0);
  EXPECT_THAT(host.check("data").finding, HasSubstr("owned by uid 0, outside the map"));
}

TEST(DoctorData, ADatabaseNeedsItsFolderToBeWritable) {
  DoctorHost host;
  host.put("web", web("user = \"1000:1000\"\n"));
  host.make_folder("/srv/web", 0755, 850);
  host.write("/srv/web/web.db", "data", 0666, 850);

  EXPECT_THAT(host.check("data").finding, HasSubstr("/srv/web: owned by 0 inside web"));
}

TEST(DoctorData, AUserThatOnlyTheImageKnowsIsNotGuessedAt) {
  DoctorHost host;
  host.put("web", web("user = \"image\"\n"));
  set_image_user(host, "nginx");

  EXPECT_EQ(host.check("data").severity, "ok") << host.check("data").finding;
}

TEST(DoctorData, SeveralFaultsAreAllNamed) {
  DoctorHost host;
  host.write("/srv/web/a", "data", 0644, 995);
  host.write("/srv/mcns/b", "data", 0644, 996);

  const DoctorFinding finding = host.check("data");

  EXPECT_THAT(finding.finding, AllOf(HasSubstr("/srv/web/a"), HasSubstr("/srv/mcns/b")));
  EXPECT_EQ(finding.repairs.size(), 2U);
  EXPECT_THAT(finding.fix, Not(HasSubstr("rm")));
}

}  // namespace
}  // namespace mcp::agent::test
