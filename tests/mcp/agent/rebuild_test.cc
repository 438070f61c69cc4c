#include "mcp/agent/rebuild.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dsl/log/log.h"
#include "mcp/agent/containers.h"
#include "mcp/agent/mirror.h"
#include "mcp/agent/sample.h"
#include "support/memory_file_system.h"
#include "support/result_matchers.h"
#include "support/runtime/fake_runtime.h"
#include "support/temp_dir.h"
#include "support/test_env.h"

namespace mcp::agent {
namespace {

using dsl::Code;
using dsl::test::Crash;
using dsl::test::failed_saying;
using dsl::test::failed_with;
using dsl::test::require_ok;
using test::sample;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// What the mirror's file of that record holds.
std::string mirrored(const ServiceRecord& record) {
  dsl::test::TestEnv env(1);
  require_ok(Mirror(env, "/specs").write(record));
  return require_ok(env.files().read_file(dsl::text("/specs/{}.json", record.service.name)));
}

Finding of_mirror(const ServiceRecord& record) {
  return require_ok(finding_from_mirror(record.service.name + ".json", mirrored(record)));
}

Finding of_definition(const ServiceRecord& record) {
  return finding_from_definition(record.service.name + ".toml", record.definition_toml,
                                 record.service);
}

// The container that a deploy of the record makes for the component.
runtime::Container container_of(const ServiceRecord& record, const std::string& component,
                                runtime::State state = runtime::State::kRunning) {
  const model::Component& spec = *record.service.find(component);
  runtime::Container container;
  container.id = "id-" + spec.container;
  container.name = spec.container;
  container.image = spec.image;
  container.state = state;
  container.labels =
      require_ok(model::container_labels(record.service, spec, record.generation, record.ports));
  container.ports = published_ports(record, spec);
  return container;
}

Remains with_containers(const std::vector<runtime::Container>& containers) {
  Remains remains;
  add_labels(containers, remains);
  for (const runtime::Container& container : containers) {
    remains.containers[container.name] = {.container = container,
                                          .image_digest = "sha256:of-" + container.name};
  }
  return remains;
}

// The same service with another specification.
ServiceRecord changed(ServiceRecord record) {
  record.service.components[0].env.emplace_back("LEVEL", "debug");
  record.sha256 = model::spec_sha256(record.service);
  record.components[0].sha256 =
      model::component_sha256(record.service, record.service.components[0]);
  return record;
}

std::vector<std::string> lines(const RebuildPlan& plan) {
  std::vector<std::string> out;
  for (const RebuildRow& row : plan.rows) {
    out.push_back(
        dsl::text("{} {} {} {}", row.service, row.generation, row.source, name(row.action)));
  }
  return out;
}

// --- reading ---

TEST(RebuildSources, AMirrorFileThatIsNotWhatTheAgentWroteIsRefused) {
  const std::string good = mirrored(sample("mcq", 7, 8443));
  const auto with = [&](const std::string& old, const std::string& fresh) {
    std::string text = good;
    EXPECT_NE(text.find(old), std::string::npos) << old;
    return text.replace(text.find(old), old.size(), fresh);
  };

  EXPECT_THAT(finding_from_mirror("mcq.json", good.substr(0, good.size() / 2)),
              failed_saying(Code::kDataLoss, "not JSON"));
  EXPECT_THAT(finding_from_mirror("mcq.json", with("mcq-worker", "mcq-walker")),
              failed_saying(Code::kDataLoss, "sha256 is not that of its spec"));
  EXPECT_THAT(finding_from_mirror("mcq.json", with("\"format\":1", "\"format\":2")),
              failed_saying(Code::kDataLoss, "format"));
  EXPECT_THAT(finding_from_mirror("mcq.json", with("\"generation\":7", "\"generation\":\"7\"")),
              failed_with(Code::kDataLoss));
  EXPECT_THAT(finding_from_mirror("mcq.json", with("\"host_port\":8444", "\"host_port\":84440")),
              failed_with(Code::kDataLoss));
  EXPECT_THAT(finding_from_mirror("other.json", good),
              failed_saying(Code::kDataLoss, "speaks of service mcq"));
}

TEST(RebuildSources, TheMirrorTellsEverythingThatTheRegistryKnew) {
  const ServiceRecord record = sample("mcq", 7, 8443);
  Remains remains;
  remains.findings = {of_mirror(record)};

  const RebuildPlan plan = merge(remains, {});

  ASSERT_THAT(lines(plan), ElementsAre("mcq 7 mirror add"));
  const ServiceRecord& rebuilt = plan.records.at(0);
  EXPECT_EQ(rebuilt.service, record.service);
  EXPECT_EQ(rebuilt.sha256, record.sha256);
  EXPECT_EQ(rebuilt.definition_toml, record.definition_toml);
  EXPECT_EQ(rebuilt.ports, record.ports);
  EXPECT_EQ(rebuilt.find("api")->image_digest, "sha256:0a");
  EXPECT_TRUE(rebuilt.find("api")->should_run);
  EXPECT_FALSE(rebuilt.find("worker")->should_run);
  EXPECT_TRUE(rebuilt.find("worker")->adopted);
}

TEST(RebuildSources, LabelsThatCannotBeReadAreNamedAndForeignContainersAreNone) {
  runtime::Container torn = container_of(sample("mcq", 7, 8443), "api");
  torn.labels["mcp.spec"] = "AAAA";
  runtime::Container foreign;
  foreign.name = "somebodys";

  const Remains remains = with_containers({torn, foreign});

  EXPECT_THAT(remains.findings, IsEmpty());
  ASSERT_EQ(remains.left_out.size(), 1U);
  EXPECT_EQ(remains.left_out[0].place, "mcq-api");
  EXPECT_THAT(lines(merge(remains, {})), ElementsAre("mcq 0 labels skipped"));
}

// --- merging ---

// MCP-A4: of mirror and labels the one with the highest generation is believed, service by service.
TEST(RebuildMerge, TheHighestGenerationWins) {
  const ServiceRecord older = sample("mcq", 7, 8443);
  const ServiceRecord newer = changed(sample("mcq", 8, 8443));
  Remains labels_newer =
      with_containers({container_of(newer, "api"), container_of(older, "worker")});
  labels_newer.findings.push_back(of_mirror(older));
  Remains mirror_newer = with_containers({container_of(older, "api")});
  mirror_newer.findings.push_back(of_mirror(newer));

  const RebuildPlan by_labels = merge(labels_newer, {});
  const RebuildPlan by_mirror = merge(mirror_newer, {});

  EXPECT_THAT(lines(by_labels), ElementsAre("mcq 8 labels add"));
  EXPECT_EQ(by_labels.records.at(0).sha256, newer.sha256);
  EXPECT_THAT(by_labels.rows.at(0).note, HasSubstr("mirror holds generation 7"));
  EXPECT_THAT(lines(by_mirror), ElementsAre("mcq 8 mirror add"));
  EXPECT_EQ(by_mirror.records.at(0).sha256, newer.sha256);
  EXPECT_THAT(by_mirror.rows.at(0).note, HasSubstr("mcq-api was made from another specification"));
}

TEST(RebuildMerge, SourcesThatAgreeAreNamedTogether) {
  const ServiceRecord record = sample("mcq", 7, 8443);
  Remains remains = with_containers({container_of(record, "api"), container_of(record, "worker")});
  remains.findings.push_back(of_mirror(record));
  remains.findings.push_back(of_definition(record));

  const RebuildPlan plan = merge(remains, {});

  EXPECT_THAT(lines(plan), ElementsAre("mcq 7 definitions+labels+mirror add"));
  EXPECT_EQ(plan.records.at(0).find("api")->container_id, "id-mcq-api");
}

TEST(RebuildMerge, TwoSourcesThatDifferAtOneGenerationAreAConflictUntilOneIsPreferred) {
  const ServiceRecord one = sample("mcq", 7, 8443);
  const ServiceRecord other = changed(one);
  Remains remains = with_containers({container_of(other, "api")});
  remains.findings.push_back(of_mirror(one));

  const RebuildPlan undecided = merge(remains, {});
  const RebuildPlan by_mirror = merge(remains, Source::kMirror);
  const RebuildPlan by_labels = merge(remains, Source::kLabels);
  const RebuildPlan by_absent = merge(remains, Source::kDefinitions);

  EXPECT_TRUE(undecided.has_conflicts());
  EXPECT_THAT(lines(undecided), ElementsAre("mcq 7 labels+mirror conflict"));
  EXPECT_THAT(undecided.rows.at(0).note, HasSubstr("env"));
  EXPECT_THAT(undecided.rows.at(0).note, HasSubstr("--prefer labels or mirror"));
  EXPECT_THAT(undecided.records, IsEmpty());
  EXPECT_EQ(by_mirror.records.at(0).sha256, one.sha256);
  EXPECT_EQ(by_labels.records.at(0).sha256, other.sha256);
  EXPECT_TRUE(by_absent.has_conflicts());
}

TEST(RebuildMerge, ADefinitionThatDiffersIsAConflictAndWhenPreferredTheNextGeneration) {
  const ServiceRecord ran = sample("mcq", 7, 8443);
  Remains remains;
  remains.findings = {of_mirror(ran), of_definition(changed(ran))};

  const RebuildPlan undecided = merge(remains, {});
  const RebuildPlan preferred = merge(remains, Source::kDefinitions);

  EXPECT_TRUE(undecided.has_conflicts());
  EXPECT_THAT(lines(preferred), ElementsAre("mcq 8 definitions add"));
  EXPECT_EQ(preferred.records.at(0).generation, 8);
  EXPECT_FALSE(preferred.records.at(0).find("worker")->should_run) << "as the mirror says";
}

TEST(RebuildMerge, TwoContainersThatDifferAtOneGenerationAreAConflictToo) {
  const ServiceRecord record = sample("mcq", 7, 8443);

  const RebuildPlan plan = merge(
      with_containers({container_of(record, "api"), container_of(changed(record), "worker")}), {});

  EXPECT_TRUE(plan.has_conflicts());
  EXPECT_THAT(plan.rows.at(0).note, HasSubstr("mcq-api and mcq-worker differ"));
}

TEST(RebuildMerge, ServicesThatClaimOnePortAreAConflict) {
  Remains remains;
  remains.findings = {of_mirror(sample("mcq", 1, 8443)), of_mirror(sample("web", 1, 8443))};

  const RebuildPlan plan = merge(remains, {});

  EXPECT_THAT(lines(plan), ElementsAre("mcq 1 mirror add", "web 1 mirror conflict"));
  EXPECT_THAT(plan.rows.at(1).note, HasSubstr("port 127.0.0.1:8443/tcp is also claimed by mcq"));
}

TEST(RebuildMerge, WhatIsNeededAndNotLeftIsSaid) {
  ServiceRecord record = sample("mcq", 1, 8443);
  record.service.depends_on = {"mcns/api"};
  record.sha256 = model::spec_sha256(record.service);
  Remains remains;
  remains.findings = {of_mirror(record)};

  EXPECT_THAT(merge(remains, {}).rows.at(0).note,
              HasSubstr("needs mcns, of which nothing is left"));
}

// --- what labels and live containers tell ---

// MCP-A4: with registry and mirror gone the labels are enough.
TEST(RebuildMerge, LabelsAloneGiveTheServiceItsPortsAndItsDesiredState) {
  const ServiceRecord record = sample("mcq", 7, 8443);

  const RebuildPlan plan =
      merge(with_containers({container_of(record, "api"),
                             container_of(record, "worker", runtime::State::kExited)}),
            {});

  ASSERT_THAT(lines(plan), ElementsAre("mcq 7 labels add"));
  const ServiceRecord& rebuilt = plan.records.at(0);
  EXPECT_EQ(rebuilt.service, record.service);
  EXPECT_EQ(rebuilt.ports, record.ports);
  EXPECT_TRUE(rebuilt.find("api")->should_run);
  EXPECT_EQ(rebuilt.find("api")->container_id, "id-mcq-api");
  EXPECT_EQ(rebuilt.find("api")->image_digest, "sha256:of-mcq-api");
  EXPECT_FALSE(rebuilt.find("worker")->should_run);
  EXPECT_THAT(plan.rows.at(0).note, HasSubstr("mcq-worker does not run"));
  EXPECT_EQ(test::resolved("mcq", rebuilt.definition_toml), record.service)
      << "a definition that says the same is written from the specification";
}

TEST(RebuildMerge, AContainerThatIsGoneWasNotStopped) {
  const RebuildPlan plan =
      merge(with_containers({container_of(sample("mcq", 7, 8443), "api")}), {});

  EXPECT_TRUE(plan.records.at(0).find("worker")->should_run);
}

TEST(RebuildMerge, TheMirrorsDesiredStateCountsMoreThanTheLiveOne) {
  const ServiceRecord record = sample("mcq", 7, 8443);
  Remains remains = with_containers(
      {container_of(record, "api", runtime::State::kExited), container_of(record, "worker")});
  remains.findings.push_back(of_mirror(record));

  const RebuildPlan plan = merge(remains, {});

  EXPECT_TRUE(plan.records.at(0).find("api")->should_run);
  EXPECT_FALSE(plan.records.at(0).find("worker")->should_run);
}

TEST(RebuildMerge, PortsComeFromWhatTheContainerPublishesWhenNothingElseTells) {
  const ServiceRecord record = sample("mcq", 7, 8443);  // web has no target: it listens on $PORT
  ServiceRecord with_target = record;
  with_target.service.components[0].routes[0].target = 9000;
  runtime::Container unlabelled = container_of(record, "api");
  unlabelled.labels.clear();
  unlabelled.ports = {{.host_ip = "127.0.0.1", .host = 8443, .container = 8443},
                      {.host_ip = "127.0.0.1", .host = 31000, .container = 9000}};
  Remains by_target = with_containers({unlabelled});
  by_target.findings = {of_definition(with_target)};
  unlabelled.ports[1].container = 31000;
  Remains by_variable = with_containers({unlabelled});
  by_variable.findings = {of_definition(record)};
  unlabelled.ports.push_back({.host_ip = "127.0.0.1", .host = 31001, .container = 31001});
  Remains ambiguous = with_containers({unlabelled});
  ambiguous.findings = {of_definition(record)};

  const auto port_of = [](const Remains& remains) {
    const auto ports = merge(remains, {}).records.at(0).ports;
    return ports.empty() ? 0 : ports.at(0).host_port;
  };
  EXPECT_EQ(port_of(by_target), 31000);
  EXPECT_EQ(port_of(by_variable), 31000);
  EXPECT_EQ(port_of(ambiguous), 0) << "chosen anew, by complete_ports";
  EXPECT_THAT(merge(ambiguous, {}).rows.at(0).note, HasSubstr("a port for web is chosen anew"));
}

TEST(RebuildMerge, AContainerWithoutLabelsIsAdoptedOnlyWhenItIsWhatADefinitionAsksFor) {
  const ServiceRecord record = test::record_of(
      test::resolved("mcq",
                     "name = \"mcq\"\nversion = \"v1\"\n[[components]]\nnetwork = \"none\"\n"
                     "[components.health]\ntype = \"none\"\n"),
      1);
  const model::Component& spec = record.service.components[0];
  runtime::Container container = container_of(record, "mcq");
  container.labels.clear();
  container.network_mode = "none";
  container.user = "0:0";
  container.restart_policy = "unless-stopped";
  container.mounts = spec.volumes;
  Remains equal = with_containers({container});
  equal.findings = {of_definition(record)};
  container.user = "7:7";
  Remains different = with_containers({container});
  different.findings = {of_definition(record)};

  const ServiceRecord adopted = merge(equal, {}).records.at(0);
  const RebuildPlan refused = merge(different, {});

  EXPECT_TRUE(adopted.components[0].adopted);
  EXPECT_EQ(adopted.components[0].container_id, "id-mcq");
  EXPECT_FALSE(refused.records.at(0).components[0].adopted);
  EXPECT_EQ(refused.records.at(0).components[0].container_id, "");
  EXPECT_THAT(refused.rows.at(0).note, HasSubstr("mcq is a container that mcp did not make"));
}

// --- the files ---

class RebuildFiles : public ::testing::Test {
 protected:
  RebuildFiles() {
    env_.use_real_files();
    env_.use_real_clock();
    config_.node_name = "rift";
    config_.node_addresses = {{"lan", "127.0.1.1"}};
    config_.registry = "mcr.test:8443";
    config_.database_path = folder_.file("mcp.db");
    config_.specs_dir = folder_.file("specs");
  }

