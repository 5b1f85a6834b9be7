#!/bin/bash
# Runs once on every new server, before anybody logs in. Put no secrets here: it is readable on the server.
set -eu
timedatectl set-timezone Asia/Shanghai
mkdir -p /data
