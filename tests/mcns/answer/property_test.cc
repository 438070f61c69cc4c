// Random zones and random questions: the answerer against the reference.
#include <ostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "mcns/answer/answer.h"
#include "mcns/answer/asking.h"
#include "mcns/answer/random_world.h"
#include "mcns/answer/reference.h"

namespace mcns {

// What RapidCheck prints of a failing case.
void showValue(const Question& question, std::ostream& out) {
  out << question.name.text() << " " << text(question.type);
}

namespace test {

void showValue(const Entry& entry, std::ostream& out) {
  out << "entry of kind " << static_cast<int>(entry.kind);
}

namespace {

// Random zones in a real store, and the questions about them.
struct World {
  World()
      : zones(make_world(*rc::gen::container<std::vector<Entry>>(any_entry()),
                         *rc::gen::arbitrary<bool>())),
        questions(*rc::gen::container<std::vector<Question>>(any_question())),
        reference(zones) {
    publish(store, zones);
  }

  [[noreturn]] void fail(const Question& question, const std::string& what,
                         const Reply& reply) const {
    RC_FAIL(question.name.text() + " " + mcns::text(question.type) + "\n" + what + "\n" +
            reply.message.text() + "\n" + text(zones));
  }

  const std::vector<ZoneData> zones;
  const std::vector<Question> questions;
  const Reference reference;
  zone::Store store;
  zone::Reader reader{store};
  Answerer answerer{AnswerOptions{}};
};

RC_GTEST_PROP(Answer, IsThatOfTheReferenceForAnyZonesAndQuestions, ()) {
  World world;
  const zone::Pin version(world.reader);

  for (const Question& question : world.questions) {
    Asked asked;
    asked.question = question;
    asked.client.stream = true;

    const Reply reply = ask(world.answerer, *version, asked);

    const std::string found = difference(question, world.reference.answer(question), reply.message);
    if (!found.empty()) {
      world.fail(question, found, reply);
    }
  }
}

// For one who may recurse: what leaves our zones is asked of an upstream, and the chain up to there
// is what the reference says.
RC_GTEST_PROP(Answer, LeadsToWhatTheReferenceLeadsTo, ()) {
  World world;
  const zone::Pin version(world.reader);

  for (const Question& question : world.questions) {
    Asked asked;
    asked.question = question;
    asked.recursion_desired = true;
    asked.client = {.stream = true, .may_recurse = true};
    const ReferenceAnswer expected = world.reference.answer(question);

    const Reply reply = ask(world.answerer, *version, asked);

    const bool forwards = reply.answer.kind == Answer::Kind::kForward;
    if (forwards != expected.elsewhere.has_value()) {
      world.fail(question, "forwards: " + std::to_string(forwards), reply);
    }
    if (forwards && (!(reply.target == *expected.elsewhere) ||
                     reply.message.answers.size() != expected.answers.size())) {
      world.fail(question, "leads to " + reply.target.text(), reply);
    }
  }
}

}  // namespace
}  // namespace test
}  // namespace mcns
