#!/bin/sh
# The first and only program of the machine: what the tests need, the tests, off.
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs tmpfs /tmp
mkdir -p /dev/shm && mount -t tmpfs tmpfs /dev/shm

# The port for results is the PCI one. Not the console, where the kernel writes between the lines.
port=
for tty in /sys/class/tty/ttyS*; do
  case "$(readlink -f "$tty/device")" in */pci*) port=/dev/${tty##*/} ;; esac
done
if [ -z "$port" ]; then
  echo "numa-lab: no PCI serial port among: $(echo /sys/class/tty/ttyS*)" >&2
  poweroff -f
fi
stty -F "$port" raw -echo

export HOME=/tmp NODE_NO_WARNINGS=1
node /lab/tools/numa-lab/guest/main.js 3>"$port"
echo "{\"event\":\"exit\",\"status\":$?}" >"$port"
poweroff -f
