#!/bin/busybox sh
# The first process of a guest. Its root becomes that of the machine it runs on, so that it has Node and this checkout under their paths:
# read-only, below a layer in memory that takes what the guest writes. There agent.sh goes on.
#
# If this ends, the kernel panics and qemu ends with it; why is on the console then.
set -e
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
hostname guest

while read -r module; do
  modprobe "$module"
done < /modules

mount -t 9p -o ro,trans=virtio,version=9p2000.L,cache=loose,msize=262144 machine /machine
mount -t tmpfs layer /layer
mkdir /layer/upper /layer/work
mount -t overlay -o lowerdir=/machine,upperdir=/layer/upper,workdir=/layer/work overlay /root
mount -t proc proc /root/proc
mount -t sysfs sys /root/sys
mount -t devtmpfs dev /root/dev
# What runs on the machine does not run here.
mount -t tmpfs run /root/run

cp /agent.sh /root/run/
for port in /sys/class/virtio-ports/*; do
  exec chroot /root /bin/sh /run/agent.sh "/dev/${port##*/}"
done
