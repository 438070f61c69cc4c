#include "mcns/api/grants.h"

#include <algorithm>

#include "mcns/api/fields.h"

namespace mcns::api {

using dsl::Code;
using dsl::fail;
using dsl::db::Row;
using dsl::db::Transaction;

namespace {

#define MC_GRANT_COLUMNS \
  "id, account, zone, name_pattern, types, verbs, expires_at, created_at, created_by"

// "A,TXT" as its words; none for "*".
std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  for (std::size_t at = 0; text != "*" && at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    words.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

// A row that cannot be read grants nothing, and says so: an empty list would grant everything.
Result<Grant> grant_from(const Row& row) {
  const auto damaged = [&](std::string_view column) {
    return fail(Code::kDataLoss, "grant {} has a damaged {}", row.integer(0), column)
        .hint("mcns grant rm takes it away; make it again");
  };
  Grant grant;
  grant.id = row.integer(0);
  grant.account = row.text(1);
  if (const std::string zone = row.text(2); zone != "*") {
    Result<Name> name = Name::parse(zone);
    if (!name) {
      return damaged("zone");
    }
    grant.zone = std::move(*name);
  }
  grant.name_pattern = row.text(3);
  for (const std::string& word : words_of(row.text(4))) {
    const std::optional<Type> type = parse_type(word);
    if (!type) {
      return damaged("type");
    }
    grant.types.push_back(*type);
  }
  for (const std::string& word : words_of(row.text(5))) {
    const std::optional<Verb> verb = parse_verb(word);
    if (!verb) {
      return damaged("verb");
    }
    grant.verbs.push_back(*verb);
  }
  if (!row.is_null(6)) {
    grant.expires_at = row.time(6);
  }
  grant.created_at = row.time(7);
  grant.created_by = row.text(8);
  return grant;
}

Result<std::vector<Grant>> query(dsl::db::Database& database, std::string_view sql,
                                 const std::string& account) {
  std::vector<Grant> grants;
  MC_TRY(database.query(
      sql,
      [&](Row& row) -> Result<void> {
        MC_ASSIGN(Grant grant, grant_from(row));
        grants.push_back(std::move(grant));
        return {};
      },
      account));
  return grants;
}

template <class List, class Text>
std::string joined(const List& list, Text text_of) {
  std::string out;
  for (const auto& item : list) {
    out += out.empty() ? "" : ",";
    out += text_of(item);
  }
  return out.empty() ? "*" : out;
}

}  // namespace

Result<std::vector<Grant>> all_grants(dsl::db::Database& database) {
  return query(database, "SELECT " MC_GRANT_COLUMNS " FROM grants WHERE ? = '' ORDER BY id", "");
}

Result<std::vector<Grant>> grants_of(dsl::db::Database& database, const std::string& account) {
  return query(database, "SELECT " MC_GRANT_COLUMNS " FROM grants WHERE account = ? ORDER BY id",
               account);
}

Result<Grant> insert_grant(dsl::db::Database& database, Grant grant) {
  return database.write([&](Transaction& tx) -> Result<Grant> {
    MC_TRY(tx.run(
        "INSERT INTO grants(account, zone, name_pattern, types, verbs, expires_at, created_at, "
        "created_by) VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
        grant.account, grant.zone ? grant.zone->text() : "*", grant.name_pattern,
        types_text(grant.types), verbs_text(grant.verbs), grant.expires_at, grant.created_at,
        grant.created_by));
    grant.id = tx.last_insert_id();
    return grant;
  });
}

Result<Grant> erase_grant(dsl::db::Database& database, std::int64_t id) {
  return database.write([&](Transaction& tx) -> Result<Grant> {
    // Read as text only: a damaged one can be taken away, too.
    std::optional<Grant> found;
    MC_TRY(tx.query(
        "SELECT " MC_GRANT_COLUMNS " FROM grants WHERE id = ?",
        [&](Row& row) -> Result<void> {
          Result<Grant> grant = grant_from(row);
          found = grant ? std::move(*grant) : Grant{.id = id, .account = row.text(1)};
          return {};
        },
        id));
    if (!found) {
      return fail(Code::kNotFound, "there is no grant {}", id).hint("mcns grant list shows them");
    }
    MC_TRY(tx.run("DELETE FROM grants WHERE id = ?", id));
    return std::move(*found);
  });
}

std::string types_text(const std::vector<Type>& types) {
  return joined(types, [](Type type) { return mcns::text(type); });
}

std::string verbs_text(const std::vector<Verb>& verbs) {
  return joined(verbs, [](Verb verb) { return std::string(text(verb)); });
}

}  // namespace mcns::api
