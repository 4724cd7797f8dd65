#!/usr/bin/env bash
# The programs that the tests use and that pip and npm do not bring: installed where apt-get may, else named.
set -euo pipefail

declare -A package_of=(
    [chromium]=chromium [nginx]=nginx-light [haproxy]=haproxy [caddy]=caddy
    [mosquitto]=mosquitto [mosquitto_pub]=mosquitto-clients
)
missing=()
for program in "${!package_of[@]}"; do
    PATH="$PATH:/usr/sbin" command -v "$program" >/dev/null || missing+=("${package_of[$program]}")
done
[ ${#missing[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null || [ "$(id -u)" -ne 0 ]; then
    echo "The tests need: ${missing[*]}. Install them with your system's packages and run again." >&2
    exit 1
fi
echo "Installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
