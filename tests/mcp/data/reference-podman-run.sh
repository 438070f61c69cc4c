#!/bin/sh
# The twelve containers of the reference platform, as its operator typed them by hand after the
# disaster: lines for `mcp convert` and the golden files of the renderer.

podman run -d --name mcns --restart unless-stopped \
  -p 192.168.88.181:53:53/tcp \
  -p 192.168.88.181:53:53/udp \
  -p 100.95.252.120:53:53/tcp \
  -p 100.95.252.120:53:53/udp \
  -p 127.0.0.1:38443:8443 \
  -v /srv/mcns:/srv/mcns \
  mcr.svc.mcp.metacircular.net:8443/mcns:v1.2.0 \
  server --config /srv/mcns/mcns.toml

podman run -d --name mc-proxy --restart unless-stopped --network host \
  -v /srv/mc-proxy:/srv/mc-proxy \
  mcr.svc.mcp.metacircular.net:8443/mc-proxy:v1.2.2 \
  server --config /srv/mc-proxy/mc-proxy.toml

podman run -d --name mcr-api --restart unless-stopped \
  -p 127.0.0.1:28443:8443 \
  -p 127.0.0.1:29443:9443 \
  -v /srv/mcr:/srv/mcr \
  mcr.svc.mcp.metacircular.net:8443/mcr:v1.2.1 \
  server --config /srv/mcr/mcr.toml

podman run -d --name mcr-web --restart unless-stopped --user 0:0 \
  -p 127.0.0.1:28080:8080 \
  -v /srv/mcr:/srv/mcr \
  mcr.svc.mcp.metacircular.net:8443/mcr-web:v1.3.2 \
  server --config /srv/mcr/mcr.toml

podman run -d --name metacrypt-api --restart unless-stopped \
  -p 127.0.0.1:18443:8443 \
  -p 127.0.0.1:19443:9443 \
  -v /srv/metacrypt:/srv/metacrypt \
  mcr.svc.mcp.metacircular.net:8443/metacrypt:v1.3.1 \
  server --config /srv/metacrypt/metacrypt.toml

podman run -d --name metacrypt-web --restart unless-stopped \
  -p 127.0.0.1:18080:8080 \
  -v /srv/metacrypt:/srv/metacrypt \
  mcr.svc.mcp.metacircular.net:8443/metacrypt-web:v1.4.1 \
  --config /srv/metacrypt/metacrypt.toml

podman run -d --name mcp-master --restart unless-stopped --network host \
  -v /srv/mcp-master:/srv/mcp-master \
  mcr.svc.mcp.metacircular.net:8443/mcp-master:v0.10.3 \
  server --config /srv/mcp-master/mcp-master.toml

podman run -d --name mcq --restart unless-stopped \
  -p 127.0.0.1:48080:8080 \
  -p 100.95.252.120:48080:8080 \
  -v /srv/mcq:/srv/mcq \
  mcr.svc.mcp.metacircular.net:8443/mcq:v0.4.2 \
  server --config /srv/mcq/mcq.toml

podman run -d --name mcdoc --restart unless-stopped \
  -p 127.0.0.1:38080:8080 \
  -v /srv/mcdoc:/srv/mcdoc \
  mcr.svc.mcp.metacircular.net:8443/mcdoc:v0.1.0 \
  server --config /srv/mcdoc/mcdoc.toml

podman run -d --name mcat --restart unless-stopped \
  -p 127.0.0.1:48116:8443 \
  -v /srv/mcat:/srv/mcat \
  mcr.svc.mcp.metacircular.net:8443/mcat:v1.2.0 \
  server --config /srv/mcat/mcat.toml

podman run -d --name kls --restart unless-stopped \
  -p 127.0.0.1:58080:8080 \
  -p 100.95.252.120:58080:8080 \
  -v /srv/kls:/srv/kls \
  mcr.svc.mcp.metacircular.net:8443/kls:v0.2.0 \
  -f /srv/kls/kls.conf

podman run -d --name sgardd --restart unless-stopped \
  -p 127.0.0.1:19473:9473 \
  -v /srv/sgard:/srv/sgard \
  mcr.svc.mcp.metacircular.net:8443/sgardd:v3.2.0 \
  --repo /srv/sgard --authorized-keys /srv/sgard/authorized_keys --tls-cert /srv/sgard/certs/sgard.pem --tls-key /srv/sgard/certs/sgard.key
