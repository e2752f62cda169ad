#!/bin/sh
# deps.sh SET...: install the Debian packages of the named sets that are missing.
#
# Sets: build, demo, test, coverage, bench, deb, release; none means all. As root or with sudo it
# installs; without either it prints the one command to run and stops with 1. Nothing missing:
# nothing is said.
set -eu

build='gcc libc6-dev make pkgconf libmosquitto-dev libmsgpack-dev libjansson-dev libinih-dev
       libsndfile1-dev libsqlite3-dev nettle-dev libxxhash-dev uthash-dev libsystemd-dev libssl-dev
       libncurses-dev'
demo='python3 mosquitto mosquitto-clients alsa-utils'
test="$demo g++ libcmocka-dev python3-pytest python3-paho-mqtt python3-msgpack python3-soundfile
      python3-jsonschema python3-markdown python3-matplotlib python3-numpy python3-yaml sox ffmpeg strace openssl
      clang libclang-rt-14-dev systemd scdoc mandoc zsh bash-completion
      prometheus python3-pyte python3-jinja2"
coverage="$test gcovr"
bench="$demo python3-paho-mqtt python3-msgpack python3-soundfile python3-numpy python3-matplotlib strace"
deb='dpkg-dev debhelper fakeroot scdoc'
release="$test $deb lintian debootstrap systemd-container buildah iproute2 qemu-user
         gcc-aarch64-linux-gnu gcc-arm-linux-gnueabihf"

wanted=
for set in "${@:-build demo test coverage bench deb release}"; do
    for name in $set; do
        case $name in
        build) wanted="$wanted $build" ;;
        demo) wanted="$wanted $demo" ;;
        test) wanted="$wanted $test" ;;
        coverage) wanted="$wanted $coverage" ;;
        bench) wanted="$wanted $bench" ;;
        deb) wanted="$wanted $deb" ;;
        release) wanted="$wanted $release" ;;
        *) echo "deps.sh: there is no set '$name'" >&2 && exit 2 ;;
        esac
    done
done

if ! command -v dpkg-query >/dev/null; then
    echo "This is no Debian: the programs need what there is called" $wanted >&2
    exit 0
fi

# dpkg-query complains about names it never heard of, which is what we want to know.
installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' $wanted 2>/dev/null |
    sed -n 's/ installed$//p') || true
missing=$(printf '%s\n' $wanted | sort -u | grep -v -x -F "$installed") || true
[ -n "$missing" ] || exit 0
missing=$(echo $missing)

# Another apt may be at work, as after the first start of a machine: it is waited for.
command="apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends $missing"
if [ "$(id -u)" = 0 ]; then
    as_root=
elif command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
    as_root=sudo
else
    printf 'Some packages are missing. Run this as root, then try again:\n\n  %s\n\n' \
        "apt-get update && $command" >&2
    exit 1
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
quietly() { $as_root env DEBIAN_FRONTEND=noninteractive "$@" >"$log" 2>&1 </dev/null; }

echo "Installing $(echo $missing | wc -w) packages (a minute or two): $missing"
[ -z "$as_root" ] || sudo true
# The package lists may be missing or old: then the first try fails, and they are fetched.
if ! quietly $command && ! { quietly apt-get update && quietly $command; }; then
    cat "$log" >&2
    echo "The packages could not be installed; the command was: $command" >&2
    exit 1
fi