  void mirror(const ServiceRecord& record) {
    require_ok(Mirror(env_, config_.specs_dir).write(record));
  }
  Rebuilt rebuild() {
    const Remains remains = require_ok(gather(env_, config_, &runtime_, {}));
    const RebuildPlan plan = merge(remains, {});
    return require_ok(carry_out(env_, config_, plan, remains, {.name = "rift", .uid = 850}));
  }
  std::vector<std::string> names(const std::string& beginning) {
    std::vector<std::string> out = require_ok(env_.files().list(folder_.path()));
    std::erase_if(out, [&](const std::string& file) { return !file.starts_with(beginning); });
    return out;
  }

  dsl::test::TempDir folder_;
  dsl::test::TestEnv env_{1};
  Config config_;
  runtime::FakeRuntime runtime_{env_};
};

TEST_F(RebuildFiles, TheNewRegistryIsInitializedAndTheFormerOneIsKeptWithItsLog) {
  mirror(sample("mcq", 7, 8443));
  folder_.write("mcp.db", "no database");
  folder_.write("mcp.db-wal", "nor its log");
  EXPECT_THAT(require_ok(look_at_former(env_, config_)).state, HasSubstr("damaged"));

  const Rebuilt rebuilt = rebuild();

  EXPECT_THAT(rebuilt.lost, HasSubstr("mcp.db.lost-20"));
  EXPECT_EQ(require_ok(env_.files().read_file(rebuilt.lost)), "no database");
  EXPECT_EQ(require_ok(env_.files().read_file(rebuilt.lost + "-wal")), "nor its log");
  EXPECT_THAT(names("mcp.db.rest"), IsEmpty());
  const auto registry = require_ok(Registry::open(env_, config_.database_path));
  EXPECT_TRUE(require_ok(registry->initialized()));
  EXPECT_EQ(require_ok(registry->node())->uid, 850U);
  EXPECT_EQ(require_ok(registry->service("mcq"))->generation, 7);
  const auto history = require_ok(registry->history("mcq"));
  ASSERT_EQ(history.size(), 1U);
  EXPECT_EQ(history[0].generation, 7);
  EXPECT_EQ(history[0].actor, "rebuild");
  EXPECT_THAT(runtime_.calls(), IsEmpty()) << "no container is touched";
}

TEST_F(RebuildFiles, ARegistryThatIsInOrderIsWorthKeepingAndAnEmptyOneIsNot) {
  {
    const auto registry = require_ok(Registry::open(env_, config_.database_path));
    EXPECT_EQ(require_ok(look_at_former(env_, config_)).worth_keeping, "");
    require_ok(registry->set_node({.name = "rift"}));
    require_ok(registry->set_initialized());
    EXPECT_EQ(require_ok(look_at_former(env_, config_)).worth_keeping, "");
    require_ok(registry->put_service(sample("mcq", 1, 8443), "ann"));
  }

  EXPECT_EQ(require_ok(look_at_former(env_, config_)).worth_keeping, "it has 1 services");
}

TEST_F(RebuildFiles, ADamagedMirrorFileIsLeftOutAndNeverLost) {
  const ServiceRecord record = sample("mcq", 7, 8443);
  mirror(record);
  runtime_.add_image(record.service.components[0].image);
  runtime::ContainerSpec spec;
  spec.component = record.service.components[0];
  spec.labels = require_ok(model::container_labels(record.service, record.service.components[0],
                                                   record.generation, record.ports));
  require_ok(runtime_.start(require_ok(runtime_.create(spec))));
  folder_.write("specs/mcq.json", "{\"gener");
  folder_.write("specs/other.json", "torn, too");

  const RebuildPlan plan = merge(require_ok(gather(env_, config_, &runtime_, {})), {});
  runtime_.clear_calls();
  const Rebuilt rebuilt = rebuild();

  EXPECT_THAT(lines(plan),
              ElementsAre("mcq 7 labels add", "mcq 0 mirror skipped", "other 0 mirror skipped"));
  EXPECT_THAT(plan.rows.at(1).note, HasSubstr("specs/mcq.json: it is not JSON"));
  ASSERT_EQ(rebuilt.kept_files.size(), 1U);
  EXPECT_EQ(require_ok(env_.files().read_file(rebuilt.kept_files[0])), "{\"gener");
  EXPECT_EQ(folder_.read("specs/other.json"), "torn, too");
  EXPECT_THAT(folder_.read("specs/mcq.json"), HasSubstr(record.sha256));
  EXPECT_THAT(runtime_.calls(), IsEmpty());
}

TEST_F(RebuildFiles, WhatBelongsElsewhereIsLeftOut) {
  ServiceRecord other_node = sample("other", 1, 9443);
  other_node.service.node = "flood";
  other_node.sha256 = model::spec_sha256(other_node.service);
  ServiceRecord outside = sample("outside", 1, 7443);
  outside.service.components[0].volumes = {{.host = "/etc", .container = "/x"}};
  outside.sha256 = model::spec_sha256(outside.service);
  mirror(other_node);
  mirror(outside);

  const RebuildPlan plan = merge(require_ok(gather(env_, config_, &runtime_, {})), {});

  EXPECT_THAT(lines(plan), ElementsAre("other 0 mirror skipped", "outside 0 mirror skipped"));
  EXPECT_THAT(plan.rows.at(0).note, HasSubstr("belongs to node flood"));
  EXPECT_THAT(plan.rows.at(1).note, HasSubstr("/etc lies outside the volume roots"));
}

TEST_F(RebuildFiles, ARebuildThatWasCutOffGoesOn) {
  mirror(sample("mcq", 7, 8443));
  folder_.write("mcp.db.lost-20260403T084500Z-wal", "its log, moved");
  folder_.write("mcp.db", "the former one, not moved yet");
  folder_.write("mcp.db.restoring", config_.database_path + ".lost-20260403T084500Z");
  EXPECT_EQ(require_ok(look_at_former(env_, config_)).worth_keeping, "");
  EXPECT_THAT(Registry::open(env_, config_.database_path), failed_with(Code::kFailedPrecondition));

  const Rebuilt rebuilt = rebuild();

  EXPECT_EQ(rebuilt.lost, config_.database_path + ".lost-20260403T084500Z");
  EXPECT_EQ(require_ok(env_.files().read_file(rebuilt.lost)), "the former one, not moved yet");
  EXPECT_EQ(folder_.read("mcp.db.lost-20260403T084500Z-wal"), "its log, moved");
  EXPECT_TRUE(require_ok(require_ok(Registry::open(env_, config_.database_path))->initialized()));
}

TEST_F(RebuildFiles, RoutesWithoutAPortGetOne) {
  ServiceRecord record = sample("mcq", 7, 8443);
  record.ports.clear();
  ServiceRecord other = sample("other", 1, 9443);
  std::vector<ServiceRecord> records = {record, other};

  require_ok(complete_ports(env_, config_, records));

  ASSERT_EQ(records[0].ports.size(), 1U);
  EXPECT_GE(records[0].ports[0].host_port, config_.port_min);
  EXPECT_EQ(records[1].ports, other.ports);
}

// A power cut at any moment of a rebuild leaves the former registry, the new one, or a note that
// keeps the agent from starting; the rebuild that is run again then ends it, and the former one is
// kept once.
TEST(RebuildCrash, APowerCutAtAnyPointLosesNeitherTheOldNorTheNewRegistry) {
  // What every cut makes the database say would hide a failure.
  dsl::log::set_level("db", dsl::log::Level::kError);
  dsl::log::set_level("agent.events", dsl::log::Level::kError);
  Config config;
  config.node_name = "rift";
  config.database_path = "/srv/mcp/mcp.db";
  config.specs_dir = "/srv/mcp/specs";
  const std::string garbage = "this was a registry once";
  const auto in = [](dsl::test::MemoryFileSystem& files, const auto& work) {
    dsl::test::TestEnv env(1);
    env.use_files(files);
    return work(env);
  };
  const auto rebuild = [&](dsl::test::TestEnv& env) -> Result<Rebuilt> {
    MC_ASSIGN(const Remains remains, gather(env, config, nullptr, {}));
    return carry_out(env, config, merge(remains, {}), remains, {.name = "rift"});
  };
  const auto generation = [&](dsl::test::TestEnv& env) -> Result<std::int64_t> {
    MC_ASSIGN(const auto registry, Registry::open(env, config.database_path));
    MC_ASSIGN(const std::optional<ServiceRecord> record, registry->service("mcq"));
    MC_ASSIGN(const bool initialized, registry->initialized());
    return record && initialized ? record->generation : 0;
  };

  const auto check = [&](dsl::test::MemoryFileSystem& files, bool finished) {
    in(files, [&](dsl::test::TestEnv& env) {
      const Result<std::int64_t> now = generation(env);
      if (!now) {
        EXPECT_FALSE(finished) << now.error().render();
        EXPECT_TRUE(now.error().code() == Code::kDataLoss ||
                    now.error().code() == Code::kFailedPrecondition);
        require_ok(rebuild(env));
      }
      EXPECT_EQ(require_ok(generation(env)), 7);
      int kept = 0;
      for (const std::string& name : require_ok(files.list("/srv/mcp"))) {
        const auto content = files.read_file("/srv/mcp/" + name);
        kept += content && (*content == garbage || *content == "its log") ? 1 : 0;
      }
      EXPECT_EQ(kept, 2);
    });
  };

  // Every change is met by one of the six kinds of a cut: all by each would take half a minute.
  std::uint64_t kind = 0;
  int cuts = 0;
  for (const auto data : {Crash::Data::kLost, Crash::Data::kTorn, Crash::Data::kKept}) {
    for (const bool names_kept : {false, true}) {
      bool finished = false;
      for (std::uint64_t changes = kind++; !finished; changes += 6, ++cuts) {
        SCOPED_TRACE(dsl::text("power cut after {} changes, kind {}", changes, kind));
        dsl::test::MemoryFileSystem files;
        in(files, [&](dsl::test::TestEnv& env) {
          require_ok(Mirror(env, config.specs_dir).write(sample("mcq", 7, 8443)));
          require_ok(files.write_file(config.database_path, garbage));
          require_ok(files.write_file(config.database_path + "-wal", "its log"));
        });
        files.crash_after(changes);
        (void)in(files, [&](dsl::test::TestEnv& env) { return rebuild(env); });
        finished = !files.crashed();
        files.restart({data, names_kept});
        check(files, finished);
      }
    }
  }
  EXPECT_GT(cuts, 50);
}

}  // namespace
}  // namespace mcp::agent
