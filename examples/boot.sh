#!/bin/bash
# Runs once on every new server, before the first login. Put no secrets here: it can be read on the server.
set -eu
timedatectl set-timezone Asia/Shanghai
mkdir -p /data
