// Fields of requests as the values they stand for, with errors that name the field.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mcns/rdata/rdata.h"
#include "mcns/wire/codes.h"
#include "mcns/wire/name.h"

namespace mcns::api {

using dsl::Result;

// The error as one about the field `where`: "value: ...", with the field in its details.
dsl::Error at_field(const dsl::Error& error, const std::string& where);

// An absolute name, its final dot optional; "@" and "." are the root.
Result<Name> absolute_name(std::string_view text, const std::string& where);
// A name, below `zone` unless it has its final dot.
Result<Name> host_name(std::string_view text, const Name& zone, const std::string& where);
// The same, and it is in the zone.
Result<Name> name_in_zone(std::string_view text, const Name& zone, const std::string& where);
// A type of which a zone may have records apart from its SOA, which `zone update` changes.
Result<Type> record_type(std::string_view text, const std::string& where);
// Presentation form; names without a final dot are below `zone`.
Result<Bytes> record_value(Type type, std::string_view text, const Name& zone,
                           const std::string& where);
// "www.example.net was taken as www.example.net.example.test.": most likely not what was meant.
// Nothing when no name of the value looks like that.
std::optional<std::string> relative_name_warning(Type type, std::string_view text,
                                                 const Name& zone);

// "hostmaster@example.test", or the name that stands for it in an SOA (RFC 1035 section 3.3.13),
// and back.
Result<Name> mailbox_name(std::string_view text, const std::string& where);
std::string mailbox_text(const Name& name);

// How zones are named where no name is looked up: without the final dot; "." for the root.
std::string zone_text(const Name& zone);

}  // namespace mcns::api
