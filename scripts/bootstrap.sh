#!/usr/bin/env bash
# Installs the Debian packages conduit's sandbox needs, and only those that are missing. No service is started.
#
#   scripts/bootstrap.sh         what the quick start needs
#   scripts/bootstrap.sh test    and what the test suite needs beside it
#   scripts/bootstrap.sh soak    and the browser that only make soak opens
set -euo pipefail

say() { printf '%s\n' "$*"; }
fail() { printf 'bootstrap: %s\n' "$*" >&2; exit 1; }
have() { PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null; }

have_static() { have "$1" && ! ldd "$(command -v "$1")" >/dev/null 2>&1; }

missing_packages() {
    have python3 || say python3
    have python3 && python3 -c 'import ensurepip, venv' 2>/dev/null || say python3-venv
    have dnsmasq || say dnsmasq-base # not "dnsmasq", which would run a system service on port 53
    have nginx || say nginx
    have dockerd || say docker.io # containerd and runc come with it
    have iptables || say iptables # for names inside of containers' networks; nothing is changed on the host
    have ip || say iproute2
    have_static busybox || say busybox-static
    have dig || say bind9-dnsutils
    have curl || say curl
    have openssl || say openssl
    [ -s /etc/ssl/certs/ca-certificates.crt ] || say ca-certificates
    if [ "${1:-}" = soak ]; then
        have chromium || say chromium
        fc-list 2>/dev/null | grep -q . || say fonts-dejavu-core
    fi
    if [ -n "${1:-}" ]; then
        have git || say git
        have strace || say strace
        have wrk || say wrk
        have gpg && have gpg-agent || say gnupg
        have sshd || say openssh-server
        have ssh-keygen || say openssh-client
        have docker-registry || say docker-registry
        have systemd-analyze || say systemd # only its unit checker is used
        have promtool || say prometheus # only its checker of alerts and metrics is used
        have zsh || say zsh
        have fish || say fish
    fi
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# While packages are installed, a policy forbids them to start services; one that is already there is respected.
policy=/usr/sbin/policy-rc.d
forbid_services() {
    [ -e "$policy" ] && return
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
    trap 'as_root rm -f "$policy"' EXIT
}

install() {
    local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 -qq) output
    say "bootstrap: installing Debian packages (no service is started): $*"
    forbid_services
    output=$(as_root "${apt[@]}" update 2>&1) ||
        printf '%s\nbootstrap: going on with package lists that may be old\n' "$output" >&2
    output=$(as_root "${apt[@]}" install -y --no-install-recommends "$@" 2>&1) ||
        fail "apt-get could not install $*:
$output"
}

mapfile -t packages < <(missing_packages "$@")
if [ "${#packages[@]}" -gt 0 ]; then
    have apt-get || fail "this is not Debian; install the equivalents of these packages by hand: ${packages[*]}"
    [ "$(id -u)" = 0 ] || have sudo ||
        fail "neither root nor sudo; ask someone who is root to run: apt-get install --no-install-recommends ${packages[*]}"
    install "${packages[@]}"
fi
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "conduit needs Python 3.11 or newer, and python3 is $(python3 --version 2>&1); Debian 12 has it"
mapfile -t packages < <(missing_packages "$@")
[ "${#packages[@]}" = 0 ] || fail "installed, and still not usable: ${packages[*]}"
