// What a server and a client agree on, and what they refuse.
#include "dsl/tls/tls_fixture.h"

namespace dsl::tls::test {
namespace {

using dsl::test::failed_saying;
using dsl::test::failed_with;
using dsl::test::IssuedPair;
using dsl::test::require_ok;
using dsl::test::TestCa;
using testing::HasSubstr;

class ServerContext : public TlsTest {};
class ClientContext : public TlsTest {};

TEST_F(ServerContext, NeedsAPairThatFits) {
  const IssuedPair one = ca_.issue({.names = {"rift"}});
  const PairFiles mixed = store("mixed", {one.cert_pem, ca_.issue({}).key_pem, {}});

  EXPECT_THAT(ServerCredentials::open(env_, {}),
              failed_saying(Code::kInvalidArgument, "TLS without a certificate"));
  EXPECT_THAT(ServerCredentials::open(env_, {.pairs = {files("missing")}}),
              failed_saying(Code::kInvalidArgument, "missing.crt"));
  EXPECT_THAT(ServerCredentials::open(env_, {.pairs = {mixed}}),
              failed_saying(Code::kInvalidArgument, mixed.cert + ": the private key does not"));
  EXPECT_THAT(
      ServerCredentials::open(env_, {.pairs = {store("rift", one)}, .client_required = true}),
      failed_saying(Code::kInvalidArgument, "no CA is named"));
}

TEST_F(ServerContext, RefusesAnEmptyKey) {
  const PairFiles pair = store("rift", ca_.issue({}));

  EXPECT_THAT(ServerCredentials::open(env_, {.pairs = {{pair.cert, dir_.write("empty", "")}}}),
              failed_with(Code::kInvalidArgument));
}

TEST_F(ServerContext, RefusesTls12) {
  const auto server = open({.pairs = {store("rift", ca_.issue({.names = {"rift"}}))}});
  const Context old = client();
  SSL_CTX_set_min_proto_version(old.get(), TLS1_2_VERSION);
  SSL_CTX_set_max_proto_version(old.get(), TLS1_2_VERSION);

  EXPECT_THAT(Connection(server->current(), old).error(), HasSubstr("unsupported protocol"));
  EXPECT_EQ(Connection(server->current(), client()).version(), "TLSv1.3");
}

TEST_F(ServerContext, RefusesAClientWithoutAProtocolInCommon) {
  const auto server =
      open({.pairs = {store("rift", ca_.issue({.names = {"rift"}}))}, .alpn = {"h2", "http/1.1"}});

  EXPECT_THAT(Connection(server->current(), client({.alpn = {"smtp"}})).error(),
              HasSubstr("no application protocol"));
}

TEST_F(ServerContext, ChoosesTheProtocolItLikesBest) {
  const auto server =
      open({.pairs = {store("rift", ca_.issue({.names = {"rift"}}))}, .alpn = {"h2", "http/1.1"}});

  EXPECT_EQ(Connection(server->current(), client({.alpn = {"http/1.1", "h2"}})).alpn(), "h2");
  EXPECT_EQ(Connection(server->current(), client({.alpn = {"http/1.1"}})).alpn(), "http/1.1");
  EXPECT_EQ(Connection(server->current(), client()).alpn(), "");
}

TEST_F(ServerContext, ShowsThePairOfTheNameAsked) {
  const IssuedPair first = ca_.issue({.names = {"rift", "plain.wild.test"}});
  const IssuedPair second = ca_.issue({.names = {"docs.test"}});
  const IssuedPair wild = ca_.issue({.names = {"*.wild.test"}});
  const auto server =
      open({.pairs = {store("first", first), store("second", second), store("wild", wild)}});
  const auto shown = [&](const std::string& name) {
    return Connection(server->current(), client(), {.sni = name}).shown_serial();
  };

  EXPECT_EQ(shown(""), first.serial);
  EXPECT_EQ(shown("elsewhere.test"), first.serial);
  EXPECT_EQ(shown("deep.er.wild.test"), first.serial);
  EXPECT_EQ(shown("wild.test"), first.serial);
  EXPECT_EQ(shown("plain.wild.test"), first.serial);
  EXPECT_EQ(shown("docs.test"), second.serial);
  EXPECT_EQ(shown("DOCS.test"), second.serial);
  EXPECT_EQ(shown("any.wild.test"), wild.serial);
}

TEST_F(ServerContext, RequiresACertificateOfTheNamedAuthority) {
  const TestCa clients("clients");
  const auto server = open({.pairs = {store("rift", ca_.issue({.names = {"rift"}}))},
                            .client_ca = dir_.write("clients.crt", clients.pem()),
                            .client_required = true});
  const PairFiles ours = store("ours", clients.issue({.subject = "agent"}));
  const PairFiles strange = store("strange", ca_.issue({.subject = "agent"}));

  EXPECT_THAT(Connection(server->current(), client()).error(),
              HasSubstr("peer did not return a certificate"));
  EXPECT_THAT(Connection(server->current(), client({.pair = strange})).error(),
              HasSubstr("certificate verify failed"));
  Connection good(server->current(), client({.pair = ours}));
  EXPECT_EQ(good.error(), "");
  EXPECT_EQ(good.client_subject(), "/CN=agent");
}

TEST_F(ServerContext, MayAskForAClientCertificateWithoutRequiringIt) {
  const auto server = open({.pairs = {store("rift", ca_.issue({.names = {"rift"}}))},
                            .client_ca = dir_.write("clients.crt", ca_.pem())});

  Connection bare(server->current(), client());

  EXPECT_EQ(bare.error(), "");
  EXPECT_EQ(bare.client_subject(), "");
}

TEST_F(ServerContext, TicketsResumeUntilTheirKeyIsGone) {
  const auto server = open({.pairs = {store("rift", ca_.issue({.names = {"rift"}})),
                                      store("docs", ca_.issue({.names = {"docs"}}))}});
  const Context ours = client();
  const auto resumes = [&](SSL_SESSION* session) {
    return Connection(server->current(), ours, {.sni = "docs", .session = session}).resumed();
  };
  const Connection full(server->current(), ours, {.sni = "docs"});
  ASSERT_EQ(full.error(), "");
  EXPECT_FALSE(full.resumed());
  SSL_SESSION* ticket = full.ticket();
  ASSERT_NE(ticket, nullptr);
  // By the client's real clock it never ends here; by the server's keys it does.

  EXPECT_TRUE(resumes(ticket));
  env_.manual_clock().advance(std::chrono::minutes(61));
  EXPECT_TRUE(resumes(ticket));
  env_.manual_clock().advance(std::chrono::minutes(60));
  EXPECT_FALSE(resumes(ticket));
  SSL_SESSION_free(ticket);
}

TEST_F(ServerContext, LivesAsLongAsItsConnections) {
  auto server = open({.pairs = {store("rift", ca_.issue({.names = {"rift"}})),
                                store("docs", ca_.issue({.names = {"docs"}}))}});
  const Context ours = client();
  Context context = server->current();
  Connection connection(context, ours, {.sni = "docs"});
  const Connection rift(context, ours);

  server.reset();
  context.reset();

  EXPECT_TRUE(connection.echoes());
}

TEST_F(ClientContext, RefusesFilesThatAreNoCertificates) {
  EXPECT_THAT(client_context(env_, {.ca_file = dir_.write("empty", "")}),
              failed_saying(Code::kInvalidArgument, "empty: there is no certificate"));
  EXPECT_THAT(client_context(env_, {.ca_file = dir_.file("missing")}),
              failed_saying(Code::kNotFound, "missing"));
  EXPECT_THAT(client_context(env_, {.pair = {dir_.write("c", ca_.pem()), dir_.write("k", "")}}),
              failed_saying(Code::kInvalidArgument, "client certificate"));
  EXPECT_THAT(client_context(env_, {.alpn = {""}}), failed_saying(Code::kInvalidArgument, "ALPN"));
}

TEST_F(ClientContext, TrustsTheNamedAuthorityAlone) {
  const TestCa other("other");
  const auto server = open({.pairs = {store("rift", other.issue({.names = {"rift"}}))}});
  const Context blind = require_ok(client_context(env_, {.verify = false}));

  EXPECT_THAT(Connection(server->current(), client()).error(),
              HasSubstr("certificate verify failed"));
  EXPECT_EQ(Connection(server->current(), blind).error(), "");
}

TEST_F(ClientContext, VerifiesTheNameOfTheConnection) {
  const auto server = open({.pairs = {store("rift", ca_.issue({.names = {"rift"}}))}});
  const Context ours = client();

  EXPECT_THAT(Connection(server->current(), ours, {.verify_name = "docs"}).error(),
              HasSubstr("certificate verify failed"));
  EXPECT_EQ(Connection(server->current(), ours, {.verify_name = "rift"}).error(), "");
}

TEST_F(ClientContext, VerifiesAnAddressOfTheConnection) {
  const auto server = open({.pairs = {store("rift", ca_.issue({.names = {"127.0.0.1", "::1"}}))}});
  const Context ours = client();

  EXPECT_THAT(Connection(server->current(), ours, {.verify_name = "127.0.0.2"}).error(),
              HasSubstr("certificate verify failed"));
  EXPECT_EQ(Connection(server->current(), ours, {.verify_name = "127.0.0.1"}).error(), "");
  EXPECT_EQ(Connection(server->current(), ours, {.verify_name = "::1"}).error(), "");
}

TEST_F(ClientContext, SpeaksTls12OnlyWhereItVerifiesNothing) {
  const auto server = open({.pairs = {store("rift", ca_.issue({.names = {"rift"}}))}});
  const Context old = server->current();
  SSL_CTX_set_min_proto_version(old.get(), TLS1_2_VERSION);
  SSL_CTX_set_max_proto_version(old.get(), TLS1_2_VERSION);
  const Context blind = require_ok(client_context(env_, {.verify = false}));

  EXPECT_NE(Connection(old, client()).error(), "");
  EXPECT_EQ(Connection(old, blind).version(), "TLSv1.2");
}

TEST_F(ClientContext, MaterialIsReadAndChecked) {
  const PairFiles pair = store("me", ca_.issue({.names = {"me"}}));
  const std::string ca = dir_.write("ca.crt", ca_.pem());

  EXPECT_THAT(client_material(env_, {.ca_file = dir_.write("empty", "")}),
              failed_saying(Code::kInvalidArgument, "empty: there is no certificate"));
  EXPECT_THAT(client_material(env_, {.ca_file = ca, .pair = {pair.cert, ca}}),
              failed_saying(Code::kInvalidArgument, "client certificate"));
  const ClientMaterial material = require_ok(client_material(env_, {.ca_file = ca, .pair = pair}));

  EXPECT_EQ(material.ca_pem, ca_.pem());
  ASSERT_TRUE(material.pair);
  EXPECT_EQ(material.pair->cert_pem, dir_.read("me.crt"));
}

}  // namespace
}  // namespace dsl::tls::test
