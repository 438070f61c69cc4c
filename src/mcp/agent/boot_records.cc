#include "mcp/agent/boot_records.h"

namespace mcp::agent {

using dsl::Code;
using dsl::fail;
using dsl::text;
using dsl::db::Row;
using dsl::db::Transaction;

namespace {

constexpr std::int64_t kRunsMax = 100;

}  // namespace

Result<std::int64_t> BootRecords::create(const std::string& boot_id, const std::string& reason,
                                         std::int64_t started_ms) {
  return registry_.database().write([&](Transaction& tx) -> Result<std::int64_t> {
    MC_TRY(
        tx.run("INSERT INTO boot_runs(boot_id, reason, stage, state, started_at, ended_at) "
               "VALUES(?, ?, '', 'running', ?, 0)",
               boot_id, reason, started_ms));
    const std::int64_t id = tx.last_insert_id();
    MC_TRY(tx.run("DELETE FROM boot_runs WHERE id <= ?", id - kRunsMax));
    return id;
  });
}

Result<void> BootRecords::save_items(std::int64_t run, const std::vector<ItemRow>& rows) {
  return registry_.database().write([&](Transaction& tx) -> Result<void> {
    for (const auto& [item, started_seq, healthy_seq] : rows) {
      MC_TRY(
          tx.run("INSERT INTO boot_items(run, component, stage, state, attempts, gate, error, ms, "
                 "started_seq, healthy_seq) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
                 "ON CONFLICT(run, component) DO UPDATE SET state = excluded.state, "
                 "attempts = excluded.attempts, gate = excluded.gate, error = excluded.error, "
                 "ms = excluded.ms, started_seq = excluded.started_seq, "
                 "healthy_seq = excluded.healthy_seq",
                 run, text("{}/{}", item.service(), item.component()), item.stage(), item.state(),
                 item.attempts(), item.gate(), item.error(), item.ms(), started_seq, healthy_seq));
    }
    return {};
  });
}

Result<void> BootRecords::save_run(std::int64_t run, const std::string& state,
                                   const std::string& stage, std::int64_t ended_ms) {
  return registry_.database().write([&](Transaction& tx) {
    return tx.run("UPDATE boot_runs SET state = ?, stage = ?, ended_at = ? WHERE id = ?", state,
                  stage, ended_ms, run);
  });
}

Result<pb::BootRun> BootRecords::last() {
  return registry_.database().read([](Transaction& tx) -> Result<pb::BootRun> {
    pb::BootRun run;
    MC_TRY(
        tx.query("SELECT id, reason, state, stage, started_at, ended_at FROM boot_runs "
                 "ORDER BY id DESC LIMIT 1",
                 [&](Row& row) -> Result<void> {
                   run.set_id(row.integer(0));
                   run.set_reason(row.text(1));
                   run.set_state(row.text(2));
                   run.set_stage(row.text(3));
                   run.set_started_ms(row.integer(4));
                   run.set_ended_ms(row.integer(5));
                   return {};
                 }));
    if (run.id() == 0) {
      return fail(Code::kNotFound, "this node has not booted anything yet")
          .hint("mcp boot starts a run");
    }
    MC_TRY(tx.query(
        "SELECT component, stage, state, attempts, gate, error, ms FROM boot_items WHERE run = ? "
        "ORDER BY started_seq, component",
        [&](Row& row) -> Result<void> {
          pb::BootItem& item = *run.add_items();
          const std::string key = row.text(0);
          item.set_service(key.substr(0, key.find('/')));
          item.set_component(key.substr(key.find('/') + 1));
          item.set_stage(row.text(1));
          item.set_state(row.text(2));
          item.set_attempts(static_cast<std::int32_t>(row.integer(3)));
          item.set_gate(row.text(4));
          item.set_error(row.text(5));
          item.set_ms(row.integer(6));
          return {};
        },
        run.id()));
    return run;
  });
}

Result<std::optional<BootRecords::Unfinished>> BootRecords::unfinished(const std::string& boot_id) {
  using Found = std::optional<Unfinished>;
  return registry_.database().read([&](Transaction& tx) -> Result<Found> {
    Unfinished run;
    MC_TRY(tx.query(
        "SELECT id, reason FROM boot_runs WHERE boot_id = ? AND "
        "state IN ('running', 'holding', 'trailing') ORDER BY id DESC LIMIT 1",
        [&](Row& row) -> Result<void> {
          run.id = row.integer(0);
          run.reason = row.text(1);
          return {};
        },
        boot_id));
    if (run.id == 0) {
      return Found();
    }
    MC_TRY(tx.query(
        "SELECT component, state, attempts, started_seq, healthy_seq FROM boot_items "
        "WHERE run = ?",
        [&](Row& row) -> Result<void> {
          const auto state = boot::node_state_from_name(row.text(1));
          run.items.push_back({.key = row.text(0),
                               .state = state.value_or(boot::NodeState::kPending),
                               .attempts = static_cast<int>(row.integer(2)),
                               .started_seq = row.integer(3),
                               .healthy_seq = row.integer(4)});
          return {};
        },
        run.id));
    return Found(std::move(run));
  });
}

}  // namespace mcp::agent
