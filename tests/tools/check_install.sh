#!/bin/bash
# `make install` puts everything in place, and a program outside the tree builds against it.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

make --no-print-directory install BUILD="${REEL_BUILD:-build}" DESTDIR="$folder/image" \
    PREFIX=/opt/reel >"$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }
prefix=$folder/image/opt/reel

for file in bin/reeld bin/reel lib/libreel.a lib/pkgconfig/reel.pc lib/systemd/system/reeld.service \
    lib/sysusers.d/reeld.conf lib/tmpfiles.d/reeld.conf share/reel/reeld.store.conf \
    share/man/man1/reel.1 share/man/man5/reeld.conf.5 share/man/man7/reel-protocol.7 \
    share/man/man8/reeld.8 etc/reel/reeld.conf share/bash-completion/completions/reel{,d} \
    share/zsh/site-functions/_reel{,d}; do
    [ -s "$prefix/$file" ] || { echo "$file was not installed"; exit 1; }
done
for header in include/reel/*.h; do
    cmp "$header" "$prefix/$header"
done
"$prefix/bin/reeld" --version
"$prefix/bin/reel" --version
grep -q '^ExecStart=/opt/reel/bin/reeld' "$prefix/lib/systemd/system/reeld.service"
if grep -r -l "$folder" "$prefix/lib/pkgconfig" "$prefix/lib/systemd"; then exit 1; fi

# Settings that are there are not overwritten, here and below.
settings=$prefix/etc/reel/reeld.conf
echo '# mine' >"$settings"
make --no-print-directory install BUILD="${REEL_BUILD:-build}" DESTDIR="$folder/image" \
    PREFIX=/opt/reel >"$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }
[ "$(cat "$settings")" = '# mine' ]

# As on the machine it is installed on: the prefix is where the image was unpacked.
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$folder/image
[ "$(pkg-config --modversion reel)" = "$("$prefix/bin/reel" --version | grep -o '[0-9][0-9.]*' | head -n 1)" ]
cd "$folder"
for header in "$prefix"/include/reel/*.h; do
    echo "#include <reel/${header##*/}>"
done >firmware.c
echo 'int main(void) { return 0; }' >>firmware.c
gcc -std=c99 -Wall -Werror $(pkg-config --cflags reel) -o firmware firmware.c $(pkg-config --libs reel)
./firmware

cd "$OLDPWD"
make --no-print-directory uninstall DESTDIR="$folder/image" PREFIX=/opt/reel >"$folder/log" 2>&1 ||
    { cat "$folder/log"; exit 1; }
[ "$(find "$folder/image" ! -type d)" = "$settings" ] || { find "$folder/image" ! -type d; exit 1; }
