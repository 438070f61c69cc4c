#include "mcns/zonefile/zonefile.h"

#include "mcns/zonefile/reader.h"

namespace mcns {

dsl::Result<void> read_zonefile(
    dsl::env::Env& env, std::string_view name, std::string_view text,
    const ZonefileOptions& options,
    const std::function<dsl::Result<void>(Record record, int line)>& record) {
  zonefile::Reader reader(env, options, record);
  reader.read(name, text);
  return reader.outcome(name);
}

}  // namespace mcns
