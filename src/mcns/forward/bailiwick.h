// Which records of an answer belong to its question.
#pragma once

#include <vector>

#include "mcns/wire/message.h"

namespace mcns {

// Drops from `message` what the question does not account for: in the answer section all but the
// question's name and the chain of CNAMEs and DNAMEs that begins there; in the authority section
// what is not of a zone on that chain, or its proof; in the additional section all but addresses
// of hosts that the records before name.
void drop_unrelated(const Question& question, Message& message);

// The question's name and those that its aliases lead to, in whatever order they stand. A DNAME
// comes with the CNAME that it makes (RFC 6672 section 3.1).
std::vector<Name> alias_chain(const Question& question, const std::vector<Record>& answers);

}  // namespace mcns
