"""A gRPC server over TLS that shares no code with dsl. tls_peer.py FOLDER (key, cert; makes port)"""

import os
import sys
from concurrent import futures

import grpc

from dsl.rpc import echo_pb2 as pb


class Echo(grpc.GenericRpcHandler):
    def service(self, handler_call_details):
        return grpc.unary_unary_rpc_method_handler(
            lambda request, context: pb.EchoReply(text=request.text + " over TLS"),
            request_deserializer=pb.EchoRequest.FromString,
            response_serializer=pb.EchoReply.SerializeToString)


def content(name):
    with open(os.path.join(sys.argv[1], name), "rb") as file:
        return file.read()


server = grpc.server(futures.ThreadPoolExecutor(max_workers=2))
server.add_generic_rpc_handlers((Echo(),))
credentials = grpc.ssl_server_credentials(((content("key"), content("cert")),))
port = server.add_secure_port("127.0.0.1:0", credentials)
server.start()
with open(os.path.join(sys.argv[1], "port.new"), "w", encoding="ascii") as out:
    out.write(str(port))
os.rename(os.path.join(sys.argv[1], "port.new"), os.path.join(sys.argv[1], "port"))
server.wait_for_termination()
