#!/bin/sh
# Run by `cargo xtask test package`, as the superuser in a mount namespace of its own: tries a package in a copy of a clean
# system. What is written there is in memory, and gone with the namespace.
# Arguments: the system's folder, a folder to work in, the folder of the packages, try.sh, the package's file name.
set -eu
system=$1 stage=$2 packages=$3 script=$4 package=$5

mount -t tmpfs tmpfs "$stage"
mkdir "$stage/changes" "$stage/work" "$stage/root"
mount -t overlay overlay -o "lowerdir=$system,upperdir=$stage/changes,workdir=$stage/work" "$stage/root"
mkdir "$stage/root/packages"
cp "$packages"/*.deb "$script" "$stage/root/packages"
mount -t proc proc "$stage/root/proc"
mount --rbind /dev "$stage/root/dev"
exec chroot "$stage/root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
    sh "/packages/$(basename "$script")" "/packages/$package"
