// The API of the name service: every method of proto/mcns/v1, who may call it, and who calls.
//
//   api::Services services{.env = env, .database = *database, .writer = *writer, ...};
//   endpoint::Endpoint::open(env, config, api::make_methods(services),
//                            {.service = "mcns",
//                             .authenticate = api::authenticator(service_uid, group, tokens),
//                             .policy = api::policy(services), ...});
//
// Reading is for every account but guests, zones and the service itself are for administrators: the
// access options of the .proto say so. Writing records is decided by `policy` from the names that a
// request touches (authz.h).
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "dsl/rpc/api.h"
#include "mcns/api/services.h"

namespace mcns::api {

// `services` outlives the server of the table.
dsl::rpc::MethodTable make_methods(Services& services);
// The same methods, to be described and never called: for `mcns openapi`.
dsl::rpc::MethodTable declared_methods();

// Decides the methods that write records. One that it does not know is denied to everybody.
dsl::rpc::Policy policy(Services& services);

// Root, the service's own user and the members of `group` on the local socket are administrators;
// everybody else is who his token says.
dsl::rpc::Authenticator authenticator(std::uint32_t service_uid, const std::string& group,
                                      std::shared_ptr<dsl::auth::TokenFile> tokens);

}  // namespace mcns::api
