"""usage: grpc_health.py HOST:PORT - asks grpc.health.v1.Health/Check with Python's own gRPC.

Prints SERVING and ends with 0, or says what came instead. The certificate is taken as it is.
"""
import ssl
import sys

import grpc

SERVING = b"\x08\x01"  # HealthCheckResponse{status: SERVING}


def main(address):
    host, port = address.rsplit(":", 1)
    certificate = ssl.get_server_certificate((host, int(port))).encode()
    with grpc.secure_channel(
            address, grpc.ssl_channel_credentials(certificate),
            options=[("grpc.ssl_target_name_override", "localhost")]) as channel:
        answer = channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=10)
    print("SERVING" if answer == SERVING else answer)
    return 0 if answer == SERVING else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
