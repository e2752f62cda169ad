#!/bin/bash
# minimal_root.sh [DIR [COMMAND...]]: prove that the tree sets itself up on a fresh Debian 12.
#
# Makes a minimal Debian 12 under DIR (default: a temporary folder) with debootstrap, puts the
# committed tree into a fresh copy of it and runs each COMMAND there as root; without any,
# `make demo` and `make test`. Needs root and debootstrap. A DIR that is given is kept, so that the
# next run saves the download. MIRROR= names another Debian mirror than this machine's own.
set -euo pipefail

tree=$(git -C "$(dirname "$0")" rev-parse --show-toplevel)
if [ $# -gt 0 ]; then
    dir=$(realpath -m "$1") && shift
    mkdir -p "$dir"
else
    dir=$(mktemp -d /var/tmp/reel-root-XXXXXX)
    throw_away=yes
fi
[ $# -gt 0 ] || set -- 'make demo' 'make test'
base=$dir/base
root=$dir/root

mirror() {
    local found
    found=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' |
        sed -n 's| bookworm$||p' | head -n 1)
    echo "${MIRROR:-${found:-http://deb.debian.org/debian}}"
}

unmount() {
    local at
    for at in proc dev; do
        ! mountpoint -q "$root/$at" || umount -R "$root/$at"
    done
}

finish() {
    unmount && rm -rf --one-file-system "$root"
    [ -z "${throw_away:-}" ] || rm -rf --one-file-system "$dir"
}
trap finish EXIT
trap 'exit 130' INT TERM

if [ ! -e "$base/.complete" ]; then
    echo "== a minimal Debian 12 in $base"
    rm -rf "$base"
    debootstrap --variant=minbase --include=make,git,ca-certificates bookworm "$base" "$(mirror)" \
        >"$dir/debootstrap.log" || { tail "$dir/debootstrap.log" >&2; exit 1; }
    touch "$base/.complete"
fi

unmount
rm -rf --one-file-system "$root"
cp -a "$base" "$root"
cp /etc/resolv.conf "$root/etc/resolv.conf"
cp /etc/hosts "$root/etc/hosts"
# Packages that bring a daemon must not start it here: the network is the machine's own.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod +x "$root/usr/sbin/policy-rc.d"
mount -t proc proc "$root/proc"
mount --rbind --make-rslave /dev "$root/dev"
mkdir "$root/reel"
git -C "$tree" archive HEAD | tar -x -C "$root/reel"

for command in "$@"; do
    echo "== $command"
    began=$SECONDS
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM="${TERM:-dumb}" \
        chroot "$root" sh -c "cd /reel && $command"
    echo "== $command: good, $((SECONDS - began)) s"
done
