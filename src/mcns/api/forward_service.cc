// ForwardService: who is asked for names that are not ours.
#include "mcns/api/audit.h"
#include "mcns/api/fields.h"
#include "mcns/api/handlers.h"
#include "mcns/v1/forward.pb.h"

namespace mcns::api {

using dsl::rpc::CallContext;

namespace {

pb::Forward to_proto(const Forwards::Group& group) {
  pb::Forward out;
  out.set_zone(zone_text(group.group.zone));
  for (const Upstream& upstream : group.group.upstreams) {
    out.add_upstreams(upstream.text());
  }
  for (const Upstream& upstream : group.group.fallback) {
    out.add_fallback(upstream.text());
  }
  out.set_policy(std::string(text(group.group.policy)));
  out.set_from(group.configured ? "configuration" : "api");
  out.set_random_case(group.group.random_case);
  const std::vector<Upstream>& upstreams = group.group.upstreams;
  out.set_ca_cert(upstreams.empty() ? std::string() : upstreams.front().ca_cert);  // as all
  return out;
}

std::string line_of(const Forwards::Group& group) {
  const pb::Forward shown = to_proto(group);
  std::string out = shown.policy() + ":";
  for (const std::string& upstream : shown.upstreams()) {
    out += " " + upstream;
  }
  for (const std::string& upstream : shown.fallback()) {
    out += " (" + upstream + ")";
  }
  out += shown.random_case() ? ", random case" : "";
  out += shown.ca_cert().empty() ? "" : ", trusts " + shown.ca_cert();
  return out;
}

Result<std::vector<Upstream>> upstreams_of(
    const google::protobuf::RepeatedPtrField<std::string>& texts, const std::string& field) {
  std::vector<Upstream> upstreams;
  for (int i = 0; i < texts.size(); ++i) {
    Result<Upstream> upstream = Upstream::parse(texts.Get(i));
    if (!upstream) {
      return tl::unexpected(at_field(std::move(upstream).error(), dsl::text("{}[{}]", field, i)));
    }
    upstreams.push_back(std::move(*upstream));
  }
  return upstreams;
}

// "default" and "@" are the root: a dot alone is no segment that every client sends in a path.
Result<Name> zone_of(const std::string& text) {
  return text == "default" ? Result<Name>(Name()) : absolute_name(text, "zone");
}

Result<pb::ListForwardsReply> list(Context& context) {
  MC_ASSIGN(const std::vector<Forwards::Group> groups, context.services.forwards.list());
  pb::ListForwardsReply reply;
  for (const Forwards::Group& group : groups) {
    *reply.add_forwards() = to_proto(group);
  }
  return reply;
}

// The service has another working directory than its caller.
Result<void> check_path(const std::string& path) {
  if (!path.empty() && !path.starts_with('/')) {
    return tl::unexpected(at_field(
        dsl::fail(dsl::Code::kInvalidArgument, "{} is not absolute", path)
            .hint("a path on the machine of the service; empty = the authorities of its system"),
        "ca_cert"));
  }
  return {};
}

Result<pb::Forward> set(Context& context, const CallContext& call,
                        const pb::SetForwardRequest& request) {
  Forwards::Setting wanted;
  MC_ASSIGN(wanted.group.zone, zone_of(request.zone()));
  MC_ASSIGN(wanted.group.upstreams, upstreams_of(request.upstreams(), "upstreams"));
  MC_ASSIGN(wanted.group.fallback, upstreams_of(request.fallback(), "fallback"));
  wanted.group.policy = parse_forward_policy(request.policy()).value_or(ForwardPolicy::kOrdered);
  if (request.has_random_case()) {
    wanted.random_case = request.random_case();
  }
  if (request.has_ca_cert()) {
    MC_TRY(check_path(request.ca_cert()));
    wanted.ca_cert = request.ca_cert();
  }
  MC_ASSIGN(const Forwards::Change change,
            context.services.forwards.set(wanted, request.dry_run()));
  if (!request.dry_run()) {
    audit(call, dsl::text("forward {}", wanted.group.zone.text()),
          change.former ? line_of(*change.former) : std::string(), line_of(change.now));
  }
  return to_proto(change.now);
}

Result<pb::DeleteForwardReply> remove(Context& context, const CallContext& call,
                                      const pb::DeleteForwardRequest& request) {
  MC_ASSIGN(const Name zone, zone_of(request.zone()));
  MC_ASSIGN(const Forwards::Group former, context.services.forwards.remove(zone));
  audit(call, dsl::text("forward {}", zone.text()), line_of(former), "");
  return pb::DeleteForwardReply();
}

}  // namespace

void add_forward_methods(dsl::rpc::MethodTable& table, const ContextPtr& context) {
  const std::string service = "mcns.v1.ForwardService.";
  table.add<pb::ListForwardsRequest, pb::ListForwardsReply>(
      service + "ListForwards",
      [context](CallContext&, const pb::ListForwardsRequest&) { return list(*context); });
  table.add<pb::SetForwardRequest, pb::Forward>(
      service + "SetForward", [context](CallContext& call, const pb::SetForwardRequest& request) {
        return set(*context, call, request);
      });
  table.add<pb::DeleteForwardRequest, pb::DeleteForwardReply>(
      service + "DeleteForward",
      [context](CallContext& call, const pb::DeleteForwardRequest& request) {
        return remove(*context, call, request);
      });
}

}  // namespace mcns::api
