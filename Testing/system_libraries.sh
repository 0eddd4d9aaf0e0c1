#!/bin/sh
# Qt's wheels expect these libraries of the system even when nothing is shown on a screen, and a
# font to draw the panel's pictures. Desktop machines have them, bare containers do not.
# As root on Debian or Ubuntu they are installed; elsewhere this says what is missing.
libraries='libEGL.so.1 libGL.so.1 libxkbcommon.so.0 libfontconfig.so.1 libdbus-1.so.3 libgthread-2.0.so.0 libX11.so.6'
packages='libegl1 libgl1 libxkbcommon0 libfontconfig1 libdbus-1-3 libglib2.0-0 libx11-6 fonts-dejavu-core'

[ "$(uname -s)" = Linux ] || exit 0
PATH="$PATH:/sbin:/usr/sbin"

# Real parts of a hospital's network for the tests of the node, which are skipped where these are missing.
parts=''
command -v storescu >/dev/null && command -v storescp >/dev/null || parts="$parts dcmtk"
command -v Orthanc >/dev/null || parts="$parts orthanc"
if [ -n "$parts" ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $parts ||
      echo "Not installed:$parts; the tests that need them will be skipped." >&2
  else
    echo "Tests that need them will be skipped (Debian, Ubuntu: sudo apt-get install$parts)." >&2
  fi
fi
missing=''
for library in $libraries; do
  ldconfig -p | grep -q "$library" || missing="$missing $library"
done
[ -z "$missing" ] && exit 0

echo "The tests of the panel need system libraries that are not here:$missing"
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages
else
  echo "Install them (Debian, Ubuntu: sudo apt-get install $packages) and run this again." >&2
  exit 1
fi
