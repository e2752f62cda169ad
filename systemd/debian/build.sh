#!/bin/bash
# build.sh DIR VERSION [REVISION]: make the Debian packages of this tree, in DIR.
#
# Debian wants its folder at the top of the sources; so a copy of the tree is made, with that folder
# in it, and without the page that is made of the schemas. REVISION gives the packages the version
# VERSION+REVISION, which is newer than VERSION.
set -euo pipefail

dir=$1 version=$2 revision=${3:-}
tree=$(cd "$(dirname "$0")/../.." && pwd)
recorded=$(dpkg-parsechangelog -l "$tree/systemd/debian/changelog" -S Version)
[ "$recorded" = "$version" ] || {
    echo "build.sh: the Makefile has version $version, systemd/debian/changelog $recorded" >&2
    exit 1
}

rm -rf "$dir"
mkdir -p "$dir/reel-$version"
cd "$tree"
made=(--exclude=./build --exclude=./.git --exclude=__pycache__ --exclude=./schemas/protocol.html)
tar "${made[@]}" --exclude=./systemd/debian -c . | tar -x -C "$dir/reel-$version"
cp -r systemd/debian "$dir/reel-$version/debian"
cd "$dir/reel-$version"
rm debian/build.sh
if [ -n "$revision" ]; then
    {
        printf 'reel (%s+%s) unstable; urgency=medium\n\n  * Built again.\n\n' "$version" "$revision"
        printf ' -- %s  %s\n\n' "$(dpkg-parsechangelog -S Maintainer)" "$(dpkg-parsechangelog -S Date)"
        cat debian/changelog
    } >debian/changelog.new
    mv debian/changelog.new debian/changelog
fi
if ! dpkg-buildpackage --build=full --no-sign --jobs-force="$(nproc)" >../build.log 2>&1; then
    tail -n 40 ../build.log >&2
    exit 1
fi
cd ..
rm -rf "reel-$version"
ls ./*.deb
